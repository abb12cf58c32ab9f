#include "broker/answers.h"

#include "base/mem.h"
#include "broker/words.h"

void answers_problem(struct api *a, struct session *s, uint64_t re, const char *word, unsigned status,
                     const char *detail)
{
    Weft__Bus__V1__Problem body = WEFT__BUS__V1__PROBLEM__INIT;
    body.word = (char *)(uintptr_t)word;
    body.detail = (char *)(uintptr_t)detail;
    body.status = status;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.re = re;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_PROBLEM;
    r.problem = &body;
    front_send(a->front, s, &r);
}

void answers_job_unknown(struct api *a, struct session *s, uint64_t re)
{
    answers_problem(a, s, re, "job-unknown", 404, "No such job, or not yours.");
}

void answers_job_stale(struct api *a, struct session *s, uint64_t re)
{
    answers_problem(a, s, re, "job-stale", 409, "The lease is not yours any more.");
}

void answers_refusal(struct api *a, struct session *s, uint64_t re, enum err e)
{
    if (e == ERR_FULL)
        answers_problem(a, s, re, "store-full", 507, "The broker's disk or max_bytes is full; say it again later.");
    else if (e == ERR_PEER)
        answers_problem(a, s, re, "job-damaged", 500, "Its record on disk is damaged; the broker's log names it.");
    else
        answers_job_stale(a, s, re);
}

void answers_ok(struct api *a, struct session *s, uint64_t re)
{
    Weft__Bus__V1__Ok body = WEFT__BUS__V1__OK__INIT;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.re = re;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_OK;
    r.ok = &body;
    front_send(a->front, s, &r);
}

void answers_job(struct api *a, struct session *s, uint64_t re, const struct record_job *job)
{
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.re = re;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_JOB;
    r.job = words_job(&a->scratch, job);
    front_send(a->front, s, &r);
}

static const Weft__Bus__V1__BlobName *blob_of(const Weft__Bus__V1__Record *r)
{
    if (r->body_case == WEFT__BUS__V1__RECORD__BODY_SUBMIT)
        return r->submit->blob;
    if (r->body_case == WEFT__BUS__V1__RECORD__BODY_SCHEDULE_PUT && r->schedule_put->submit)
        return r->schedule_put->submit->blob;
    return r->body_case == WEFT__BUS__V1__RECORD__BODY_DONE ? r->done->blob : NULL;
}

struct answers_asker *answers_asker(struct api *a, const struct session *s, const Weft__Bus__V1__Record *r)
{
    struct answers_asker *k = mem_new(sizeof(*k));
    *k = (struct answers_asker){.api = a, .session = s->id, .seq = r->seq, .verb = r->body_case};
    const Weft__Bus__V1__BlobName *blob = blob_of(r);
    k->names_blob = blob && blob->digest.len == sizeof(k->blob);
    if (k->names_blob)
        memcpy(k->blob, blob->digest.data, sizeof(k->blob));
    return k;
}
