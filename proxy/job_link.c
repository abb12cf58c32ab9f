/* Register, connect, be welcomed; when the bus is lost, start over.
 *
 * The bus key is fresh per registration, so a broker that has forgotten everything
 * (a restart) and one that has not look the same from here.  What still runs is told
 * in hello; what is watched is watched again. */
#include "proxy/job_link.h"

#include <errno.h>
#include <stdio.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sm.h"
#include "bus/zsock.h"
#include "proxy/reply.h"

enum { RETRY_US = 1000000, KEY_BODY = 128, CALL_US = 10000000, CONTRACTS = 64, FAULT_ROOM = 256 };
#define RENEW_US (INT64_C(3600) * NOW_US_PER_S)

enum link_state { IDLE, REGISTERING, CONNECTING, READY, STATES };
static const struct sm_row link_rows[STATES] = {
    [IDLE] = {"idle", SM_TO(REGISTERING), SM_FIRST},
    [REGISTERING] = {"registering", SM_TO(CONNECTING) | SM_TO(IDLE), 0},
    [CONNECTING] = {"connecting", SM_TO(READY) | SM_TO(IDLE), 0},
    [READY] = {"ready", SM_TO(IDLE), 0},
};
const struct sm_table job_link_states = {"job_link", link_rows, STATES};

struct job_link {
    struct job_link_conf conf;
    struct snapshot *snap;
    struct sm sm;
    struct pool *pool; /* to the broker's HTTPS side */
    struct sock_addr addr;
    struct transit *asking;   /* the registration under way */
    struct transit *renewing; /* the same key once more: it is good for longer then */
    struct due renew;
    uint8_t public_key[ZSOCK_KEY], secret_key[ZSOCK_KEY];
    struct bus_client *bus;
    struct due retry;
    struct list watches;
    struct contract *contracts[CONTRACTS];
    size_t contract_count;
    char instance[24];
    char fault[FAULT_ROOM];
    bool told; /* the fault was logged */
};

/* --- state --- */

static void broke(struct job_link *l, const char *why)
{
    snprintf(l->fault, sizeof(l->fault), "not connected: %s", why);
    if (!l->told)
        log_event(LOG_WARN, "broker-lost", LOG_STR("broker", l->snap->conf.broker.https), LOG_STR("why", why),
                  LOG_STR("so", "trying again every second"));
    l->told = true;
    if (l->sm.at != IDLE)
        sm_move(&l->sm, IDLE);
    due_in(l->conf.clock, &l->retry, RETRY_US);
}

static void renew_in(struct job_link *l, int64_t us)
{
    due_in(l->conf.clock, &l->renew, us);
}

bool job_link_ready(const struct job_link *l)
{
    return l->sm.at == READY;
}

const char *job_link_state(const struct job_link *l)
{
    return l->sm.at == READY ? "connected" : l->fault;
}

struct bus_client *job_link_bus(struct job_link *l)
{
    return l->sm.at == READY ? l->bus : NULL;
}

/* --- watches --- */

static void watch_again(struct job_link *l, const struct job_link_watch *w, bool stop)
{
    Weft__Bus__V1__Watch body = WEFT__BUS__V1__WATCH__INIT;
    body.job = (char *)(uintptr_t)w->job;
    body.after = w->after;
    body.stop = stop;
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_WATCH;
    record.watch = &body;
    enum err e = l->sm.at == READY ? bus_client_send(l->bus, &record) : ERR_AGAIN;
    (void)e; /* after the next welcome it is said again */
}

void job_link_watch(struct job_link *l, struct job_link_watch *w)
{
    list_push_back(&l->watches, &w->link);
    watch_again(l, w, false);
}

static bool others_watch(const struct job_link *l, const struct job_link_watch *but)
{
    for (struct list *at = l->watches.next; at != &l->watches; at = at->next) {
        struct job_link_watch *w = LIST_OF(at, struct job_link_watch, link);
        if (w != but && strcmp(w->job, but->job) == 0)
            return true;
    }
    return false;
}

void job_link_unwatch(struct job_link *l, struct job_link_watch *w)
{
    if (list_empty(&w->link))
        return;
    list_remove(&w->link);
    if (!others_watch(l, w))
        watch_again(l, w, true);
}

/* A watcher may stop watching from inside its event, so each is found afresh. */
static void deliver(struct job_link *l, const Weft__Bus__V1__Event *event)
{
    struct list now;
    list_init(&now);
    while (!list_empty(&l->watches))
        list_push_back(&now, list_pop(&l->watches));
    for (struct list *at = list_pop(&now); at; at = list_pop(&now)) {
        struct job_link_watch *w = LIST_OF(at, struct job_link_watch, link);
        list_push_back(&l->watches, at);
        if (strcmp(w->job, event->job) != 0 || event->id <= w->after)
            continue;
        w->after = event->id;
        w->fn(w, event);
    }
}

/* --- the bus --- */

static void show_contract(struct job_link *l, const struct contract *c)
{
    Weft__Bus__V1__ContractPut body = WEFT__BUS__V1__CONTRACT_PUT__INIT;
    struct slice text = contract_text(c);
    body.text = (ProtobufCBinaryData){.len = text.len, .data = (uint8_t *)(uintptr_t)text.at};
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_CONTRACT_PUT;
    record.contract_put = &body;
    if (bus_client_send(l->bus, &record) != ERR_OK)
        log_event(LOG_WARN, "contract-unsent", LOG_TEXT("contract", contract_name(c)));
}

void job_link_show_contract(struct job_link *l, struct contract *c)
{
    for (size_t i = 0; i < l->contract_count; i++)
        if (hash_same(contract_digest(l->contracts[i]), contract_digest(c), sizeof(struct hash_digest)))
            return;
    if (l->contract_count == CONTRACTS) {
        log_event(LOG_WARN, "contract-unsent", LOG_TEXT("contract", contract_name(c)), LOG_STR("why", "over 64"));
        return;
    }
    l->contracts[l->contract_count++] = contract_ref(c);
    if (l->sm.at == READY)
        show_contract(l, c);
}

static void on_hello(void *arg, Weft__Bus__V1__Hello *hello)
{
    struct job_link *l = arg;
    if (l->snap->conf.broker.labels)
        hello->labels = (char *)(uintptr_t)l->snap->conf.broker.labels;
    l->conf.hello(l->conf.arg, hello);
}

static void on_welcome(void *arg, const Weft__Bus__V1__Welcome *welcome)
{
    struct job_link *l = arg;
    sm_move(&l->sm, READY);
    l->told = false;
    renew_in(l, RENEW_US);
    log_event(LOG_INFO, "broker-ready", LOG_STR("broker", l->snap->conf.broker.https),
              LOG_INT("attached", (int64_t)welcome->n_attached), LOG_INT("dropped", (int64_t)welcome->n_dropped));
    for (size_t i = 0; i < l->contract_count; i++)
        show_contract(l, l->contracts[i]);
    for (struct list *at = l->watches.next; at != &l->watches; at = at->next)
        watch_again(l, LIST_OF(at, struct job_link_watch, link), false);
    l->conf.welcome(l->conf.arg, welcome);
}

static void on_lost(void *arg, const char *why)
{
    struct job_link *l = arg;
    if (l->sm.at == IDLE)
        return;
    bool was_ready = l->sm.at == READY;
    broke(l, why);
    bus_client_close(&l->bus);
    if (was_ready)
        l->conf.lost(l->conf.arg, why);
}

static void on_record(void *arg, const Weft__Bus__V1__Record *r)
{
    struct job_link *l = arg;
    switch (r->body_case) {
    case WEFT__BUS__V1__RECORD__BODY_ASSIGN:
        l->conf.assign(l->conf.arg, r->assign);
        break;
    case WEFT__BUS__V1__RECORD__BODY_BEAT:
        l->conf.beat(l->conf.arg, r->beat);
        break;
    case WEFT__BUS__V1__RECORD__BODY_EVENT:
        deliver(l, r->event);
        break;
    case WEFT__BUS__V1__RECORD__BODY_PROBLEM:
        log_event(LOG_WARN, "broker-problem", LOG_STR("word", r->problem->word), LOG_STR("detail", r->problem->detail));
        break;
    default: /* an answer nobody waits for any more */
        break;
    }
}

static const struct bus_client_owner bus_owner = {on_hello, on_welcome, on_lost, on_record};

static void connect_bus(struct job_link *l, const char *endpoint, const uint8_t server_key[ZSOCK_KEY])
{
    struct bus_client_conf conf = {
        .endpoint = endpoint,
        .service = l->snap->conf.broker.slots ? l->snap->conf.service : "",
        .instance = l->instance,
    };
    memcpy(conf.server_key, server_key, ZSOCK_KEY);
    memcpy(conf.public_key, l->public_key, ZSOCK_KEY);
    memcpy(conf.secret_key, l->secret_key, ZSOCK_KEY);
    sm_move(&l->sm, CONNECTING);
    snprintf(l->fault, sizeof(l->fault), "connecting to the bus");
    l->bus = bus_client_start(l->conf.loop, l->conf.clock, &conf, &bus_owner, l);
    if (!l->bus)
        broke(l, "this libzmq has no CURVE");
}

/* --- registration --- */

/* The bus is at the host we know the broker by; only the port is the answer's. */
static bool bus_endpoint(const struct job_link *l, struct slice named, char *out, size_t room)
{
    struct slice host = slice_str(l->snap->conf.broker.https);
    size_t host_end, port_at;
    if (!slice_find_last(host, ':', &host_end) || !slice_find_last(named, ':', &port_at))
        return false;
    struct slice port = slice_from(named, port_at);
    return snprintf(out, room, "tcp://%.*s%.*s", SLICE_FMT(slice_to(host, host_end)), SLICE_FMT(port)) < (int)room;
}

static void registered(struct job_link *l, const struct message *answer)
{
    uint8_t key[ZSOCK_KEY];
    size_t len;
    char endpoint[FAULT_ROOM];
    const struct header *bus_key = headers_find(&answer->headers, SLICE("weft-bus-key"));
    const struct header *named = headers_find(&answer->headers, SLICE("weft-bus-endpoint"));
    if (!bus_key || !named || hash_base64url(bus_key->value, key, sizeof(key), &len) != ERR_OK || len != sizeof(key) ||
        !bus_endpoint(l, named->value, endpoint, sizeof(endpoint)))
        broke(l, "the answer names no bus: is that a weft-broker?");
    else
        connect_bus(l, endpoint, key);
}

static void asking_data(struct transit *t, struct slice bytes)
{
    (void)bytes; /* the head says it all */
    transit_credit(t, t->owed);
}

static void asking_nothing(struct transit *t)
{
    (void)t;
}

static void asking_gone(struct transit *t, enum transit_end how)
{
    struct job_link *l = t->owner_data;
    l->asking = NULL;
    char why[FAULT_ROOM];
    if (how != TRANSIT_DONE)
        broke(l, t->fault ? t->fault : "the connection broke");
    else if (t->in.status != 200) {
        snprintf(why, sizeof(why), "it answers %u %.*s", t->in.status,
                 SLICE_FMT(slice_to(headers_value(&t->in.headers, HEADERS_WEFT_ERROR), 64)));
        broke(l, why);
    } else {
        registered(l, &t->in);
    }
    transit_free(&t);
}

static const struct transit_owner asking_owner = {
    .head = asking_nothing,
    .data = asking_data,
    .end = asking_nothing,
    .gone = asking_gone,
};

static enum err send_key(struct job_link *l, struct transit *t)
{
    struct buf body;
    buf_init(&body, KEY_BODY);
    buf_put(&body, SLICE("{\"key\":\""));
    hash_put_base64url(&body, slice_of(l->public_key, ZSOCK_KEY));
    buf_put(&body, SLICE("\"}"));
    struct message *m = &t->out;
    m->method = SLICE("PUT");
    m->scheme = SLICE("https");
    m->authority = slice_str(l->snap->conf.broker.https);
    m->path = SLICE("/.well-known/weft/bus-keys");
    m->length = (int64_t)buf_len(&body);
    enum err e = headers_add_token(&m->headers, HEADERS_CONTENT_TYPE, SLICE("application/json"));
    if (e == ERR_OK)
        e = transit_head(t, false);
    if (e == ERR_OK)
        e = transit_write(t, buf_slice(&body));
    if (e == ERR_OK)
        transit_finish(t);
    buf_fini(&body);
    return e;
}

/* --- renewal --- */

static void renewing_gone(struct transit *t, enum transit_end how)
{
    struct job_link *l = t->owner_data;
    bool renewed = how == TRANSIT_DONE && t->in.status == 200;
    l->renewing = NULL;
    if (!renewed && l->sm.at == READY)
        log_event(LOG_WARN, "broker-key-unrenewed", LOG_STR("broker", l->snap->conf.broker.https),
                  LOG_INT("status", t->in.status), LOG_STR("so", "trying again every second"));
    renew_in(l, renewed ? RENEW_US : RETRY_US);
    transit_free(&t);
}

static const struct transit_owner renewing_owner = {
    .head = asking_nothing,
    .data = asking_data,
    .end = asking_nothing,
    .gone = renewing_gone,
};

/* A key is good for no longer than the certificate it was registered with, so with a new one it is registered
 * again; and now and then anyhow. */
static void renew(struct due *due)
{
    struct job_link *l = (struct job_link *)(void *)((char *)due - offsetof(struct job_link, renew));
    if (l->sm.at != READY || l->renewing)
        return;
    l->renewing = pool_request(l->pool, &renewing_owner, l);
    if (!l->renewing)
        renew_in(l, RETRY_US);
    else if (send_key(l, l->renewing) != ERR_OK)
        transit_reset(l->renewing, TRANSIT_WHY_INTERNAL);
}

static void ask_for_bus(struct due *due)
{
    struct job_link *l = (struct job_link *)(void *)((char *)due - offsetof(struct job_link, retry));
    sm_move(&l->sm, REGISTERING);
    zsock_keys(l->public_key, l->secret_key);
    l->asking = pool_request(l->pool, &asking_owner, l);
    if (!l->asking)
        broke(l, "too much is waiting");
    else if (send_key(l, l->asking) != ERR_OK)
        transit_reset(l->asking, TRANSIT_WHY_INTERNAL);
}

static struct stream *dial(void *arg, const char **why)
{
    struct job_link *l = arg;
    int fd;
    if (sock_connect(&l->addr, &fd) != ERR_OK) {
        *why = strerror(errno);
        return NULL;
    }
    struct stream_tls_conf tls = {
        .role = STREAM_CLIENT,
        .creds = l->snap->creds,
        .alpn = {"h2"},
        .peer = slice_str(l->snap->conf.broker.identity),
    };
    return stream_tls_new(l->conf.loop, stream_fd_new(l->conf.loop, fd, true), &tls);
}

/* --- lifecycle --- */

static void open_pool(struct job_link *l)
{
    struct pool_conf pool = {
        .dial = dial,
        .arg = l,
        .protocol = POOL_H2,
        .connect_timeout_us = l->snap->conf.timeouts.connect_us,
        .idle_timeout_us = 5 * RETRY_US,
        .ping_us = CALL_US,
        .ping_timeout_us = CALL_US,
        .max_streams = 10,
        .max_connections = 1,
        .max_waiting = 10,
    };
    l->pool = pool_new(l->conf.loop, l->conf.clock, &pool);
}

struct job_link *job_link_new(const struct job_link_conf *conf)
{
    struct job_link *l = mem_new(sizeof(*l));
    *l = (struct job_link){.conf = *conf, .snap = snapshot_ref(conf->snap), .fault = "not connected yet"};
    const char *why;
    enum err parsed = sock_parse(slice_str(conf->snap->conf.broker.https), &l->addr, &why);
    PRE(parsed == ERR_OK); /* proxy_conf has checked it */
    sm_init(&l->sm, link_rows, IDLE);
    list_init(&l->watches);
    uint64_t chance;
    hash_random(&chance, sizeof(chance));
    snprintf(l->instance, sizeof(l->instance), "%016llx", (unsigned long long)chance);
    open_pool(l);
    due_init(&l->renew, renew);
    due_init(&l->retry, ask_for_bus);
    due_in(conf->clock, &l->retry, 0);
    return l;
}

void job_link_reload(struct job_link *l, struct snapshot *snap)
{
    struct snapshot *old = l->snap;
    l->snap = snapshot_ref(snap);
    snapshot_unref(&old);
    pool_close(&l->pool); /* its connections have shown the old certificate */
    open_pool(l);
    renew_in(l, 0);
}

/* Its end is of no interest any more. */
static void let_go(struct transit *t)
{
    if (!t)
        return;
    t->owner = &reply_owner;
    transit_reset(t, TRANSIT_WHY_CANCEL);
}

void job_link_close(struct job_link **link)
{
    struct job_link *l = *link;
    *link = NULL;
    if (!l)
        return;
    due_cancel(l->conf.clock, &l->retry);
    due_cancel(l->conf.clock, &l->renew);
    bus_client_close(&l->bus);
    let_go(l->asking);
    let_go(l->renewing);
    pool_close(&l->pool);
    for (size_t i = 0; i < l->contract_count; i++)
        contract_unref(&l->contracts[i]);
    while (!list_empty(&l->watches))
        list_pop(&l->watches);
    snapshot_unref(&l->snap);
    mem_free(l);
}
