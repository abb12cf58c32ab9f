#include "broker/api.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/words.h"

enum { LIST_DEFAULT = 50, FIELDS_MOST = 100, HELLO_RUNNING = 10000 };

struct api {
    struct api_conf conf;
    struct desk *desk;
    struct front *front;
    struct arena scratch; /* of one record; reset after it */
};

/* Who asked, while the store answers. */
struct asker {
    struct api *api;
    uint64_t session, seq;
    Weft__Bus__V1__Record__BodyCase verb;
};

/* --- answers --- */

#define RECORD_INIT WEFT__BUS__V1__RECORD__INIT
#define IS(body) WEFT__BUS__V1__RECORD__BODY_##body

static void problem(struct api *a, struct session *s, uint64_t re, const char *word, unsigned status,
                    const char *detail)
{
    Weft__Bus__V1__Problem body = WEFT__BUS__V1__PROBLEM__INIT;
    body.word = (char *)(uintptr_t)word;
    body.detail = (char *)(uintptr_t)detail;
    body.status = status;
    Weft__Bus__V1__Record r = RECORD_INIT;
    r.re = re;
    r.body_case = IS(PROBLEM);
    r.problem = &body;
    front_send(a->front, s, &r);
}

static void job_unknown(struct api *a, struct session *s, uint64_t re)
{
    problem(a, s, re, "job-unknown", 404, "No such job, or not yours.");
}

static void job_stale(struct api *a, struct session *s, uint64_t re)
{
    problem(a, s, re, "job-stale", 409, "The lease is not yours any more.");
}

static void ok(struct api *a, struct session *s, uint64_t re)
{
    Weft__Bus__V1__Ok body = WEFT__BUS__V1__OK__INIT;
    Weft__Bus__V1__Record r = RECORD_INIT;
    r.re = re;
    r.body_case = IS(OK);
    r.ok = &body;
    front_send(a->front, s, &r);
}

static void send_job(struct api *a, struct session *s, uint64_t re, const struct record_job *job)
{
    Weft__Bus__V1__Record r = RECORD_INIT;
    r.re = re;
    r.body_case = IS(JOB);
    r.job = words_job(&a->scratch, job);
    front_send(a->front, s, &r);
}

/* --- who may --- */

static bool policy_allows(struct api *a, const struct session *s, const char *verb, struct slice service,
                          struct slice operation)
{
    struct attrs attrs = {
        .peer = slice_str(s->identity),
        .service = service,
        .operation = operation,
        .job = slice_str(verb),
    };
    return authz_ask(a->conf.policy(a->conf.arg), &attrs).answer == AUTHZ_ALLOW;
}

static bool may_run(struct api *a, const struct session *s, struct slice service)
{
    const char *runner = a->conf.runner_of(a->conf.arg, service);
    return runner && strcmp(runner, s->identity) == 0 && policy_allows(a, s, "run", service, (struct slice){0});
}

/* The job's own caller may, unless policy forbids; others only if a policy says so. */
static bool may(struct api *a, const struct session *s, const char *verb, const struct record_job *job)
{
    bool own = slice_eq(job->caller, slice_str(s->identity));
    bool has_policy = authz_rule_count(a->conf.policy(a->conf.arg)) > 0;
    return (own || has_policy) && policy_allows(a, s, verb, job->service, job->operation);
}

/* The job, when the session may see it.  Else it is answered as unknown. */
static bool find(struct api *a, struct session *s, uint64_t re, const char *id, const char *verb,
                 struct record_job *out)
{
    enum err e = store_read_job(a->conf.store, slice_str(id), out);
    if (e == ERR_OK && may(a, s, verb, out))
        return true;
    if (e == ERR_PEER)
        problem(a, s, re, "job-damaged", 500, "Its record on disk is damaged; the broker's log names it.");
    else
        job_unknown(a, s, re);
    return false;
}

/* --- hello --- */

static bool hello_runs(void *arg, struct slice job, uint64_t token)
{
    const Weft__Bus__V1__Hello *h = arg;
    for (size_t i = 0; i < h->n_running; i++)
        if (slice_eq(slice_str(h->running[i]->job), job) && h->running[i]->token == token)
            return true;
    return false;
}

static void join(struct api *a, struct session *s)
{
    struct slice service = slice_str(s->service);
    if (!service.len || s->joined)
        return;
    if (may_run(a, s, service) && desk_join(a->desk, service, &s->worker, s->id) == ERR_OK)
        s->joined = true;
    else
        log_event(LOG_WARN, "worker-refused", LOG_STR("peer", s->identity), LOG_STR("service", s->service),
                  LOG_STR("why", "services: names another identity, or policy says no"));
}

static void leave(struct api *a, struct session *s)
{
    if (s->joined)
        desk_leave(a->desk, slice_str(s->service), &s->worker);
    s->joined = false;
}

/* What the worker still runs goes on under this session; what it lost is given to others. */
static void attach(struct api *a, struct session *s, const Weft__Bus__V1__Hello *h, Weft__Bus__V1__Welcome *w)
{
    size_t n = h->n_running ? h->n_running : 1;
    w->attached = arena_array(&a->scratch, n, sizeof(struct Weft__Bus__V1__Lease *));
    w->dropped = arena_array(&a->scratch, n, sizeof(struct Weft__Bus__V1__Lease *));
    for (size_t i = 0; i < h->n_running; i++) {
        bool cancelled = false;
        Weft__Bus__V1__Lease *l = h->running[i];
        if (s->joined && desk_renew(a->desk, slice_str(l->job), l->token, s->id, &cancelled) == ERR_OK)
            w->attached[w->n_attached++] = l;
        else
            w->dropped[w->n_dropped++] = l;
    }
    struct session *twin = front_twin(a->front, s);
    if (twin)
        desk_reclaim(a->desk, twin->id, hello_runs, (void *)(uintptr_t)h);
    desk_reclaim(a->desk, s->id, hello_runs, (void *)(uintptr_t)h);
}

static void hello(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__Hello *h = r->hello;
    if (h->n_running > HELLO_RUNNING) {
        problem(a, s, r->seq, "bad-request", 400, "Over 10000 jobs at once.");
        return;
    }
    leave(a, s);
    session_name(s, h->service, h->instance);
    join(a, s);
    Weft__Bus__V1__Welcome w = WEFT__BUS__V1__WELCOME__INIT;
    w.broker = (char *)(uintptr_t)a->conf.instance;
    w.lease_ms = (uint32_t)(a->conf.lease_us / NOW_US_PER_MS);
    w.beat_ms = (uint32_t)(a->conf.beat_us / NOW_US_PER_MS);
    w.max_payload = API_PAYLOAD;
    attach(a, s, h, &w);
    Weft__Bus__V1__Record answer = RECORD_INIT;
    answer.re = r->seq;
    answer.body_case = IS(WELCOME);
    answer.welcome = &w;
    front_send(a->front, s, &answer);
    log_event(LOG_INFO, "session", LOG_STR("peer", s->identity), LOG_STR("service", s->service),
              LOG_INT("attached", (int64_t)w.n_attached), LOG_INT("dropped", (int64_t)w.n_dropped));
}

/* --- submit --- */

static struct asker *asker_new(struct api *a, const struct session *s, const Weft__Bus__V1__Record *r)
{
    struct asker *k = mem_new(sizeof(*k));
    *k = (struct asker){.api = a, .session = s->id, .seq = r->seq, .verb = r->body_case};
    return k;
}

static void submit_answered(void *arg, enum err e, struct slice job, bool replayed)
{
    struct asker *k = arg;
    struct api *a = k->api;
    struct session *s = front_session(a->front, k->session);
    char id[JOB_ID + 1] = "";
    memcpy(id, job.at, job.len <= JOB_ID ? job.len : JOB_ID);
    if (s && e == ERR_OK) {
        Weft__Bus__V1__Accepted body = WEFT__BUS__V1__ACCEPTED__INIT;
        body.job = id;
        body.replayed = replayed;
        Weft__Bus__V1__Record r = RECORD_INIT;
        r.re = k->seq;
        r.body_case = IS(ACCEPTED);
        r.accepted = &body;
        front_send(a->front, s, &r);
    } else if (s && e == ERR_EXISTS) {
        problem(a, s, k->seq, "idempotency-conflict", 422, "This key came before with another request.");
    } else if (s) {
        problem(a, s, k->seq, "store-full", 507, "The broker's disk or max_bytes is full; ended jobs make room.");
    }
    mem_free(k);
}

/* NULL: fine. */
static const char *unfit(const Weft__Bus__V1__Submit *m)
{
    if (!*m->method || strlen(m->method) > 32)
        return "method: 1 to 32 characters";
    if (*m->path != '/' || strlen(m->path) > API_PATH)
        return "path: begins with / and has up to 8192 characters";
    if (m->priority > 9)
        return "priority: 0 to 9";
    if (m->attempts > 100)
        return "attempts: up to 100";
    if (strlen(m->key) > API_KEY || m->fingerprint.len > HASH_SHA256_LEN)
        return "key: up to 255 characters";
    if (m->n_headers > FIELDS_MOST)
        return "headers: up to 100";
    if (m->contract.len && m->contract.len != HASH_SHA256_LEN)
        return "contract: a SHA-256";
    return strlen(m->operation) > JOB_NAME_MOST || strlen(m->service) > JOB_NAME_MOST ? "a name is too long" : NULL;
}

static enum err to_desk(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__Submit *m = r->submit;
    struct record_request request = {
        .method = slice_str(m->method),
        .path = slice_str(m->path),
        .headers = words_fields(&a->scratch, m->headers, m->n_headers),
        .header_count = m->n_headers,
        .body = words_slice(m->body),
        .contract = words_slice(m->contract),
        .traceparent = slice_str(m->traceparent),
        .key = slice_str(m->key),
        .fingerprint = words_slice(m->fingerprint),
    };
    struct desk_submit submit = {
        .service = slice_str(m->service),
        .caller = slice_str(s->identity),
        .operation = slice_str(m->operation),
        .request = &request,
        .priority = m->priority,
        .attempts = m->attempts,
        .delay_ms = m->delay_ms,
        .timeout_ms = m->timeout_ms,
        .deadline_ms = (int64_t)m->deadline_ms,
    };
    struct asker *k = asker_new(a, s, r);
    enum err e = desk_submit(a->desk, &submit, submit_answered, k);
    if (e != ERR_OK)
        mem_free(k);
    return e;
}

static void submit(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__Submit *m = r->submit;
    const char *wrong = unfit(m);
    if (wrong)
        problem(a, s, r->seq, "bad-request", 400, wrong);
    else if (m->body.len > API_PAYLOAD)
        problem(a, s, r->seq, "payload-too-large", 413, "A job's body may have 256 KiB.");
    else if (!desk_knows(a->desk, slice_str(m->service)))
        problem(a, s, r->seq, "service-unknown", 404, "The broker takes no jobs for this service.");
    else if (!policy_allows(a, s, "submit", slice_str(m->service), slice_str(m->operation)))
        problem(a, s, r->seq, "policy-denied", 403, "Policy does not allow you to submit this.");
    else if (to_desk(a, s, r) != ERR_OK)
        problem(a, s, r->seq, "queue-full", 429, "Too many jobs of yours are waiting.");
}

/* --- what workers say --- */

static void answered(void *arg, enum err e, struct slice job, bool replayed)
{
    (void)job;
    (void)replayed;
    struct asker *k = arg;
    struct session *s = front_session(k->api->front, k->session);
    if (s && e == ERR_OK)
        ok(k->api, s, k->seq);
    else if (s)
        job_stale(k->api, s, k->seq);
    mem_free(k);
}

static void finish(struct api *a, struct session *s, const Weft__Bus__V1__Record *r, const struct desk_outcome *o)
{
    struct asker *k = asker_new(a, s, r);
    if (desk_finish(a->desk, o, answered, k) == ERR_OK)
        return;
    mem_free(k);
    job_stale(a, s, r->seq);
}

static void done(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__Done *m = r->done;
    if (!m->lease || m->body.len > API_PAYLOAD || m->n_headers > FIELDS_MOST) {
        problem(a, s, r->seq, "payload-too-large", 413, "A result may have 256 KiB and 100 headers.");
        return;
    }
    struct record_result result = {
        .status = m->status,
        .headers = words_fields(&a->scratch, m->headers, m->n_headers),
        .header_count = m->n_headers,
        .body = words_slice(m->body),
    };
    struct desk_outcome o = {
        .job = slice_str(m->lease->job),
        .token = m->lease->token,
        .succeeded = true,
        .result = &result,
    };
    finish(a, s, r, &o);
}

static void failed(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__Failed *m = r->failed;
    if (!m->lease || m->body.len > API_PAYLOAD || m->n_headers > FIELDS_MOST || m->kind > 3) {
        problem(a, s, r->seq, "bad-request", 400, "A failure has a lease, a known kind and up to 256 KiB.");
        return;
    }
    struct record_result result = {
        .status = m->status,
        .headers = words_fields(&a->scratch, m->headers, m->n_headers),
        .header_count = m->n_headers,
        .body = words_slice(m->body),
    };
    struct desk_outcome o = {
        .job = slice_str(m->lease->job),
        .token = m->lease->token,
        .cause = (enum backoff_cause)m->kind,
        .reason = slice_str(m->reason),
        .retry_after_ms = m->retry_after_ms,
        .result = m->status ? &result : NULL,
    };
    finish(a, s, r, &o);
}

static void released(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__Lease *l = r->released->lease;
    struct desk_outcome o = {
        .job = slice_str(l ? l->job : ""),
        .token = l ? l->token : 0,
        .cause = BACKOFF_RELEASED,
        .reason = SLICE("given back by its worker"),
    };
    finish(a, s, r, &o);
}

static void progress(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__Progress *m = r->progress;
    struct desk_progress p = {
        .job = slice_str(m->lease ? m->lease->job : ""),
        .token = m->lease ? m->lease->token : 0,
        .type = slice_to(slice_str(m->type), 128),
        .data = words_slice(m->data),
        .checkpoint = m->checkpoint.len ? words_slice(m->checkpoint) : (struct slice){0},
    };
    if (p.data.len > API_CONTRACT || p.checkpoint.len > API_PAYLOAD) {
        problem(a, s, r->seq, "payload-too-large", 413, "Progress may have 64 KiB, a checkpoint 256 KiB.");
        return;
    }
    struct asker *k = asker_new(a, s, r);
    if (desk_progress(a->desk, &p, answered, k) == ERR_OK)
        return;
    mem_free(k);
    job_stale(a, s, r->seq);
}

static void renew(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__Renew *m = r->renew;
    Weft__Bus__V1__Beat beat = WEFT__BUS__V1__BEAT__INIT;
    size_t n = m->n_running < HELLO_RUNNING ? m->n_running : HELLO_RUNNING;
    beat.renewed = arena_array(&a->scratch, n + 1, sizeof(struct Weft__Bus__V1__Lease *));
    beat.stale = arena_array(&a->scratch, n + 1, sizeof(struct Weft__Bus__V1__Lease *));
    beat.cancelled = arena_array(&a->scratch, n + 1, sizeof(struct Weft__Bus__V1__Lease *));
    for (size_t i = 0; i < n; i++) {
        Weft__Bus__V1__Lease *l = m->running[i];
        bool cancelled = false;
        if (desk_renew(a->desk, slice_str(l->job), l->token, s->id, &cancelled) != ERR_OK)
            beat.stale[beat.n_stale++] = l;
        else if (cancelled)
            beat.cancelled[beat.n_cancelled++] = l;
        else
            beat.renewed[beat.n_renewed++] = l;
    }
    Weft__Bus__V1__Record answer = RECORD_INIT;
    answer.re = r->seq;
    answer.body_case = IS(BEAT);
    answer.beat = &beat;
    front_send(a->front, s, &answer);
}

static void credit(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    if (s->joined && strcmp(r->credit->service, s->service) == 0)
        desk_credit(a->desk, slice_str(s->service), &s->worker, r->credit->slots, r->credit->bytes);
    else
        problem(a, s, r->seq, "policy-denied", 403, "This identity does not run this service's jobs.");
}

/* --- what callers say --- */

static void job_changed(void *arg, enum err e, struct slice job, bool replayed)
{
    (void)replayed;
    struct asker *k = arg;
    struct api *a = k->api;
    struct session *s = front_session(a->front, k->session);
    struct record_job now;
    if (s && e == ERR_OK && store_read_job(a->conf.store, job, &now) == ERR_OK)
        send_job(a, s, k->seq, &now);
    else if (s)
        problem(a, s, k->seq, "job-ended", 409, "The job is over.");
    arena_reset(&a->scratch);
    mem_free(k);
}

typedef enum err change_fn(struct desk *d, struct slice job, desk_done_fn *done, void *arg);

static void change(struct api *a, struct session *s, const Weft__Bus__V1__Record *r, const char *id, change_fn *fn)
{
    struct record_job job;
    if (!find(a, s, r->seq, id, "cancel", &job))
        return;
    struct asker *k = asker_new(a, s, r);
    enum err e = fn(a->desk, slice_str(id), job_changed, k);
    if (e == ERR_OK)
        return;
    mem_free(k);
    if (e == ERR_FULL)
        problem(a, s, r->seq, "queue-full", 429, "Too many jobs of yours are waiting.");
    else
        problem(a, s, r->seq, "job-ended", 409, "The job is not in a state for this.");
}

static void query(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    struct record_job job;
    if (find(a, s, r->seq, r->query->job, "see", &job))
        send_job(a, s, r->seq, &job);
}

static void fetch(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    struct record_job job;
    struct record_result result = {0};
    if (!find(a, s, r->seq, r->fetch->job, "see", &job))
        return;
    Weft__Bus__V1__Result body = WEFT__BUS__V1__RESULT__INIT;
    body.job = r->fetch->job;
    body.state = (Weft__Bus__V1__State)job.state;
    if (job_over(job.state) && store_read_result(a->conf.store, job.id, &result) == ERR_OK) {
        body.status = result.status;
        body.headers = words_headers(&a->scratch, result.headers, result.header_count);
        body.n_headers = result.header_count;
        body.body = words_bytes(result.body);
    }
    Weft__Bus__V1__Record answer = RECORD_INIT;
    answer.re = r->seq;
    answer.body_case = IS(RESULT);
    answer.result = &body;
    front_send(a->front, s, &answer);
}

static void list(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
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
        problem(a, s, r->seq, "bad-request", 400, "state: 0 to 5");
        return;
    }
    what.limit = what.limit > STORE_LIST_MOST ? STORE_LIST_MOST : what.limit;
    struct store_page page;
    store_list(a->conf.store, &what, &page);
    Weft__Bus__V1__Jobs body = WEFT__BUS__V1__JOBS__INIT;
    body.jobs = arena_array(&a->scratch, page.count + 1, sizeof(struct Weft__Bus__V1__Job *));
    for (size_t i = 0; i < page.count; i++)
        body.jobs[body.n_jobs++] = words_job(&a->scratch, &page.jobs[i]);
    body.cursor = words_text(&a->scratch, page.cursor);
    Weft__Bus__V1__Record answer = RECORD_INIT;
    answer.re = r->seq;
    answer.body_case = IS(JOBS);
    answer.jobs = &body;
    front_send(a->front, s, &answer);
}

/* --- events --- */

static bool is_last(const struct record_event *e)
{
    return slice_eq(e->name, SLICE("done")) || slice_eq(e->name, SLICE("cancelled")) ||
           slice_eq(e->name, SLICE("dead"));
}

static void send_event(struct api *a, struct session *s, struct slice job, const struct record_event *e, bool last)
{
    Weft__Bus__V1__Record r = RECORD_INIT;
    r.body_case = IS(EVENT);
    r.event = words_event(&a->scratch, job, e, last);
    front_send(a->front, s, &r);
}

struct replay {
    struct api *api;
    struct session *session;
    struct slice job;
    uint64_t after;
};

static bool replay_event(void *arg, const struct record_event *e)
{
    struct replay *p = arg;
    send_event(p->api, p->session, p->job, e, is_last(e));
    p->after = e->id;
    return true;
}

static void watch(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__Watch *m = r->watch;
    struct record_job job;
    if (m->stop) {
        session_unwatch(s, slice_str(m->job));
        return;
    }
    if (!find(a, s, r->seq, m->job, "see", &job))
        return;
    struct replay p = {.api = a, .session = s, .job = job.id, .after = m->after};
    store_read_events(a->conf.store, job.id, m->after, replay_event, &p);
    if (!job_over(job.state) && session_watch(s, job.id, p.after) != ERR_OK)
        problem(a, s, r->seq, "overloaded", 503, "Over 1000 jobs are watched on one connection.");
}

struct broadcast {
    struct api *api;
    struct slice job;
    const struct record_event *event;
    bool last;
};

static void tell_watcher(void *arg, struct session *s)
{
    struct broadcast *b = arg;
    struct session_watch *w = session_watches(s, b->job);
    if (!w || b->event->id <= w->after)
        return;
    w->after = b->event->id;
    send_event(b->api, s, b->job, b->event, b->last);
    if (b->last)
        session_unwatch(s, b->job);
}

void api_event(struct api *a, struct slice job, const struct record_event *event, bool last)
{
    struct broadcast b = {.api = a, .job = job, .event = event, .last = last};
    front_each(a->front, tell_watcher, &b);
    arena_reset(&a->scratch);
}

/* --- contracts --- */

static void contract_kept(void *arg, const struct store_answer *answer)
{
    struct asker *k = arg;
    struct session *s = front_session(k->api->front, k->session);
    if (s && answer->e == ERR_OK)
        ok(k->api, s, k->seq);
    else if (s)
        problem(k->api, s, k->seq, "store-full", 507, "The contract was not kept.");
    mem_free(k);
}

static void contract_put(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    struct slice text = words_slice(r->contract_put->text);
    if (text.len == 0 || text.len > API_CONTRACT) {
        problem(a, s, r->seq, "payload-too-large", 413, "A contract for jobs may have 64 KiB.");
        return;
    }
    struct hash_digest digest = hash_sha256(text);
    store_put_contract(a->conf.store, slice_of(digest.b, sizeof(digest.b)), text, contract_kept, asker_new(a, s, r));
}

static void contract_get(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    struct slice digest = words_slice(r->contract_get->digest), text = {0};
    Weft__Bus__V1__Contract body = WEFT__BUS__V1__CONTRACT__INIT;
    body.digest = words_bytes(digest);
    if (digest.len == HASH_SHA256_LEN && store_read_contract(a->conf.store, digest, &text) == ERR_OK)
        body.text = words_bytes(text);
    Weft__Bus__V1__Record answer = RECORD_INIT;
    answer.re = r->seq;
    answer.body_case = IS(CONTRACT);
    answer.contract = &body;
    front_send(a->front, s, &answer);
}

/* --- for the desk --- */

static void fill_assign(struct api *a, const struct record_job *job, const struct record_request *request,
                        Weft__Bus__V1__Assign *m)
{
    struct slice checkpoint = {0};
    if (store_read_checkpoint(a->conf.store, job->id, &checkpoint) == ERR_OK)
        m->checkpoint = words_bytes(checkpoint);
    m->job = words_text(&a->scratch, job->id);
    m->token = job->token;
    m->attempt = job->attempt;
    m->caller = words_text(&a->scratch, job->caller);
    m->operation = words_text(&a->scratch, job->operation);
    m->method = words_text(&a->scratch, request->method);
    m->path = words_text(&a->scratch, request->path);
    m->headers = words_headers(&a->scratch, request->headers, request->header_count);
    m->n_headers = request->header_count;
    m->body = words_bytes(request->body);
    m->deadline_ms = (uint64_t)job->deadline_ms;
    m->timeout_ms = job->timeout_ms;
    m->contract = words_bytes(request->contract);
    m->traceparent = words_text(&a->scratch, request->traceparent);
}

enum err api_assign(struct api *a, uint64_t worker, const struct record_job *job)
{
    struct session *s = front_session(a->front, worker);
    struct record_request request;
    if (!s || !s->joined)
        return ERR_STALE;
    TRY(store_read_request(a->conf.store, job->id, &request));
    Weft__Bus__V1__Assign body = WEFT__BUS__V1__ASSIGN__INIT;
    fill_assign(a, job, &request, &body);
    Weft__Bus__V1__Record r = RECORD_INIT;
    r.body_case = IS(ASSIGN);
    r.assign = &body;
    front_send(a->front, s, &r);
    arena_reset(&a->scratch);
    return ERR_OK;
}

static void send_beat(struct api *a, struct session *s, Weft__Bus__V1__Beat *beat)
{
    Weft__Bus__V1__Record r = RECORD_INIT;
    r.body_case = IS(BEAT);
    r.beat = beat;
    front_send(a->front, s, &r);
}

void api_cancel(struct api *a, uint64_t worker, struct slice job, uint64_t token)
{
    struct session *s = front_session(a->front, worker);
    if (!s)
        return;
    Weft__Bus__V1__Lease lease = WEFT__BUS__V1__LEASE__INIT, *leases = &lease;
    lease.job = words_text(&a->scratch, job);
    lease.token = token;
    Weft__Bus__V1__Beat beat = WEFT__BUS__V1__BEAT__INIT;
    beat.n_cancelled = 1;
    beat.cancelled = &leases;
    send_beat(a, s, &beat);
    arena_reset(&a->scratch);
}

static void tell_drain(void *arg, struct session *s)
{
    Weft__Bus__V1__Beat beat = WEFT__BUS__V1__BEAT__INIT;
    beat.drain = true;
    if (s->joined)
        send_beat(arg, s, &beat);
}

void api_drain(struct api *a)
{
    front_each(a->front, tell_drain, a);
}

/* --- the table of verbs --- */

static void cancel(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    change(a, s, r, r->cancel->job, desk_cancel);
}

static void retry(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    change(a, s, r, r->retry->job, desk_retry);
}

typedef void verb_fn(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);

static verb_fn *verb_of(const Weft__Bus__V1__Record *r)
{
    static const struct {
        Weft__Bus__V1__Record__BodyCase body;
        verb_fn *fn;
    } verbs[] = {
        {IS(HELLO), hello},
        {IS(SUBMIT), submit},
        {IS(CREDIT), credit},
        {IS(RENEW), renew},
        {IS(PROGRESS), progress},
        {IS(DONE), done},
        {IS(FAILED), failed},
        {IS(RELEASED), released},
        {IS(CANCEL), cancel},
        {IS(QUERY), query},
        {IS(WATCH), watch},
        {IS(FETCH), fetch},
        {IS(LIST), list},
        {IS(RETRY), retry},
        {IS(CONTRACT_PUT), contract_put},
        {IS(CONTRACT_GET), contract_get},
    };
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (verbs[i].body == r->body_case)
            return verbs[i].fn;
    return NULL;
}

void api_record(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    verb_fn *fn = verb_of(r);
    if (!fn)
        problem(a, s, r->seq, "bad-request", 400, "A broker does not take this record.");
    else if (!s->greeted && r->body_case != IS(HELLO))
        problem(a, s, r->seq, "hello-first", 409, "Say hello after every reconnect.");
    else
        fn(a, s, r);
    arena_reset(&a->scratch);
}

void api_left(struct api *a, struct session *s)
{
    leave(a, s);
}

/* --- lifecycle --- */

struct api *api_new(const struct api_conf *conf)
{
    struct api *a = mem_new(sizeof(*a));
    a->conf = *conf;
    arena_init(&a->scratch, SIZE_MAX);
    return a;
}

void api_bind(struct api *a, struct desk *d, struct front *f)
{
    a->desk = d;
    a->front = f;
}

void api_free(struct api **a)
{
    if (!*a)
        return;
    arena_fini(&(*a)->scratch);
    mem_free(*a);
    *a = NULL;
}
