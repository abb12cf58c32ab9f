#include "broker/worker_verbs.h"

#include "base/mem.h"
#include "broker/answers.h"
#include "broker/blob_verbs.h"
#include "broker/permits.h"
#include "broker/words.h"

enum { RENEW_MOST = 10000 };

static void answered(void *arg, enum err e, struct slice job, bool replayed)
{
    (void)job;
    (void)replayed;
    struct answers_asker *k = arg;
    struct session *s = front_session(k->api->front, k->session);
    if (s && e == ERR_OK)
        blob_verbs_named(k->api, s, k);
    if (s && e == ERR_OK)
        answers_ok(k->api, s, k->seq);
    else if (s)
        answers_refusal(k->api, s, k->seq, e);
    mem_free(k);
}

static void finish(struct api *a, struct session *s, const Weft__Bus__V1__Record *r, const Weft__Bus__V1__Lease *l,
                   struct desk_outcome *o)
{
    if (!permits_lease(a, s, l)) {
        answers_job_stale(a, s, r->seq);
        return;
    }
    o->job = slice_str(l->job);
    o->token = l->token;
    struct answers_asker *k = answers_asker(a, s, r);
    if (desk_finish(a->desk, o, answered, k) == ERR_OK)
        return;
    mem_free(k);
    answers_job_stale(a, s, r->seq);
}

void worker_verbs_done(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__Done *m = r->done;
    if (m->body.len > API_PAYLOAD || !words_fields_fit(m->headers, m->n_headers)) {
        answers_problem(a, s, r->seq, "payload-too-large", 413,
                        "A result may have 256 KiB here, or be a blob; 100 headers and 64 KiB of them.");
        return;
    }
    if (m->status < 200 || m->status > 599) {
        answers_problem(a, s, r->seq, "bad-request", 400, "A result has a status from 200 to 599.");
        return;
    }
    if (!blob_verbs_may_name(a, s, m->blob) || (m->blob && m->body.len)) {
        answers_problem(a, s, r->seq, "blob-unknown", 404, "This connection has put no such blob.");
        return;
    }
    struct record_result result = {
        .status = m->status,
        .headers = words_fields(&a->scratch, m->headers, m->n_headers),
        .header_count = m->n_headers,
        .body = words_slice(m->body),
        .blob = blob_verbs_blob(m->blob),
    };
    struct desk_outcome o = {
        .succeeded = true,
        .result = &result,
    };
    finish(a, s, r, m->lease, &o);
}

void worker_verbs_failed(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__Failed *m = r->failed;
    if (m->body.len > API_PAYLOAD || !words_fields_fit(m->headers, m->n_headers) ||
        m->kind > WEFT__BUS__V1__FAILED__KIND__UNFIT) {
        answers_problem(a, s, r->seq, "bad-request", 400, "A failure has a known kind and up to 256 KiB.");
        return;
    }
    struct record_result result = {
        .status = m->status,
        .headers = words_fields(&a->scratch, m->headers, m->n_headers),
        .header_count = m->n_headers,
        .body = words_slice(m->body),
    };
    struct desk_outcome o = {
        .cause = (enum backoff_cause)m->kind,
        .reason = slice_str(m->reason),
        .retry_after_ms = m->retry_after_ms,
        .result = m->status ? &result : NULL,
    };
    finish(a, s, r, m->lease, &o);
}

void worker_verbs_released(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__Released *m = r->released;
    struct desk_outcome o = {
        .cause = BACKOFF_RELEASED,
        .reason = SLICE("given back by its worker"),
    };
    finish(a, s, r, m->lease, &o);
}

void worker_verbs_progress(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__Progress *m = r->progress;
    if (!permits_lease(a, s, m->lease)) {
        answers_job_stale(a, s, r->seq);
        return;
    }
    struct desk_progress p = {
        .job = slice_str(m->lease->job),
        .token = m->lease->token,
        .type = slice_to(slice_str(m->type), 128),
        .data = words_slice(m->data),
        .checkpoint = m->checkpoint.len ? words_slice(m->checkpoint) : (struct slice){0},
    };
    if (p.data.len > API_CONTRACT || p.checkpoint.len > API_PAYLOAD) {
        answers_problem(a, s, r->seq, "payload-too-large", 413, "Progress may have 64 KiB, a checkpoint 256 KiB.");
        return;
    }
    struct answers_asker *k = answers_asker(a, s, r);
    if (desk_progress(a->desk, &p, answered, k) == ERR_OK)
        return;
    mem_free(k);
    answers_job_stale(a, s, r->seq);
}

void worker_verbs_renew(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__Renew *m = r->renew;
    Weft__Bus__V1__Beat beat = WEFT__BUS__V1__BEAT__INIT;
    size_t n = m->n_running < RENEW_MOST ? m->n_running : RENEW_MOST;
    beat.renewed = arena_array(&a->scratch, n + 1, sizeof(struct Weft__Bus__V1__Lease *));
    beat.stale = arena_array(&a->scratch, n + 1, sizeof(struct Weft__Bus__V1__Lease *));
    beat.cancelled = arena_array(&a->scratch, n + 1, sizeof(struct Weft__Bus__V1__Lease *));
    for (size_t i = 0; i < n; i++) {
        Weft__Bus__V1__Lease *l = m->running[i];
        bool cancelled = false;
        if (!permits_lease(a, s, l) || desk_renew(a->desk, slice_str(l->job), l->token, s->id, &cancelled) != ERR_OK)
            beat.stale[beat.n_stale++] = l;
        else if (cancelled)
            beat.cancelled[beat.n_cancelled++] = l;
        else
            beat.renewed[beat.n_renewed++] = l;
    }
    Weft__Bus__V1__Record answer = WEFT__BUS__V1__RECORD__INIT;
    answer.re = r->seq;
    answer.body_case = WEFT__BUS__V1__RECORD__BODY_BEAT;
    answer.beat = &beat;
    front_send(a->front, s, &answer);
}

void worker_verbs_credit(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    bool may = s->joined && strcmp(r->credit->service, s->service) == 0;
    /* Asked again each time: a reload may have changed the answer. */
    if (may && permits_run(a, s, slice_str(s->service)))
        desk_credit(a->desk, slice_str(s->service), &s->worker, r->credit->slots, r->credit->bytes);
    else
        answers_problem(a, s, r->seq, "policy-denied", 403, "This identity does not run this service's jobs.");
}
