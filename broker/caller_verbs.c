#include "broker/caller_verbs.h"

#include "base/hash.h"
#include "base/mem.h"
#include "broker/answers.h"
#include "broker/blob_verbs.h"
#include "broker/permits.h"
#include "broker/submits.h"
#include "broker/words.h"

enum { LIST_DEFAULT = 50 };

void caller_verbs_submitted(void *arg, enum err e, struct slice job, bool replayed)
{
    struct answers_asker *k = arg;
    struct api *a = k->api;
    struct session *s = front_session(a->front, k->session);
    char id[JOB_ID + 1] = "";
    memcpy(id, job.at, job.len <= JOB_ID ? job.len : JOB_ID);
    if (s && e == ERR_OK) {
        blob_verbs_named(a, s, k);
        Weft__Bus__V1__Accepted body = WEFT__BUS__V1__ACCEPTED__INIT;
        body.job = id;
        body.replayed = replayed;
        Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
        r.re = k->seq;
        r.body_case = WEFT__BUS__V1__RECORD__BODY_ACCEPTED;
        r.accepted = &body;
        front_send(a->front, s, &r);
    } else if (s && e == ERR_EXISTS) {
        answers_problem(a, s, k->seq, "idempotency-conflict", 422, "This key came before with another request.");
    } else if (s) {
        answers_problem(a, s, k->seq, "store-full", 507,
                        "The broker's disk or max_bytes is full; ended jobs make room.");
    }
    mem_free(k);
}

static enum err to_desk(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    struct record_request request;
    struct desk_submit submit;
    submits_fill(a, s, r->submit, &request, &submit);
    struct answers_asker *k = answers_asker(a, s, r);
    enum err e = desk_submit(a->desk, &submit, caller_verbs_submitted, k);
    if (e != ERR_OK)
        mem_free(k);
    return e;
}

void caller_verbs_submit(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    struct submits_no no;
    if (!submits_fit(a, s, r->submit, &no))
        answers_problem(a, s, r->seq, no.word, no.status, no.detail);
    else if (to_desk(a, s, r) != ERR_OK)
        answers_problem(a, s, r->seq, "queue-full", 429, "Too many jobs of yours are waiting.");
}

static void job_changed(void *arg, enum err e, struct slice job, bool replayed)
{
    (void)replayed;
    struct answers_asker *k = arg;
    struct api *a = k->api;
    struct session *s = front_session(a->front, k->session);
    struct record_job now;
    if (s && e == ERR_OK && store_read_job(a->conf.store, job, &now) == ERR_OK)
        answers_job(a, s, k->seq, &now);
    else if (s && (e == ERR_FULL || e == ERR_PEER))
        answers_refusal(a, s, k->seq, e);
    else if (s)
        answers_problem(a, s, k->seq, "job-ended", 409, "The job is over.");
    arena_reset(&a->scratch);
    mem_free(k);
}

typedef enum err change_fn(struct desk *d, struct slice job, desk_done_fn *done, void *arg);

static void change(struct api *a, struct session *s, const Weft__Bus__V1__Record *r, const char *id, change_fn *fn)
{
    struct record_job job;
    if (!permits_find(a, s, r->seq, id, "cancel", &job))
        return;
    struct answers_asker *k = answers_asker(a, s, r);
    enum err e = fn(a->desk, slice_str(id), job_changed, k);
    if (e == ERR_OK)
        return;
    mem_free(k);
    if (e == ERR_FULL)
        answers_problem(a, s, r->seq, "queue-full", 429, "Too many jobs of yours are waiting.");
    else
        answers_problem(a, s, r->seq, "job-ended", 409, "The job is not in a state for this.");
}

/* What has become of its callback. */
static void add_callback(struct api *a, struct record_job *job)
{
    struct record_debt debt;
    if (!(job->traits & JOB_CALLS_BACK))
        return;
    enum err e = store_read_debt(a->conf.store, job->id, &debt);
    if (e != ERR_OK) {
        job->callback = job_over(job->state) ? "delivered" : "waiting";
        return;
    }
    job->callback = debt.dead ? "dead" : "pending";
    job->callback_tries = debt.tries;
    job->callback_reason = debt.reason;
}

void caller_verbs_query(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    struct record_job job;
    struct buf why;
    if (!permits_find(a, s, r->seq, r->query->job, "see", &job))
        return;
    buf_init(&why, BUF_TEXT_BOUND);
    desk_why(a->desk, job.id, &why);
    job.waits = buf_slice(&why);
    add_callback(a, &job);
    answers_job(a, s, r->seq, &job);
    buf_fini(&why);
}

void caller_verbs_fetch(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    struct record_job job;
    struct record_result result = {0};
    if (!permits_find(a, s, r->seq, r->fetch->job, "see", &job))
        return;
    Weft__Bus__V1__Result body = WEFT__BUS__V1__RESULT__INIT;
    body.job = r->fetch->job;
    body.state = (Weft__Bus__V1__State)job.state;
    if (job_over(job.state) && store_read_result(a->conf.store, job.id, &result) == ERR_OK) {
        body.status = result.status;
        body.headers = words_headers(&a->scratch, result.headers, result.header_count);
        body.n_headers = result.header_count;
        body.body = words_bytes(result.body);
        body.blob = blob_verbs_name(&a->scratch, &result.blob);
    }
    Weft__Bus__V1__Record answer = WEFT__BUS__V1__RECORD__INIT;
    answer.re = r->seq;
    answer.body_case = WEFT__BUS__V1__RECORD__BODY_RESULT;
    answer.result = &body;
    front_send(a->front, s, &answer);
}

void caller_verbs_list(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__List *m = r->list;
    struct store_list what = {
        .service = slice_str(m->service),
        .caller = slice_str(s->identity),
        .by_state = m->by_state,
        .state = (enum job_state)m->state,
        .cursor = slice_str(m->cursor),
        .limit = m->limit ? m->limit : LIST_DEFAULT,
    };
    if (m->by_state && (unsigned)m->state >= JOB_STATES) {
        answers_problem(a, s, r->seq, "bad-request", 400, "state: 0 to 5");
        return;
    }
    what.limit = what.limit > STORE_LIST_MOST ? STORE_LIST_MOST : what.limit;
    struct store_page page;
    store_list(a->conf.store, &what, &page);
    Weft__Bus__V1__Jobs body = WEFT__BUS__V1__JOBS__INIT;
    body.jobs = arena_array(&a->scratch, page.count + 1, sizeof(struct Weft__Bus__V1__Job *));
    for (size_t i = 0; i < page.count; i++) {
        Weft__Bus__V1__Job *job = words_job(&a->scratch, &page.jobs[i]);
        job->progress = words_bytes((struct slice){0}); /* a page of it would not fit one message */
        body.jobs[body.n_jobs++] = job;
    }
    body.cursor = words_text(&a->scratch, page.cursor);
    Weft__Bus__V1__Record answer = WEFT__BUS__V1__RECORD__INIT;
    answer.re = r->seq;
    answer.body_case = WEFT__BUS__V1__RECORD__BODY_JOBS;
    answer.jobs = &body;
    front_send(a->front, s, &answer);
}

/* --- contracts --- */

static void contract_kept(void *arg, const struct store_answer *answer)
{
    struct answers_asker *k = arg;
    struct session *s = front_session(k->api->front, k->session);
    if (s && answer->e == ERR_OK)
        answers_ok(k->api, s, k->seq);
    else if (s)
        answers_problem(k->api, s, k->seq, "store-full", 507, "The contract was not kept.");
    mem_free(k);
}

void caller_verbs_contract_put(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    struct slice text = words_slice(r->contract_put->text);
    if (text.len == 0 || text.len > API_CONTRACT) {
        answers_problem(a, s, r->seq, "payload-too-large", 413, "A contract for jobs may have 64 KiB.");
        return;
    }
    struct hash_digest digest = hash_sha256(text);
    store_put_contract(a->conf.store, slice_of(digest.b, sizeof(digest.b)), text, contract_kept,
                       answers_asker(a, s, r));
}

void caller_verbs_contract_get(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    struct slice digest = words_slice(r->contract_get->digest), text = {0};
    Weft__Bus__V1__Contract body = WEFT__BUS__V1__CONTRACT__INIT;
    body.digest = words_bytes(digest);
    if (digest.len == HASH_SHA256_LEN && store_read_contract(a->conf.store, digest, &text) == ERR_OK)
        body.text = words_bytes(text);
    Weft__Bus__V1__Record answer = WEFT__BUS__V1__RECORD__INIT;
    answer.re = r->seq;
    answer.body_case = WEFT__BUS__V1__RECORD__BODY_CONTRACT;
    answer.contract = &body;
    front_send(a->front, s, &answer);
}

void caller_verbs_cancel(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    change(a, s, r, r->cancel->job, desk_cancel);
}

static void callback_revived(void *arg, const struct store_answer *answer)
{
    job_changed(arg, answer->e, slice_str(answer->job), false);
}

static void retry_callback(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    struct record_job job;
    if (!permits_find(a, s, r->seq, r->retry->job, "cancel", &job))
        return;
    struct answers_asker *k = answers_asker(a, s, r);
    if (outbox_retry(a->conf.outbox, job.id, callback_revived, k) == ERR_OK)
        return;
    mem_free(k);
    answers_problem(a, s, r->seq, "callback-alive", 409, "No callback of this job has been given up.");
}

void caller_verbs_retry(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    if (r->retry->callback)
        retry_callback(a, s, r);
    else
        change(a, s, r, r->retry->job, desk_retry);
}
