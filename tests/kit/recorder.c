#include "tests/kit/recorder.h"

#include <stdio.h>

#include "tests/kit/t.h"

static void on_head(struct transit *t)
{
    struct recorder *r = t->owner_data;
    CHECK_INT(0, r->heads + r->gones);
    r->heads++;
    r->status = t->in.status;
    if (r->answer)
        r->answer(r, false);
}

static void on_info(struct transit *t, unsigned status)
{
    struct recorder *r = t->owner_data;
    CHECK_INT(0, r->heads + r->gones);
    r->infos++;
    r->last_info = status;
}

static void on_data(struct transit *t, struct slice bytes)
{
    struct recorder *r = t->owner_data;
    CHECK(r->heads == 1 && r->ends == 0 && r->gones == 0);
    r->data_bytes += bytes.len;
    CHECK_ERR(ERR_OK, buf_add(&r->body, bytes));
    if (r->credit)
        transit_credit(t, bytes.len);
}

static void on_end(struct transit *t)
{
    struct recorder *r = t->owner_data;
    CHECK(r->heads == 1 && r->ends == 0 && r->gones == 0);
    r->ends++;
    if (t->in.trailers.count > 0)
        snprintf(r->trailer, sizeof(r->trailer), "%.*s", SLICE_FMT(t->in.trailers.v[0].value));
    if (r->answer)
        r->answer(r, true);
}

static void on_sent(struct transit *t)
{
    struct recorder *r = t->owner_data;
    r->sents++;
}

static void on_gone(struct transit *t, enum transit_end how)
{
    struct recorder *r = t->owner_data;
    CHECK_INT(0, r->gones);
    r->gones++;
    r->how = how;
    if (t->fault)
        snprintf(r->fault, sizeof(r->fault), "%s", t->fault);
    r->t = NULL;
    transit_free(&t);
}

const struct transit_owner recorder_owner = {
    .head = on_head,
    .info = on_info,
    .data = on_data,
    .end = on_end,
    .sent = on_sent,
    .gone = on_gone,
};

void recorder_init(struct recorder *r)
{
    *r = (struct recorder){.credit = true};
    buf_init(&r->body, 64 << 20);
}

void recorder_fini(struct recorder *r)
{
    buf_fini(&r->body);
}

void recorder_own(struct recorder *r, struct transit *t)
{
    r->t = t;
    t->owner = &recorder_owner;
    t->owner_data = r;
}

void recorder_ask(struct transit *t, const char *method, const char *path)
{
    t->out.method = slice_str(method);
    t->out.scheme = SLICE("http");
    t->out.authority = SLICE("test.example");
    t->out.path = slice_str(path);
}
