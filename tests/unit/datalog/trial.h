#ifndef WEFT_TESTS_UNIT_DATALOG_TRIAL_H
#define WEFT_TESTS_UNIT_DATALOG_TRIAL_H

/* trial - a program loaded, run and read back as text, for tests.
 *
 * Lifetime: trial_init, then trial_fini whatever happened between. */
#include "datalog/datalog.h"
#include "tests/kit/t.h"

struct trial {
    struct diag diag;
    struct datalog *program;
    struct datalog_run *run;
    struct arena arena;
    struct buf out;
    const char *why;
};

static inline void trial_init(struct trial *t)
{
    *t = (struct trial){.why = ""};
    diag_init(&t->diag);
    arena_init(&t->arena, 0);
    buf_init(&t->out, BUF_TEXT_BOUND);
}

static inline void trial_fini(struct trial *t)
{
    datalog_run_free(&t->run);
    datalog_free(&t->program);
    diag_fini(&t->diag);
    arena_fini(&t->arena);
    buf_fini(&t->out);
}

static inline enum err trial_load(struct trial *t, const char *text)
{
    struct datalog_text one = {.file = "t.dl", .text = slice_str(text)};
    return datalog_load(&one, 1, &t->diag, &t->program);
}

/* Loads what must load, without a warning, and makes the run. */
static inline void trial_start(struct trial *t, const char *text, struct datalog_limits limits)
{
    trial_init(t);
    enum err e = trial_load(t, text);
    diag_print(&t->diag, &t->out);
    CHECK_TEXT("", buf_slice(&t->out));
    CHECK_ERR(ERR_OK, e);
    t->run = datalog_run_new(t->program, &limits);
}

static inline int trial_relation(const struct trial *t, const char *name)
{
    int rel = datalog_relation(t->program, slice_str(name));
    CHECK(rel >= 0);
    return rel;
}

static inline datalog_word trial_symbol(struct trial *t, const char *text)
{
    return datalog_symbol(t->run, slice_str(text));
}

struct trial_reading {
    struct trial *trial;
    int rel;
};

static inline bool trial_put(void *arg, const datalog_word *columns)
{
    struct trial_reading *r = arg;
    datalog_put_tuple(r->trial->run, r->rel, columns, &r->trial->out);
    buf_put_char(&r->trial->out, '\n');
    return true;
}

/* The relation's tuples, one a line, sorted. */
static inline struct slice trial_read(struct trial *t, const char *name)
{
    struct trial_reading r = {t, trial_relation(t, name)};
    buf_clear(&t->out);
    datalog_each(t->run, r.rel, trial_put, &r);
    return buf_slice(&t->out);
}

/* One program, one relation of its answer. */
static inline void trial_gives(const char *text, const char *relation, const char *want)
{
    struct trial t;
    trial_start(&t, text, (struct datalog_limits){0});
    enum err e = datalog_run_eval(t.run, &t.why);
    CHECK_TEXT("", slice_str(t.why));
    CHECK_ERR(ERR_OK, e);
    CHECK_TEXT(want, trial_read(&t, relation));
    trial_fini(&t);
}

/* One program, everything a person is told about it. */
static inline void trial_says(const char *text, enum err outcome, const char *want)
{
    struct trial t;
    trial_init(&t);
    enum err e = trial_load(&t, text);
    diag_print(&t.diag, &t.out);
    CHECK_TEXT(want, buf_slice(&t.out));
    CHECK_ERR(outcome, e);
    trial_fini(&t);
}

#endif
