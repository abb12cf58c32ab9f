#include "broker/api.h"

#include "base/log.h"
#include "base/mem.h"
#include "broker/answers.h"
#include "broker/batch_verbs.h"
#include "broker/blob_verbs.h"
#include "broker/caller_verbs.h"
#include "broker/fan_in.h"
#include "broker/permits.h"
#include "broker/schedule_verbs.h"
#include "broker/watching.h"
#include "broker/words.h"
#include "broker/worker_verbs.h"

enum { HELLO_RUNNING = 10000, FAN_IN_MOST = 512 << 10 };

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
    if (permits_run(a, s, service) && desk_join(a->desk, service, &s->worker, s->id) == ERR_OK)
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
    blob_verbs_left(a, s);
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
        if (permits_lease(a, s, l) && desk_renew(a->desk, slice_str(l->job), l->token, s->id, &cancelled) == ERR_OK)
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
        answers_problem(a, s, r->seq, "bad-request", 400, "Over 10000 jobs at once.");
        return;
    }
    if (!labels_ok(slice_str(h->labels), false)) {
        answers_problem(a, s, r->seq, "bad-request", 400, "labels: up to 16 words like gpu=a100, commas between");
        return;
    }
    leave(a, s);
    session_name(s, h->service, h->instance);
    join(a, s);
    session_label(s, h->labels);
    Weft__Bus__V1__Welcome w = WEFT__BUS__V1__WELCOME__INIT;
    w.broker = (char *)(uintptr_t)a->conf.instance;
    w.lease_ms = (uint32_t)(a->conf.lease_us / NOW_US_PER_MS);
    w.beat_ms = (uint32_t)(a->conf.beat_us / NOW_US_PER_MS);
    w.max_payload = a->conf.payload_most;
    attach(a, s, h, &w);
    Weft__Bus__V1__Record answer = WEFT__BUS__V1__RECORD__INIT;
    answer.re = r->seq;
    answer.body_case = WEFT__BUS__V1__RECORD__BODY_WELCOME;
    answer.welcome = &w;
    front_send(a->front, s, &answer);
    log_event(LOG_INFO, "session", LOG_STR("peer", s->identity), LOG_STR("service", s->service),
              LOG_INT("attached", (int64_t)w.n_attached), LOG_INT("dropped", (int64_t)w.n_dropped));
}

/* --- for the desk --- */

static void put_part(struct buf *out, const struct fan_in_part *part)
{
    struct json_out j;
    buf_clear(out);
    json_out_init(&j, out, 0);
    fan_in_put(&j, part);
}

/* All of it goes into one message, so that what makes it too long is only named. */
static void put_other(struct api *a, struct json_out *j, struct slice id, size_t room)
{
    struct record_job job;
    struct record_result result;
    struct buf one;
    buf_init(&one, SIZE_MAX);
    bool known = store_read_job(a->conf.store, id, &job) == ERR_OK;
    bool answered = store_read_result(a->conf.store, id, &result) == ERR_OK;
    struct fan_in_part part = {id, known ? &job : NULL, answered ? &result : NULL, false};
    put_part(&one, &part);
    part.too_large = buf_len(&one) > room;
    if (part.too_large)
        put_part(&one, &part);
    json_out_raw(j, buf_slice(&one));
    buf_fini(&one);
}

/* A job that waited for others and has no body of its own gets what they answered. */
static void fill_results(struct api *a, struct record_request *r)
{
    struct record_header *fields = arena_array(&a->scratch, r->header_count + 2, sizeof(*fields));
    struct buf text, names;
    struct json_out j;
    size_t count = 0;
    buf_init(&text, SIZE_MAX);
    buf_init(&names, BUF_TEXT_BOUND);
    json_out_init(&j, &text, 0);
    json_out_array(&j);
    for (size_t i = 0; i < r->after_count; i++) {
        buf_putf(&names, "%s%.*s", i ? ", " : "", SLICE_FMT(r->after[i]));
        put_other(a, &j, r->after[i], buf_len(&text) < FAN_IN_MOST ? FAN_IN_MOST - buf_len(&text) : 0);
    }
    json_out_end(&j);
    bool has_body = r->body.len > 0 || r->blob.digest.len > 0;
    for (size_t i = 0; i < r->header_count; i++)
        if (has_body || !slice_eq(r->headers[i].name, SLICE("content-type")))
            fields[count++] = r->headers[i];
    fields[count++] = (struct record_header){SLICE("weft-after"), arena_keep(&a->scratch, buf_slice(&names))};
    if (!has_body) {
        fields[count++] = (struct record_header){SLICE("content-type"), SLICE("application/json")};
        r->body = arena_keep(&a->scratch, buf_slice(&text));
    }
    r->headers = fields;
    r->header_count = count;
    buf_fini(&text);
    buf_fini(&names);
}

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
    struct record_request sent = *request;
    if (request->after_count)
        fill_results(a, &sent);
    m->headers = words_headers(&a->scratch, sent.headers, sent.header_count);
    m->n_headers = sent.header_count;
    m->body = words_bytes(sent.body);
    m->blob = blob_verbs_name(&a->scratch, &sent.blob);
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
    enum err e = store_read_request(a->conf.store, job->id, &request);
    if (e != ERR_OK) {
        desk_credit(a->desk, slice_str(s->service), &s->worker, 1, job->size); /* its place stays free */
        return ERR_PEER;
    }
    Weft__Bus__V1__Assign body = WEFT__BUS__V1__ASSIGN__INIT;
    fill_assign(a, job, &request, &body);
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_ASSIGN;
    r.assign = &body;
    front_send(a->front, s, &r);
    arena_reset(&a->scratch);
    return ERR_OK;
}

static void send_beat(struct api *a, struct session *s, Weft__Bus__V1__Beat *beat)
{
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_BEAT;
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

bool api_may_submit(struct api *a, struct slice caller, struct slice service, struct slice operation)
{
    return permits_submit(a, caller, service, operation);
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

void api_event(struct api *a, struct slice job, const struct record_event *event, bool last)
{
    watching_event(a, job, event, last);
}

/* --- the table of verbs --- */

typedef void verb_fn(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);

static verb_fn *verb_of(const Weft__Bus__V1__Record *r)
{
    static const struct {
        Weft__Bus__V1__Record__BodyCase body;
        verb_fn *fn;
    } verbs[] = {
        {WEFT__BUS__V1__RECORD__BODY_HELLO, hello},
        {WEFT__BUS__V1__RECORD__BODY_SUBMIT, caller_verbs_submit},
        {WEFT__BUS__V1__RECORD__BODY_CREDIT, worker_verbs_credit},
        {WEFT__BUS__V1__RECORD__BODY_RENEW, worker_verbs_renew},
        {WEFT__BUS__V1__RECORD__BODY_PROGRESS, worker_verbs_progress},
        {WEFT__BUS__V1__RECORD__BODY_DONE, worker_verbs_done},
        {WEFT__BUS__V1__RECORD__BODY_FAILED, worker_verbs_failed},
        {WEFT__BUS__V1__RECORD__BODY_RELEASED, worker_verbs_released},
        {WEFT__BUS__V1__RECORD__BODY_CANCEL, caller_verbs_cancel},
        {WEFT__BUS__V1__RECORD__BODY_QUERY, caller_verbs_query},
        {WEFT__BUS__V1__RECORD__BODY_WATCH, watching_start},
        {WEFT__BUS__V1__RECORD__BODY_FETCH, caller_verbs_fetch},
        {WEFT__BUS__V1__RECORD__BODY_LIST, caller_verbs_list},
        {WEFT__BUS__V1__RECORD__BODY_RETRY, caller_verbs_retry},
        {WEFT__BUS__V1__RECORD__BODY_BATCH, batch_verbs_submit},
        {WEFT__BUS__V1__RECORD__BODY_SCHEDULE_PUT, schedule_verbs_put},
        {WEFT__BUS__V1__RECORD__BODY_SCHEDULE_CHANGE, schedule_verbs_change},
        {WEFT__BUS__V1__RECORD__BODY_SCHEDULE_LIST, schedule_verbs_list},
        {WEFT__BUS__V1__RECORD__BODY_CONTRACT_PUT, caller_verbs_contract_put},
        {WEFT__BUS__V1__RECORD__BODY_CONTRACT_GET, caller_verbs_contract_get},
        {WEFT__BUS__V1__RECORD__BODY_BLOB_PUT, blob_verbs_put},
        {WEFT__BUS__V1__RECORD__BODY_BLOB_GET, blob_verbs_get},
        {WEFT__BUS__V1__RECORD__BODY_BLOB, blob_verbs_piece},
        {WEFT__BUS__V1__RECORD__BODY_BLOB_ROOM, blob_verbs_room},
        {WEFT__BUS__V1__RECORD__BODY_BLOB_END, blob_verbs_end},
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
        answers_problem(a, s, r->seq, "bad-request", 400, "A broker does not take this record.");
    else if (!s->greeted && r->body_case != WEFT__BUS__V1__RECORD__BODY_HELLO)
        answers_problem(a, s, r->seq, "hello-first", 409, "Say hello after every reconnect.");
    else
        fn(a, s, r);
    arena_reset(&a->scratch);
}

/* Only a job is worth a thought: whoever misses an answer asks again. */
void api_undelivered(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    (void)s;
    if (r->body_case == WEFT__BUS__V1__RECORD__BODY_ASSIGN)
        desk_return(a->desk, slice_str(r->assign->job), r->assign->token);
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
    blob_traffic_init(&a->blobs.puts);
    blob_traffic_init(&a->blobs.gets);
    return a;
}

void api_bind(struct api *a, struct desk *d, struct front *f, struct almanac *almanac)
{
    a->almanac = almanac;
    a->desk = d;
    a->front = f;
}

void api_free(struct api **a)
{
    if (!*a)
        return;
    watching_fini(*a);
    arena_fini(&(*a)->scratch);
    mem_free(*a);
    *a = NULL;
}
