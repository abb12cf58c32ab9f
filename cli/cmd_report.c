/* weft report: who calls what under which verdict, with counts of real traffic. */
#include <stdio.h>

#include "base/file.h"
#include "cli/args.h"
#include "cli/commands.h"
#include "cli/fetch.h"
#include "cli/report_table.h"
#include "cli/show.h"

enum { FINE, NOTHING, UNUSABLE, TIMEOUT_US = 5000000 };

struct report_flags {
    struct args_texts sidecars, pages;
    unsigned format;
    bool fields;
};

static const char *const formats[] = {"text", "json", NULL};

static const struct args_flag flags[] = {
    {.name = "sidecar",
     .letter = 's',
     .type = ARGS_TEXTS,
     .offset = offsetof(struct report_flags, sidecars),
     .value = "ADDR",
     .doc = "its admin address (admin.listen); repeatable, counts add up; default 127.0.0.1:4790"},
    {.name = "metrics",
     .type = ARGS_TEXTS,
     .offset = offsetof(struct report_flags, pages),
     .value = "FILE",
     .doc = "a /metrics page that was saved; repeatable"},
    {.name = "fields",
     .type = ARGS_SWITCH,
     .offset = offsetof(struct report_flags, fields),
     .doc = "which members the callers of our function get: what would hurt whom if it went"},
    {.name = "format",
     .letter = 'f',
     .type = ARGS_CHOICE,
     .offset = offsetof(struct report_flags, format),
     .value = "FORMAT",
     .choices = formats,
     .doc = "text or json (default: text)"},
    {0},
};

static const struct args_command command = {
    .name = "weft report",
    .words = "",
    .summary = "peers, operations and verdicts, as a sidecar has counted them",
    .flags = flags,
    .examples = "  what would enforcement do?  Run with enforce: audit for a while, then\n"
                "    weft report --sidecar 127.0.0.1:4790\n"
                "  of several replicas\n"
                "    weft report --sidecar 127.0.0.1:4790 --sidecar unix:/run/weft/admin.sock --format json\n"
                "  may a member of an answer go?\n"
                "    weft report --fields\n",
    .details = "A sidecar counts calls in either direction; the peer is the one at the other end.\n"
               "Exit status: 0 printed, 1 nothing was counted, 2 wrong arguments or no sidecar there.\n",
};

static int add_sidecar(struct report_table *t, const char *address)
{
    struct fetch_request request = {.address = address, .method = "GET", .path = "/metrics", .timeout_us = TIMEOUT_US};
    struct fetch_answer answer;
    int status = FINE;
    if (fetch(&request, &answer) != ERR_OK) {
        fprintf(stderr, "weft report: no sidecar's admin side at %s: %s\n", address, answer.fault);
        status = UNUSABLE;
    } else if (answer.status != 200) {
        fprintf(stderr, "weft report: %s answers /metrics with %u\n", address, answer.status);
        status = UNUSABLE;
    } else {
        report_table_add(t, buf_slice(&answer.body));
    }
    fetch_answer_fini(&answer);
    return status;
}

static int add_page(struct report_table *t, const char *path)
{
    struct buf page;
    buf_init(&page, FETCH_BODY);
    enum err e = file_read(path, &page);
    if (e == ERR_OK)
        report_table_add(t, buf_slice(&page));
    else
        fprintf(stderr, "weft report: cannot read %s: %s\n", path, err_text(e));
    buf_fini(&page);
    return e == ERR_OK ? FINE : UNUSABLE;
}

static int collect(const struct report_flags *f, struct report_table *t)
{
    int status = FINE;
    for (size_t i = 0; i < f->pages.count && status == FINE; i++)
        status = add_page(t, f->pages.v[i]);
    for (size_t i = 0; i < f->sidecars.count && status == FINE; i++)
        status = add_sidecar(t, f->sidecars.v[i]);
    if (f->pages.count + f->sidecars.count == 0)
        status = add_sidecar(t, "127.0.0.1:4790");
    return status;
}

static int print(const struct report_flags *f, struct report_table *t)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    report_table_sort(t);
    if (f->fields) {
        if (f->format == 1)
            report_table_put_fields_json(t, &out);
        else if (t->field_count)
            report_table_put_fields_text(t, &out);
        else
            fprintf(stderr, "weft report: no answers of a function were looked at; the provider's sidecar counts their "
                            "members\n");
        show_buf(stdout, &out);
        buf_fini(&out);
        return t->field_count ? FINE : NOTHING;
    }
    if (f->format == 1)
        report_table_put_json(t, &out);
    else if (t->count)
        report_table_put_text(t, &out);
    else
        fprintf(stderr, "weft report: no exchange was judged by a pair of contracts\n");
    show_buf(stdout, &out);
    buf_fini(&out);
    return t->count ? FINE : NOTHING;
}

int cmd_report(int argc, char **argv)
{
    struct report_flags f = {0};
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    enum args_result parsed = args_parse(&command, argc, argv, &f, words, &count);
    if (parsed != ARGS_GO)
        return parsed == ARGS_SHOWN ? FINE : UNUSABLE;
    struct report_table t;
    report_table_init(&t);
    int status = collect(&f, &t);
    if (status == FINE)
        status = print(&f, &t);
    report_table_fini(&t);
    return status;
}
