/* Any text as a program: it is refused with reasons, or it loads, ends within its limits, and every
 * tuple reads back as a fact. */
#include <stdlib.h>

#include "datalog/datalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    struct datalog_run *run;
    int rel;
    struct buf facts;
    struct arena arena;
};

static bool read_tuple(void *arg, const datalog_word *columns)
{
    struct reading *r = arg;
    struct datalog_proof *proof;
    datalog_put_tuple(r->run, r->rel, columns, &r->facts);
    buf_put(&r->facts, SLICE(".\n"));
    enum err e = datalog_explain(r->run, r->rel, columns, &r->arena, &proof);
    if (e == ERR_OK)
        datalog_put_proof(r->run, proof, &r->facts);
    else if (e != ERR_LIMIT)
        abort();
    arena_reset(&r->arena);
    return buf_len(&r->facts) < 1 << 16;
}

static void ask_why_not(struct reading *r, const struct datalog *p)
{
    datalog_word any[DATALOG_COLUMNS];
    struct datalog_why_not *w;
    for (int i = 0; i < DATALOG_COLUMNS; i++)
        any[i] = INT64_MIN;
    for (r->rel = 0; r->rel < (int)datalog_relation_count(p); r->rel++)
        if (datalog_why_not(r->run, r->rel, any, &r->arena, &w) == ERR_OK)
            datalog_put_why_not(w, &r->facts);
}

static void run(const struct datalog *p)
{
    struct datalog_limits limits = {.max_tuples = 2000, .max_steps = 20000, .max_bytes = 1 << 16, .proofs = true};
    struct reading r = {.run = datalog_run_new(p, &limits)};
    const char *why = NULL;
    buf_init(&r.facts, BUF_TEXT_BOUND);
    arena_init(&r.arena, 0);
    enum err e = datalog_run_eval(r.run, &why);
    if (e == ERR_OK) {
        for (r.rel = 0; r.rel < (int)datalog_relation_count(p); r.rel++)
            datalog_each(r.run, r.rel, read_tuple, &r);
        ask_why_not(&r, p);
    } else if (!why) {
        abort();
    }
    arena_fini(&r.arena);
    buf_fini(&r.facts);
    datalog_run_free(&r.run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct datalog_text text = {.file = "fuzz.dl", .text = slice_of(data, size), .open_ended = size % 2 == 1};
    struct datalog *p = NULL;
    struct diag diag;
    struct buf said;
    diag_init(&diag);
    buf_init(&said, BUF_TEXT_BOUND);
    enum err e = datalog_load(&text, 1, &diag, &p);
    if ((e == ERR_OK) != (diag.errors == 0))
        abort();
    diag_print(&diag, &said);
    if (e == ERR_OK)
        run(p);
    datalog_free(&p);
    buf_fini(&said);
    diag_fini(&diag);
    return 0;
}
