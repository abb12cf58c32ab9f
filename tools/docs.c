/* docs - the pages that are made from tables: docs config|errors|rules|states.
 *
 * What a table of the program says is never written a second time by hand: this
 * prints docs/config.md, docs/errors.md, docs/rules.md and docs/states/states.md, and
 * tests/lint/docs.py fails when the committed page is another one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf_bind.h"
#include "base/sm.h"
#include "broker/broker_conf.h"
#include "broker/job.h"
#include "http/h1_head.h"
#include "http/h2_conn.h"
#include "proxy/job_link.h"
#include "proxy/job_run.h"
#include "proxy/proxy_conf.h"
#include "proxy/relay.h"
#include "proxy/reply.h"
#include "tools/docs_rules.h"

enum { PAGE_BOUND = 1 << 20 };

/* --- config --- */

static void config(struct buf *out)
{
    buf_put(out, SLICE("# Configuration\n\n"
                       "One YAML file per process. This page is made from the tables that read the files.\n"
                       "`weft conf check FILE` names every mistake with line and column; `weft conf show FILE`\n"
                       "prints the whole with defaults. `--set KEY=VALUE` overrides one key.\n\n"
                       "Durations are written `500ms`, `2s`, `5m`, `1h`, `7d`; sizes `64KiB`, `1MiB`, `4GiB`.\n"
                       "Relative paths start at the file's own folder.\n\n## The sidecar (`weft-proxy`)\n\n"));
    conf_bind_doc(proxy_conf_keys, out);
    buf_put(out, SLICE("\n## The broker (`weft-broker`)\n\n"));
    conf_bind_doc(broker_conf_keys, out);
}

/* --- errors --- */

#define H1_ROW_(name, status, word) {word, status},
static const struct {
    const char *word;
    unsigned status;
} h1_rows[] = {H1_REFUSALS(H1_ROW_)};
#undef H1_ROW_

/* docs.py compares these with the calls in broker/. */
static const struct {
    const char *word;
    unsigned status;
    const char *what;
} broker_rows[] = {
    {"bad-request", 400, "A record that a broker does not take, or a value out of range."},
    {"batch-refused", 424, "Another job of an all-or-none batch was refused."},
    {"blob-failed", 500,
     "Its file cannot be written or read, is missing or damaged; the log of the broker says which."},
    {"blob-unknown", 404, "There is no blob, or this connection has not put it."},
    {"callback-alive", 409, "No callback of this job has been given up."},
    {"callback-denied", 403, "The job may not call this URL back (`callbacks.allow`)."},
    {"hello-first", 409, "The session must say hello after every reconnect."},
    {"idempotency-conflict", 422, "The key came before with another request."},
    {"job-damaged", 500, "The record on disk is damaged; the broker's log names it."},
    {"job-ended", 409, "The job is over, or not in a state for this."},
    {"job-stale", 409, "The lease belongs to another attempt by now."},
    {"job-unknown", 404, "No such job, or not the caller's to see."},
    {"overloaded", 503, "A connection watches too many jobs already."},
    {"payload-too-large", 413,
     "Over the bound of a body, result (`limits.payload`), progress, checkpoint or contract."},
    {"policy-denied", 403, "Policy does not allow this identity to submit or to run."},
    {"queue-full", 429, "The caller has too many jobs waiting (`limits.jobs`)."},
    {"quota-full", 429, "The bytes that one caller may have in bodies and results over 256 KiB (`limits.blobs`)."},
    {"schedule-unknown", 404, "No such schedule of this caller."},
    {"service-unknown", 404, "The broker takes no jobs for this service (`services:`)."},
    {"store-full", 507, "The database is at its bound or cannot be written; what it has is still served."},
};

static const char *advice_words(enum err_advice advice)
{
    switch (advice) {
    case ERR_FINE:
        return "go on";
    case ERR_RETRY:
        return "try again later";
    case ERR_ANSWER:
        return "answer with the reason";
    case ERR_HANGUP:
        return "end the connection";
    }
    return "";
}

static void h1_errors(struct buf *out)
{
    buf_put(out, SLICE("\n## A request head that HTTP/1.1 does not allow\n\n"
                       "Answered before there is an exchange; the connection then closes.\n\n"
                       "| word | HTTP |\n|---|---|\n"));
    for (size_t i = 1; i < sizeof(h1_rows) / sizeof(h1_rows[0]); i++)
        buf_putf(out, "| `%s` | %u |\n", h1_rows[i].word, h1_rows[i].status);
}

static void broker_errors(struct buf *out)
{
    buf_put(out, SLICE("\n## The broker's refusals\n\nA `Problem` record on the bus; the sidecar passes word and "
                       "status on.\n\n| word | HTTP | what happened |\n|---|---|---|\n"));
    for (size_t i = 0; i < sizeof(broker_rows) / sizeof(broker_rows[0]); i++)
        buf_putf(out, "| `%s` | %u | %s |\n", broker_rows[i].word, broker_rows[i].status, broker_rows[i].what);
}

static void errors(struct buf *out)
{
    buf_put(out, SLICE("# Errors\n\nEvery refusal has a word. It is the header `weft-error`, the `error` of the "
                       "access log,\nand what `weft why` explains. This page is made from the tables that answer.\n\n"
                       "## The sidecar's refusals\n\n"));
    reply_doc(out);
    broker_errors(out);
    h1_errors(out);
    buf_put(out, SLICE("\n## Inside the programs: `enum err`\n\n| name | meaning | a caller with no better idea should "
                       "|\n|---|---|---|\n"));
    for (unsigned i = 0; i < ERR_COUNT; i++)
        buf_putf(out, "| `ERR_%s` | %s | %s |\n", err_name((enum err)i), err_text((enum err)i),
                 advice_words(err_advice((enum err)i)));
}

/* --- states --- */

/* Names may have spaces: the graph's own ids are numbers. */
static void graph(const struct sm_table *t, struct buf *out)
{
    buf_putf(out, "\n## %s\n\n```mermaid\nstateDiagram-v2\n", t->name);
    for (unsigned i = 0; i < t->count; i++)
        buf_putf(out, "    state \"%s\" as s%u\n", t->rows[i].name, i);
    for (unsigned i = 0; i < t->count; i++) {
        if (t->rows[i].flags & SM_FIRST)
            buf_putf(out, "    [*] --> s%u\n", i);
        for (unsigned to = 0; to < t->count; to++)
            if (t->rows[i].to & SM_TO(to))
                buf_putf(out, "    s%u --> s%u\n", i, to);
        if (t->rows[i].flags & SM_LAST)
            buf_putf(out, "    s%u --> [*]\n", i);
    }
    buf_put(out, SLICE("```\n"));
}

static void states(struct buf *out)
{
    const struct sm_table job = {"job", job_rows, JOB_STATES};
    const struct sm_table *tables[] = {&relay_states, &h2_conn_states, &job_link_states, &job_run_states, &job};
    buf_put(out, SLICE("# States\n\nThe tables of states, drawn. A move that is not here stops the process.\n"));
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        graph(tables[i], out);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(struct buf *out);
    } pages[] = {{"config", config}, {"errors", errors}, {"rules", docs_rules}, {"states", states}};
    for (size_t i = 0; argc == 2 && i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (strcmp(argv[1], pages[i].name) != 0)
            continue;
        struct buf out;
        buf_init(&out, PAGE_BOUND);
        pages[i].print(&out);
        struct slice page = buf_slice(&out);
        bool whole = fwrite(page.at, 1, page.len, stdout) == page.len && fflush(stdout) == 0;
        buf_fini(&out);
        return whole ? 0 : 1;
    }
    fprintf(stderr, "usage: weft_docs_tool config|errors|rules|states\n");
    return 2;
}
