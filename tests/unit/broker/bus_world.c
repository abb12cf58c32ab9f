#include "tests/unit/broker/bus_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "broker/blob_shelf.h"
#include "broker/store_mem.h"
#include "policy/policy_load.h"

#define CALL_US (20 * NOW_US_PER_S)

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

static enum err admit(void *arg, const uint8_t key[ZSOCK_KEY], struct slice *identity, int64_t *until_us)
{
    struct world *w = arg;
    for (size_t i = 0; i < w->peer_count; i++)
        if (memcmp(w->peers[i].key, key, ZSOCK_KEY) == 0) {
            *identity = slice_str(w->peers[i].identity);
            *until_us = w->until_us ? w->until_us : INT64_MAX;
            return *until_us > loop_turn_us(w->loop) ? ERR_OK : ERR_DENIED;
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

static void on_undelivered(void *arg, struct session *s, const Weft__Bus__V1__Record *r)
{
    api_undelivered(((struct world *)arg)->api, s, r);
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
    struct desk_service_conf trainer = {.name = SLICE("trainer"), .attempts = 1},
                             printer = {.name = SLICE("printer"), .attempts = 1};
    w->desk = desk_new(&desk);
    desk_service(w->desk, &trainer);
    desk_service(w->desk, &printer);
}

static void open_shelf(struct world *w)
{
    const char *why;
    struct blob_shelf_count found;
    snprintf(w->folder, sizeof(w->folder), "/tmp/weft-world-XXXXXX");
    CHECK(mkdtemp(w->folder) != NULL);
    CHECK_ERR(ERR_OK, blob_shelf_open(w->loop, w->folder, &w->shelf, &why));
    blob_shelf_settle(w->shelf, &found);
    store_watch_needs(w->store, blob_shelf_need, w->shelf);
}

static bool may(void *arg, struct slice caller, struct slice service, struct slice operation)
{
    return api_may_submit(((struct world *)arg)->api, caller, service, operation);
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
        .clock = w->clock,
        .shelf = w->shelf,
        .payload_most = 64 << 20,
        .caller_most = 64 << 20,
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
        .undelivered = on_undelivered,
        .left = on_left,
        .arg = w,
    };
    const char *why;
    w->api = api_new(&api);
    CHECK_ERR(ERR_OK, front_open(&front, &w->front, &why));
    struct almanac_conf almanac = {
        .loop = w->loop, .clock = w->clock, .store = w->store, .desk = w->desk, .may = may, .arg = w};
    w->almanac = almanac_new(&almanac);
    api_bind(w->api, w->desk, w->front, w->almanac);
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

/* `runs` is what it claims to run of this job, or NULL. */
struct peer *bus_world_enter(struct world *w, const char *identity, const char *service, const struct peer *runs)
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

void bus_world_call(struct peer *p, Weft__Bus__V1__Record *r)
{
    unsigned before = p->answers;
    CHECK_ERR(ERR_OK, bus_client_call(p->client, r, CALL_US, answered, p));
    UNTIL(p->world, p->answers > before);
}

void bus_world_check_refused(struct peer *p, const char *word, unsigned status)
{
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_PROBLEM, p->answer);
    CHECK_TEXT(word, slice_str(p->word));
    CHECK_INT(status, p->status);
}

Weft__Bus__V1__Submit bus_world_a_submit(void)
{
    Weft__Bus__V1__Submit m = WEFT__BUS__V1__SUBMIT__INIT;
    m.service = (char *)(uintptr_t) "trainer";
    m.method = (char *)(uintptr_t) "POST";
    m.path = (char *)(uintptr_t) "/train";
    m.priority = 5;
    return m;
}

void bus_world_submit(struct peer *p, Weft__Bus__V1__Submit *m)
{
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_SUBMIT;
    r.submit = m;
    bus_world_call(p, &r);
}

void bus_world_credit(struct peer *p, const char *service)
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
void bus_world_done(struct peer *p, struct peer *of)
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
    bus_world_call(p, &r);
}

void bus_world_give_up(struct peer *p)
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
    bus_world_call(p, &r);
}

/* A verb that names one job and nothing else. */
void bus_world_about(struct peer *p, Weft__Bus__V1__Record__BodyCase verb, const char *job)
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
    bus_world_call(p, &r);
}

void bus_world_watch(struct peer *p, const char *job)
{
    Weft__Bus__V1__Watch body = WEFT__BUS__V1__WATCH__INIT;
    body.job = (char *)(uintptr_t)job;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_WATCH;
    r.watch = &body;
    CHECK_ERR(ERR_OK, bus_client_send(p->client, &r));
}

/* --- the world --- */

void bus_world_open(struct world *w, const char *policy_text)
{
    *w = (struct world){.loop = loop_new(), .runner = ID("trainer")};
    w->clock = due_clock_new(w->loop);
    w->metrics = metric_set_new();
    w->store = store_mem_new(w->loop);
    w->policy = policy(policy_text);
    zsock_keys(w->public_key, w->secret_key);
    open_shelf(w);
    open_desk(w);
    open_bus(w);
}

void bus_world_close(struct world *w)
{
    for (size_t i = 0; i < w->peer_count; i++)
        bus_client_close(&w->peers[i].client);
    store_close(&w->store);
    almanac_free(&w->almanac);
    front_close(&w->front);
    desk_free(&w->desk);
    api_free(&w->api);
    blob_shelf_close(&w->shelf);
    char command[80];
    snprintf(command, sizeof(command), "rm -rf %.60s", w->folder);
    CHECK_INT(0, system(command));
    authz_free(&w->policy);
    metric_set_free(&w->metrics);
    due_clock_free(&w->clock);
    loop_free(&w->loop);
}

/* One job of `web`, running at `trainer`. */
void bus_world_begin(struct peer *web, struct peer *trainer)
{
    Weft__Bus__V1__Submit m = bus_world_a_submit();
    unsigned before = trainer->assigns;
    bus_world_submit(web, &m);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_ACCEPTED, web->answer);
    bus_world_credit(trainer, "trainer");
    UNTIL(web->world, trainer->assigns > before);
    CHECK_TEXT(web->job, slice_str(trainer->assigned));
}
