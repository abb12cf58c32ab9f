#include "broker/api.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/mem.h"
#include "broker/store_mem.h"
#include "bus/bus_client.h"
#include "policy/policy_load.h"
#include "tests/kit/t.h"

#define ID(name) "spiffe://example.org/" name

enum { PEERS = 4, TURNS = 20000, CALL_US = 20 * NOW_US_PER_S };

struct world;

/* A sidecar, and the last thing it heard of each kind. */
struct peer {
    struct world *world;
    const char *identity;
    struct bus_client *client;
    uint8_t key[ZSOCK_KEY];
    Weft__Bus__V1__Lease running; /* what it says it runs, when job is set */
    unsigned welcomes, attached, dropped, answers, assigns, beats, events, lasts;
    Weft__Bus__V1__Record__BodyCase answer;
    char word[32], job[JOB_ID + 1], body[64], names[256];
    unsigned status;
    Weft__Bus__V1__State state;
    bool replayed;
    size_t count;
    char assigned[JOB_ID + 1], cancelled[JOB_ID + 1];
    uint64_t token;
};

/* Everything between the bus and the store, as the broker puts it together. */
struct world {
    struct loop *loop;
    struct due_clock *clock;
    struct metric_set *metrics;
    struct store *store;
    struct desk *desk;
    struct api *api;
    struct front *front;
    struct authz *policy;
    const char *runner; /* of the service "trainer" */
    uint8_t public_key[ZSOCK_KEY], secret_key[ZSOCK_KEY];
    struct peer peers[PEERS];
    size_t peer_count;
};

/* --- the broker --- */

static const char *runner_of(void *arg, struct slice service)
{
    struct world *w = arg;
    return slice_eq(service, SLICE("trainer")) ? w->runner : slice_eq(service, SLICE("printer")) ? ID("printer") : NULL;
}

static struct authz *policy_of(void *arg)
{
    return ((struct world *)arg)->policy;
}

static enum err admit(void *arg, const uint8_t key[ZSOCK_KEY], struct slice *user)
{
    struct world *w = arg;
    for (size_t i = 0; i < w->peer_count; i++)
        if (memcmp(w->peers[i].key, key, ZSOCK_KEY) == 0) {
            *user = slice_str(w->peers[i].identity);
            return ERR_OK;
        }
    return ERR_DENIED;
}

static void on_record(void *arg, struct session *s, const Weft__Bus__V1__Record *r)
{
    api_record(((struct world *)arg)->api, s, r);
}

static void on_left(void *arg, struct session *s)
{
    api_left(((struct world *)arg)->api, s);
}

static enum err on_assign(void *arg, uint64_t worker, const struct record_job *job)
{
    return api_assign(((struct world *)arg)->api, worker, job);
}

static void on_event(void *arg, struct slice job, const struct record_event *event, bool last)
{
    api_event(((struct world *)arg)->api, job, event, last);
}

static void on_cancel(void *arg, uint64_t worker, struct slice job, uint64_t token)
{
    api_cancel(((struct world *)arg)->api, worker, job, token);
}

static struct authz *policy(const char *text)
{
    struct diag diag;
    struct authz *a;
    struct policy_text texts[] = {{.file = "p", .text = slice_str(text)}};
    diag_init(&diag);
    CHECK_ERR(ERR_OK, policy_load(texts, text ? 1 : 0, &diag, &a));
    diag_fini(&diag);
    return a;
}

static void open_desk(struct world *w)
{
    struct desk_conf desk = {
        .loop = w->loop,
        .clock = w->clock,
        .store = w->store,
        .metrics = w->metrics,
        .lease_us = CALL_US,
        .retention_us = INT64_C(3600) * NOW_US_PER_S,
        .assign = on_assign,
        .event = on_event,
        .cancel = on_cancel,
        .arg = w,
    };
    struct desk_service_conf trainer = {SLICE("trainer"), 1}, printer = {SLICE("printer"), 1};
    w->desk = desk_new(&desk);
    desk_service(w->desk, &trainer);
    desk_service(w->desk, &printer);
}

static void open_bus(struct world *w)
{
    struct api_conf api = {
        .loop = w->loop,
        .store = w->store,
        .instance = "b1",
        .lease_us = CALL_US,
        .beat_us = CALL_US,
        .runner_of = runner_of,
        .policy = policy_of,
        .arg = w,
    };
    struct front_conf front = {
        .loop = w->loop,
        .clock = w->clock,
        .endpoint = "tcp://127.0.0.1:0",
        .secret_key = w->secret_key,
        .admit = admit,
        .silence_us = CALL_US,
        .metrics = w->metrics,
        .record = on_record,
        .left = on_left,
        .arg = w,
    };
    const char *why;
    w->api = api_new(&api);
    CHECK_ERR(ERR_OK, front_open(&front, &w->front, &why));
    api_bind(w->api, w->desk, w->front);
}

/* --- the sidecars --- */

static void on_hello(void *arg, Weft__Bus__V1__Hello *hello)
{
    static Weft__Bus__V1__Lease *leases[1];
    struct peer *p = arg;
    leases[0] = &p->running;
    hello->n_running = p->running.job ? 1 : 0;
    hello->running = leases;
}

static void on_welcome(void *arg, const Weft__Bus__V1__Welcome *welcome)
{
    struct peer *p = arg;
    p->welcomes++;
    p->attached = (unsigned)welcome->n_attached;
    p->dropped = (unsigned)welcome->n_dropped;
}

static void on_lost(void *arg, const char *why)
{
    (void)arg;
    (void)why;
}

static void heard(void *arg, const Weft__Bus__V1__Record *r)
{
    struct peer *p = arg;
    if (r->body_case == WEFT__BUS__V1__RECORD__BODY_ASSIGN) {
        snprintf(p->assigned, sizeof(p->assigned), "%s", r->assign->job);
        p->token = r->assign->token;
        p->assigns++;
    } else if (r->body_case == WEFT__BUS__V1__RECORD__BODY_BEAT) {
        p->beats++;
        if (r->beat->n_cancelled)
            snprintf(p->cancelled, sizeof(p->cancelled), "%s", r->beat->cancelled[0]->job);
    } else if (r->body_case == WEFT__BUS__V1__RECORD__BODY_EVENT) {
        size_t used = strlen(p->names);
        snprintf(p->names + used, sizeof(p->names) - used, "%s ", r->event->name);
        p->events++;
        p->lasts += r->event->last ? 1U : 0U;
    }
}

static const struct bus_client_owner owner = {on_hello, on_welcome, on_lost, heard};

static void answered(void *arg, enum err e, const Weft__Bus__V1__Record *r)
{
    struct peer *p = arg;
    if (e == ERR_CLOSED)
        return;
    CHECK_ERR(ERR_OK, e);
    p->answers++;
    p->answer = r->body_case;
    p->word[0] = 0;
    p->status = 0;
    if (r->body_case == WEFT__BUS__V1__RECORD__BODY_PROBLEM) {
        snprintf(p->word, sizeof(p->word), "%s", r->problem->word);
        p->status = r->problem->status;
    } else if (r->body_case == WEFT__BUS__V1__RECORD__BODY_ACCEPTED) {
        snprintf(p->job, sizeof(p->job), "%s", r->accepted->job);
        p->replayed = r->accepted->replayed;
    } else if (r->body_case == WEFT__BUS__V1__RECORD__BODY_JOB) {
        p->state = r->job->state;
    } else if (r->body_case == WEFT__BUS__V1__RECORD__BODY_RESULT) {
        p->state = r->result->state;
        p->status = r->result->status;
        snprintf(p->body, sizeof(p->body), "%.*s", (int)r->result->body.len, (const char *)r->result->body.data);
    } else if (r->body_case == WEFT__BUS__V1__RECORD__BODY_JOBS) {
        p->count = r->jobs->n_jobs;
    } else if (r->body_case == WEFT__BUS__V1__RECORD__BODY_CONTRACT) {
        p->count = r->contract->text.len;
    }
}

#define UNTIL(w, claim)                                         \
    do {                                                        \
        for (int turn_ = 0; turn_ < TURNS && !(claim); turn_++) \
            loop_turn((w)->loop, true);                         \
        CHECK(claim);                                           \
    } while (0)

/* `runs` is what it claims to run of this job, or NULL. */
static struct peer *enter(struct world *w, const char *identity, const char *service, const struct peer *runs)
{
    struct peer *p = &w->peers[w->peer_count++];
    *p = (struct peer){.world = w, .identity = identity, .running = WEFT__BUS__V1__LEASE__INIT};
    p->running.job = NULL;
    if (runs) {
        p->running.job = (char *)(uintptr_t)runs->assigned;
        p->running.token = runs->token;
    }
    char instance[16];
    snprintf(instance, sizeof(instance), "i%zu", w->peer_count);
    struct bus_client_conf conf = {
        .endpoint = front_endpoint(w->front), .service = service, .instance = instance, .max_waiting = 10};
    memcpy(conf.server_key, w->public_key, ZSOCK_KEY);
    zsock_keys(conf.public_key, conf.secret_key);
    memcpy(p->key, conf.public_key, ZSOCK_KEY);
    p->client = bus_client_start(w->loop, w->clock, &conf, &owner, p);
    CHECK(p->client != NULL);
    UNTIL(w, p->welcomes > 0);
    p->running.job = NULL;
    return p;
}

static void call(struct peer *p, Weft__Bus__V1__Record *r)
{
    unsigned before = p->answers;
    CHECK_ERR(ERR_OK, bus_client_call(p->client, r, CALL_US, answered, p));
    UNTIL(p->world, p->answers > before);
}

static void check_refused(struct peer *p, const char *word, unsigned status)
{
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_PROBLEM, p->answer);
    CHECK_TEXT(word, slice_str(p->word));
    CHECK_INT(status, p->status);
}

static Weft__Bus__V1__Submit a_submit(void)
{
    Weft__Bus__V1__Submit m = WEFT__BUS__V1__SUBMIT__INIT;
    m.service = (char *)(uintptr_t) "trainer";
    m.method = (char *)(uintptr_t) "POST";
    m.path = (char *)(uintptr_t) "/train";
    m.priority = 5;
    return m;
}

static void submit(struct peer *p, Weft__Bus__V1__Submit *m)
{
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_SUBMIT;
    r.submit = m;
    call(p, &r);
}

static void credit(struct peer *p, const char *service)
{
    Weft__Bus__V1__Credit body = WEFT__BUS__V1__CREDIT__INIT;
    body.service = (char *)(uintptr_t)service;
    body.slots = 1;
    body.bytes = 1 << 20;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_CREDIT;
    r.credit = &body;
    CHECK_ERR(ERR_OK, bus_client_send(p->client, &r));
}

/* As a result of the job that `of` was assigned. */
static void done(struct peer *p, struct peer *of)
{
    Weft__Bus__V1__Lease lease = WEFT__BUS__V1__LEASE__INIT;
    lease.job = of->assigned;
    lease.token = of->token;
    Weft__Bus__V1__Done body = WEFT__BUS__V1__DONE__INIT;
    body.lease = &lease;
    body.status = 200;
    body.body = (ProtobufCBinaryData){.len = 5, .data = (uint8_t *)(uintptr_t) "model"};
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_DONE;
    r.done = &body;
    call(p, &r);
}

static void give_up(struct peer *p)
{
    Weft__Bus__V1__Lease lease = WEFT__BUS__V1__LEASE__INIT;
    lease.job = p->assigned;
    lease.token = p->token;
    Weft__Bus__V1__Failed body = WEFT__BUS__V1__FAILED__INIT;
    body.lease = &lease;
    body.reason = (char *)(uintptr_t) "no luck";
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_FAILED;
    r.failed = &body;
    call(p, &r);
}

/* A verb that names one job and nothing else. */
static void about(struct peer *p, Weft__Bus__V1__Record__BodyCase verb, const char *job)
{
    Weft__Bus__V1__Query query = WEFT__BUS__V1__QUERY__INIT;
    Weft__Bus__V1__Cancel cancel = WEFT__BUS__V1__CANCEL__INIT;
    Weft__Bus__V1__Fetch fetch = WEFT__BUS__V1__FETCH__INIT;
    Weft__Bus__V1__Retry retry = WEFT__BUS__V1__RETRY__INIT;
    query.job = cancel.job = fetch.job = retry.job = (char *)(uintptr_t)job;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = verb;
    if (verb == WEFT__BUS__V1__RECORD__BODY_QUERY)
        r.query = &query;
    else if (verb == WEFT__BUS__V1__RECORD__BODY_CANCEL)
        r.cancel = &cancel;
    else if (verb == WEFT__BUS__V1__RECORD__BODY_FETCH)
        r.fetch = &fetch;
    else
        r.retry = &retry;
    call(p, &r);
}

static void watch(struct peer *p, const char *job)
{
    Weft__Bus__V1__Watch body = WEFT__BUS__V1__WATCH__INIT;
    body.job = (char *)(uintptr_t)job;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_WATCH;
    r.watch = &body;
    CHECK_ERR(ERR_OK, bus_client_send(p->client, &r));
}

/* --- the world --- */

static void world_open(struct world *w, const char *policy_text)
{
    *w = (struct world){.loop = loop_new(), .runner = ID("trainer")};
    w->clock = due_clock_new(w->loop);
    w->metrics = metric_set_new();
    w->store = store_mem_new(w->loop);
    w->policy = policy(policy_text);
    zsock_keys(w->public_key, w->secret_key);
    open_desk(w);
    open_bus(w);
}

static void world_close(struct world *w)
{
    for (size_t i = 0; i < w->peer_count; i++)
        bus_client_close(&w->peers[i].client);
    store_close(&w->store);
    front_close(&w->front);
    desk_free(&w->desk);
    api_free(&w->api);
    authz_free(&w->policy);
    metric_set_free(&w->metrics);
    due_clock_free(&w->clock);
    loop_free(&w->loop);
}

/* One job of `web`, running at `trainer`. */
static void begin(struct peer *web, struct peer *trainer)
{
    Weft__Bus__V1__Submit m = a_submit();
    unsigned before = trainer->assigns;
    submit(web, &m);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_ACCEPTED, web->answer);
    credit(trainer, "trainer");
    UNTIL(web->world, trainer->assigns > before);
    CHECK_TEXT(web->job, slice_str(trainer->assigned));
}

TEST(a_job_goes_over_the_bus_and_its_result_comes_back)
{
    struct world w;
    world_open(&w, NULL);
    struct peer *web = enter(&w, ID("web"), "", NULL), *trainer = enter(&w, ID("trainer"), "trainer", NULL);
    begin(web, trainer);
    about(web, WEFT__BUS__V1__RECORD__BODY_FETCH, web->job);
    CHECK_INT(WEFT__BUS__V1__STATE__LEASED, web->state);
    done(trainer, trainer);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_OK, trainer->answer);
    about(web, WEFT__BUS__V1__RECORD__BODY_FETCH, web->job);
    CHECK_INT(WEFT__BUS__V1__STATE__DONE, web->state);
    CHECK_INT(200, web->status);
    CHECK_TEXT("model", slice_str(web->body));
    world_close(&w);
}

TEST(a_token_is_no_key_to_the_job_of_another_service)
{
    struct world w;
    world_open(&w, NULL);
    struct peer *web = enter(&w, ID("web"), "", NULL), *trainer = enter(&w, ID("trainer"), "trainer", NULL);
    begin(web, trainer);
    struct peer *printer = enter(&w, ID("printer"), "printer", trainer);
    CHECK_INT(0, printer->attached);
    CHECK_INT(1, printer->dropped);
    done(printer, trainer);
    check_refused(printer, "job-stale", 409);
    done(web, trainer);
    check_refused(web, "job-stale", 409);
    done(trainer, trainer);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_OK, trainer->answer);
    world_close(&w);
}

TEST(a_worker_that_comes_back_goes_on_with_what_it_runs)
{
    struct world w;
    world_open(&w, NULL);
    struct peer *web = enter(&w, ID("web"), "", NULL), *trainer = enter(&w, ID("trainer"), "trainer", NULL);
    begin(web, trainer);
    struct peer *again = enter(&w, ID("trainer"), "trainer", trainer);
    CHECK_INT(1, again->attached);
    CHECK_INT(0, again->dropped);
    done(again, trainer);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_OK, again->answer);
    world_close(&w);
}

TEST(who_is_not_the_configured_runner_gets_no_credit)
{
    struct world w;
    world_open(&w, NULL);
    struct peer *web = enter(&w, ID("web"), "", NULL), *false_one = enter(&w, ID("mallory"), "trainer", NULL);
    struct peer *trainer = enter(&w, ID("trainer"), "trainer", NULL);
    credit(false_one, "trainer");
    begin(web, trainer);
    CHECK_INT(0, false_one->assigns);
    done(trainer, trainer);
    w.runner = ID("somebody-else"); /* as after a reload */
    credit(trainer, "trainer");
    Weft__Bus__V1__Submit m = a_submit();
    submit(web, &m);
    about(web, WEFT__BUS__V1__RECORD__BODY_QUERY, web->job);
    CHECK_INT(WEFT__BUS__V1__STATE__QUEUED, web->state);
    CHECK_INT(1, trainer->assigns);
    world_close(&w);
}

TEST(a_submit_that_does_not_fit_is_refused_by_name)
{
    struct world w;
    world_open(&w, NULL);
    struct peer *web = enter(&w, ID("web"), "", NULL);
    Weft__Bus__V1__Submit m = a_submit();
    m.service = (char *)(uintptr_t) "nobody";
    submit(web, &m);
    check_refused(web, "service-unknown", 404);
    m = a_submit();
    m.delay_ms = UINT64_MAX;
    submit(web, &m);
    check_refused(web, "bad-request", 400);
    m = a_submit();
    m.path = (char *)(uintptr_t) "train";
    submit(web, &m);
    check_refused(web, "bad-request", 400);
    char *big = mem_new(API_PAYLOAD + 1);
    m = a_submit();
    m.body = (ProtobufCBinaryData){.len = API_PAYLOAD, .data = (uint8_t *)big};
    submit(web, &m);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_ACCEPTED, web->answer);
    m.body.len++;
    submit(web, &m);
    check_refused(web, "payload-too-large", 413);
    Weft__Bus__V1__Header field = WEFT__BUS__V1__HEADER__INIT, *fields = &field;
    field.name = (char *)(uintptr_t) "x";
    field.value = (ProtobufCBinaryData){.len = 64 << 10, .data = (uint8_t *)big};
    m = a_submit();
    m.n_headers = 1;
    m.headers = &fields;
    submit(web, &m);
    check_refused(web, "bad-request", 400);
    mem_free(big);
    world_close(&w);
}

TEST(a_key_with_another_request_is_a_conflict)
{
    struct world w;
    world_open(&w, NULL);
    struct peer *web = enter(&w, ID("web"), "", NULL);
    char first[JOB_ID + 1];
    Weft__Bus__V1__Submit m = a_submit();
    m.key = (char *)(uintptr_t) "k1";
    m.fingerprint = (ProtobufCBinaryData){.len = 1, .data = (uint8_t *)(uintptr_t) "a"};
    submit(web, &m);
    CHECK(!web->replayed);
    memcpy(first, web->job, sizeof(first));
    submit(web, &m);
    CHECK(web->replayed);
    CHECK_TEXT(first, slice_str(web->job));
    m.fingerprint.data = (uint8_t *)(uintptr_t) "b";
    submit(web, &m);
    check_refused(web, "idempotency-conflict", 422);
    world_close(&w);
}

TEST(a_job_is_unknown_to_everybody_but_its_caller)
{
    struct world w;
    world_open(&w, NULL);
    struct peer *web = enter(&w, ID("web"), "", NULL), *other = enter(&w, ID("other"), "", NULL);
    Weft__Bus__V1__Submit m = a_submit();
    submit(web, &m);
    about(other, WEFT__BUS__V1__RECORD__BODY_QUERY, web->job);
    check_refused(other, "job-unknown", 404);
    about(other, WEFT__BUS__V1__RECORD__BODY_FETCH, web->job);
    check_refused(other, "job-unknown", 404);
    about(other, WEFT__BUS__V1__RECORD__BODY_CANCEL, web->job);
    check_refused(other, "job-unknown", 404);
    about(web, WEFT__BUS__V1__RECORD__BODY_QUERY, "../../etc");
    check_refused(web, "job-unknown", 404);
    Weft__Bus__V1__List list = WEFT__BUS__V1__LIST__INIT;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_LIST;
    r.list = &list;
    call(other, &r);
    CHECK_INT(0, other->count);
    call(web, &r);
    CHECK_INT(1, web->count);
    world_close(&w);
}

TEST(policy_decides_who_submits_and_who_sees)
{
    struct world w;
    world_open(&w, "allow :- peer(\"" ID("web") "\"), job(\"submit\").\n"
                                                "allow :- peer(\"" ID("auditor") "\"), job(\"see\").\n");
    struct peer *web = enter(&w, ID("web"), "", NULL), *auditor = enter(&w, ID("auditor"), "", NULL);
    Weft__Bus__V1__Submit m = a_submit();
    submit(web, &m);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_ACCEPTED, web->answer);
    about(auditor, WEFT__BUS__V1__RECORD__BODY_QUERY, web->job);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_JOB, auditor->answer);
    about(auditor, WEFT__BUS__V1__RECORD__BODY_CANCEL, web->job);
    check_refused(auditor, "job-unknown", 404);
    submit(auditor, &m);
    check_refused(auditor, "policy-denied", 403);
    world_close(&w);
}

TEST(a_cancel_reaches_the_worker_at_once)
{
    struct world w;
    world_open(&w, NULL);
    struct peer *web = enter(&w, ID("web"), "", NULL), *trainer = enter(&w, ID("trainer"), "trainer", NULL);
    begin(web, trainer);
    about(web, WEFT__BUS__V1__RECORD__BODY_CANCEL, web->job);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_JOB, web->answer);
    UNTIL(&w, trainer->beats > 0);
    CHECK_TEXT(web->job, slice_str(trainer->cancelled));
    give_up(trainer);
    about(web, WEFT__BUS__V1__RECORD__BODY_QUERY, web->job);
    CHECK_INT(WEFT__BUS__V1__STATE__CANCELLED, web->state);
    about(web, WEFT__BUS__V1__RECORD__BODY_CANCEL, web->job);
    check_refused(web, "job-ended", 409);
    world_close(&w);
}

TEST(a_watch_ends_with_the_last_end_of_a_job_that_was_retried)
{
    struct world w;
    world_open(&w, NULL);
    struct peer *web = enter(&w, ID("web"), "", NULL), *trainer = enter(&w, ID("trainer"), "trainer", NULL);
    begin(web, trainer);
    give_up(trainer); /* its one attempt */
    about(web, WEFT__BUS__V1__RECORD__BODY_RETRY, web->job);
    CHECK_INT(WEFT__BUS__V1__STATE__QUEUED, web->state);
    credit(trainer, "trainer");
    UNTIL(&w, trainer->assigns == 2);
    watch(web, web->job);
    UNTIL(&w, web->events == 5);
    CHECK_TEXT("accepted started dead retrying started ", slice_str(web->names));
    CHECK_INT(0, web->lasts);
    done(trainer, trainer);
    UNTIL(&w, web->events == 6);
    CHECK_TEXT("accepted started dead retrying started done ", slice_str(web->names));
    CHECK_INT(1, web->lasts);
    world_close(&w);
}

TEST(a_contract_that_was_put_is_got_by_its_digest)
{
    struct world w;
    world_open(&w, NULL);
    struct peer *web = enter(&w, ID("web"), "", NULL);
    struct slice text = SLICE("contract(\"orders\", \"1\").");
    struct hash_digest digest = hash_sha256(text);
    Weft__Bus__V1__ContractPut put = WEFT__BUS__V1__CONTRACT_PUT__INIT;
    put.text = (ProtobufCBinaryData){.len = text.len, .data = (uint8_t *)(uintptr_t)text.at};
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_CONTRACT_PUT;
    r.contract_put = &put;
    call(web, &r);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_OK, web->answer);
    Weft__Bus__V1__ContractGet get = WEFT__BUS__V1__CONTRACT_GET__INIT;
    get.digest = (ProtobufCBinaryData){.len = sizeof(digest.b), .data = digest.b};
    r.body_case = WEFT__BUS__V1__RECORD__BODY_CONTRACT_GET;
    r.contract_get = &get;
    call(web, &r);
    CHECK_INT(text.len, web->count);
    digest.b[0] ^= 1;
    call(web, &r);
    CHECK_INT(0, web->count);
    world_close(&w);
}

TEST(what_only_a_broker_says_is_not_taken_from_a_peer)
{
    struct world w;
    world_open(&w, NULL);
    struct peer *web = enter(&w, ID("web"), "", NULL);
    Weft__Bus__V1__Accepted body = WEFT__BUS__V1__ACCEPTED__INIT;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_ACCEPTED;
    r.accepted = &body;
    call(web, &r);
    check_refused(web, "bad-request", 400);
    world_close(&w);
}

TESTS_BEGIN()
TESTS_RUN(a_job_goes_over_the_bus_and_its_result_comes_back)
TESTS_RUN(a_token_is_no_key_to_the_job_of_another_service)
TESTS_RUN(a_worker_that_comes_back_goes_on_with_what_it_runs)
TESTS_RUN(who_is_not_the_configured_runner_gets_no_credit)
TESTS_RUN(a_submit_that_does_not_fit_is_refused_by_name)
TESTS_RUN(a_key_with_another_request_is_a_conflict)
TESTS_RUN(a_job_is_unknown_to_everybody_but_its_caller)
TESTS_RUN(policy_decides_who_submits_and_who_sees)
TESTS_RUN(a_cancel_reaches_the_worker_at_once)
TESTS_RUN(a_watch_ends_with_the_last_end_of_a_job_that_was_retried)
TESTS_RUN(a_contract_that_was_put_is_got_by_its_digest)
TESTS_RUN(what_only_a_broker_says_is_not_taken_from_a_peer)
TESTS_END()
