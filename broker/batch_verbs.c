#include "broker/batch_verbs.h"

#include "base/mem.h"
#include "broker/after.h"
#include "broker/answers.h"
#include "broker/submits.h"
#include "broker/words.h"

/* The verdicts are collected until the store has answered the last of them. */

struct verdict {
    struct batch *batch;
    char job[JOB_ID + 1];
    bool replayed;
    struct submits_no no;
};

struct batch {
    struct api *api;
    uint64_t session, seq;
    bool all;
    size_t count, left;
    struct verdict v[];
};

static Weft__Bus__V1__Verdict *words_of(struct arena *a, struct verdict *v)
{
    Weft__Bus__V1__Verdict *m = arena_new(a, sizeof(*m));
    weft__bus__v1__verdict__init(m);
    m->job = v->job;
    m->replayed = v->replayed;
    if (!v->no.word)
        return m;
    m->problem = arena_new(a, sizeof(*m->problem));
    weft__bus__v1__problem__init(m->problem);
    m->problem->word = (char *)(uintptr_t)v->no.word;
    m->problem->status = v->no.status;
    m->problem->detail = (char *)(uintptr_t)v->no.detail;
    return m;
}

static void answer(struct batch *b)
{
    struct api *a = b->api;
    struct session *s = front_session(a->front, b->session);
    if (s) {
        Weft__Bus__V1__Verdicts body = WEFT__BUS__V1__VERDICTS__INIT;
        body.verdicts = arena_array(&a->scratch, b->count + 1, sizeof(struct Weft__Bus__V1__Verdict *));
        for (size_t i = 0; i < b->count; i++)
            body.verdicts[body.n_verdicts++] = words_of(&a->scratch, &b->v[i]);
        Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
        r.re = b->seq;
        r.body_case = WEFT__BUS__V1__RECORD__BODY_VERDICTS;
        r.verdicts = &body;
        front_send(a->front, s, &r);
    }
    arena_reset(&a->scratch);
    mem_free(b);
}

static void refuse_stored(struct submits_no *no, enum err e)
{
    if (e == ERR_EXISTS)
        submits_refuse(no, "idempotency-conflict", 422, "This key came before with another request.");
    else if (e == ERR_CLOSED)
        submits_refuse(no, "batch-refused", 424, "Another job of its batch was refused, so this one was not taken.");
    else
        submits_refuse(no, "store-full", 507, "The broker's disk or max_bytes is full; ended jobs make room.");
}

static void judged(void *arg, enum err e, struct slice job, bool replayed)
{
    struct verdict *v = arg;
    struct batch *b = v->batch;
    if (e == ERR_OK) {
        memcpy(v->job, job.at, job.len <= JOB_ID ? job.len : JOB_ID);
        v->replayed = replayed;
    } else {
        refuse_stored(&v->no, e);
    }
    if (--b->left == 0)
        answer(b);
}

static void refuse_desk(struct submits_no *no, enum err e)
{
    if (e == ERR_INPUT)
        submits_refuse(no, "bad-request", 400, "after: #0 is the first job of an all-or-none batch, and comes before.");
    else
        submits_refuse(no, "queue-full", 429, "Too many jobs of yours are waiting.");
}

static bool same_key(const Weft__Bus__V1__Submit *one, const Weft__Bus__V1__Submit *two)
{
    return *one->key && strcmp(one->key, two->key) == 0 && strcmp(one->operation, two->operation) == 0;
}

/* The transaction judges all before it writes one, so it would not see a key that comes twice. */
static bool repeats_key(const Weft__Bus__V1__Batch *m, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (same_key(m->jobs[i], m->jobs[at]))
            return true;
    return false;
}

/* What stands for an earlier job of the batch cannot be looked up yet. */
static bool fits(struct api *a, struct session *s, const Weft__Bus__V1__Batch *m, size_t at, struct submits_no *no)
{
    Weft__Bus__V1__Submit known = *m->jobs[at];
    known.after = arena_array(&a->scratch, known.n_after + 1, sizeof(char *));
    known.n_after = 0;
    for (size_t i = 0; i < m->jobs[at]->n_after; i++)
        if (!m->all || m->jobs[at]->after[i][0] != '#')
            known.after[known.n_after++] = m->jobs[at]->after[i];
    if (!submits_fit(a, s, &known, no))
        return false;
    if (m->jobs[at]->n_after > AFTER_MOST)
        submits_refuse(no, "bad-request", 400, "after: up to 32 jobs");
    else if (m->all && repeats_key(m, at))
        submits_refuse(no, "bad-request", 400, "key: it comes twice in this batch");
    return !no->word;
}

static void each(struct api *a, struct session *s, const Weft__Bus__V1__Batch *m, struct batch *b)
{
    b->left = b->count + 1; /* the last one is ours: nothing is answered before all were asked */
    for (size_t i = 0; i < b->count; i++) {
        struct record_request request;
        struct desk_submit submit;
        enum err e = ERR_INPUT;
        if (fits(a, s, m, i, &b->v[i].no)) {
            submits_fill(a, s, m->jobs[i], &request, &submit);
            e = desk_submit(a->desk, &submit, judged, &b->v[i]);
            if (e != ERR_OK)
                refuse_desk(&b->v[i].no, e);
        }
        b->left -= e != ERR_OK;
    }
    if (--b->left == 0)
        answer(b);
}

static bool all_fit(struct api *a, struct session *s, const Weft__Bus__V1__Batch *m, struct batch *b)
{
    bool fit = true;
    for (size_t i = 0; i < b->count; i++)
        fit &= fits(a, s, m, i, &b->v[i].no);
    return fit;
}

static enum err submit_all(struct api *a, struct session *s, const Weft__Bus__V1__Batch *m, struct batch *b)
{
    struct record_request *requests = arena_array(&a->scratch, b->count + 1, sizeof(*requests));
    struct desk_submit *submits = arena_array(&a->scratch, b->count + 1, sizeof(*submits));
    void **args = arena_array(&a->scratch, b->count + 1, sizeof(void *));
    size_t which = 0;
    for (size_t i = 0; i < b->count; i++) {
        submits_fill(a, s, m->jobs[i], &requests[i], &submits[i]);
        args[i] = &b->v[i];
    }
    enum err e = desk_submit_all(a->desk, submits, b->count, judged, args, &which);
    if (e != ERR_OK)
        refuse_desk(&b->v[which].no, e);
    return e;
}

static void all(struct api *a, struct session *s, const Weft__Bus__V1__Batch *m, struct batch *b)
{
    b->left = b->count;
    if (all_fit(a, s, m, b) && submit_all(a, s, m, b) == ERR_OK)
        return;
    for (size_t i = 0; i < b->count; i++)
        if (!b->v[i].no.word)
            refuse_stored(&b->v[i].no, ERR_CLOSED);
    answer(b);
}

void batch_verbs_submit(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__Batch *m = r->batch;
    if (m->n_jobs == 0 || m->n_jobs > BATCH_VERBS_MOST) {
        answers_problem(a, s, r->seq, "bad-request", 400, "A batch has 1 to 500 jobs.");
        return;
    }
    struct batch *b = mem_new(sizeof(*b) + m->n_jobs * sizeof(b->v[0]));
    b->api = a;
    b->session = s->id;
    b->seq = r->seq;
    b->count = m->n_jobs;
    for (size_t i = 0; i < b->count; i++)
        b->v[i].batch = b;
    if (m->all)
        all(a, s, m, b);
    else
        each(a, s, m, b);
}
