#ifndef WEFT_TESTS_UNIT_PROXY_STAGE_H
#define WEFT_TESTS_UNIT_PROXY_STAGE_H

/* stage - all that a relay needs, in one loop: the caller is played by the test, whoever
 * answers is a real server behind a pool, over streams in memory.
 *
 *     stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2});
 *     stage_ask("GET", "/orders/7");
 *     caller_head(&stage.caller, true);
 *     stage_turns(50);
 *     ...
 *     stage_close();
 *
 * The clock moves only with stage_wait.  stage_close checks that nothing is in flight. */
#include <sched.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/metric.h"
#include "http/server.h"
#include "policy/policy_load.h"
#include "proxy/relay.h"
#include "tests/kit/caller.h"
#include "tests/kit/certs.h"
#include "tests/kit/pair.h"
#include "tests/kit/recorder.h"
#include "tests/kit/t.h"

#define STAGE_WEB "spiffe://example.org/web"
#define STAGE_ORDERS "spiffe://example.org/orders"

#define STAGE_OPERATIONS                                                                    \
    "operation(\"create\"). http(\"create\", \"POST\", \"/orders\").\n"                     \
    "request(\"create\", \"application/json\", \"In\").\n"                                  \
    "response(\"create\", \"200\", \"application/json\", \"Out\").\n"                       \
    "operation(\"get\"). http(\"get\", \"GET\", \"/orders/{id}\").\n"                       \
    "param(\"get\", \"path\", \"id\", \"string\", \"required\").\n"                         \
    "response(\"get\", \"200\", \"application/json\", \"Out\").\n"                          \
    "operation(\"touch\"). http(\"touch\", \"POST\", \"/touch\"). idempotent(\"touch\").\n" \
    "response(\"touch\", \"204\", \"\", \"\").\n"                                           \
    "record(\"In\"). record(\"Out\").\n"
#define STAGE_FIELD(record, name, presence) "field(\"" record "\", \"" name "\", \"int32\", \"" presence "\").\n"

/* What callers were written against. */
#define STAGE_ORDERS_1                                                                         \
    "contract(\"orders\", \"1.0.0\").\n" STAGE_OPERATIONS STAGE_FIELD("In", "qty", "required") \
        STAGE_FIELD("Out", "qty", "required")
/* The same under another name: adaptable. */
#define STAGE_ORDERS_2                                                                              \
    "contract(\"orders\", \"2.0.0\").\n" STAGE_OPERATIONS STAGE_FIELD("In", "quantity", "required") \
        STAGE_FIELD("Out", "quantity", "required") "renamed(\"In\", \"qty\", \"quantity\").\n"      \
                                                   "renamed(\"Out\", \"qty\", \"quantity\").\n"
/* One more that callers cannot know: breaking for `create`, the same for `get`. */
#define STAGE_ORDERS_3                                                                         \
    "contract(\"orders\", \"3.0.0\").\n" STAGE_OPERATIONS STAGE_FIELD("In", "qty", "required") \
        STAGE_FIELD("In", "customer", "required") STAGE_FIELD("Out", "qty", "required")

enum { STAGE_SERVED = 8, STAGE_SECOND = NOW_US_PER_S, STAGE_PATIENCE = 1000000 };

struct stage_conf {
    const char *offers;   /* our own contract (inbound), or NULL */
    const char *consumes; /* the service's (outbound), or NULL */
    const char *policy;   /* rules, or NULL: none */
    enum proxy_enforce enforce;
    enum proxy_unknown unknown;
    bool validate;  /* bodies are held against what it offers */
    bool outbound;  /* there is a service "orders" to call */
    bool h2;        /* what our function speaks; sidecars always do */
    bool no_server; /* dials fail */
    int64_t request_us;
    bool two_endpoints;
    int64_t attempt_us;
    struct cluster_fault fault;
    uint64_t rate, in_flight, app_most, queue; /* 0: no limit; 1000; 1000 */
    size_t room;                               /* of the wire to whoever answers; 0: 64 KiB */
};

struct stage {
    struct loop *loop;
    struct now_hand hand;
    struct due_clock *clock;
    struct metric_set *metrics;
    struct relay_env env;
    struct certs *certs;
    struct server *server;
    struct stage_conf conf;
    struct recorder served[STAGE_SERVED];
    unsigned served_count, dialled, opened;
    uint64_t opened_id;    /* of the last connection that is ready */
    char served_method[8]; /* of the last request */
    char dialled_last[32]; /* outbound: the address */
    void (*answer)(struct recorder *r, bool at_end);
    struct stream *wire; /* our end of the last one dialled */
    struct caller caller;
};

static struct stage stage;

static inline void stage_turns(int n)
{
    for (int i = 0; i < n; i++)
        loop_turn(stage.loop, false);
}

static inline void stage_wait(int64_t us)
{
    stage.hand.mono += us;
    stage.hand.wall += us;
    stage_turns(3);
}

static inline struct contract *stage_contract(const char *text)
{
    struct diag diag;
    struct contract *c = NULL;
    diag_init(&diag);
    CHECK_ERR(ERR_OK, contract_parse(slice_str(text), "test.weft", &diag, &c));
    diag_fini(&diag);
    return c;
}

static inline struct authz *stage_policy(const char *text)
{
    struct diag diag;
    struct authz *a = NULL;
    struct policy_text one = {.file = "p.weft", .text = slice_str(text)};
    diag_init(&diag);
    CHECK_ERR(ERR_OK, policy_load(&one, text ? 1 : 0, &diag, &a));
    diag_fini(&diag);
    return a;
}

static inline void stage_accept(struct transit *t, void *arg)
{
    (void)arg;
    CHECK(stage.served_count < STAGE_SERVED);
    struct recorder *r = &stage.served[stage.served_count++];
    (void)snprintf(stage.served_method, sizeof(stage.served_method), "%.*s", SLICE_FMT(t->in.method));
    recorder_init(r);
    r->answer = stage.answer;
    recorder_own(r, t);
}

static inline struct stream *stage_dial(void *arg, const char **why)
{
    (void)arg;
    stage.dialled++;
    if (stage.conf.no_server) {
        *why = "connection refused";
        return NULL;
    }
    struct stream *ends[2];
    pair_new(stage.loop, &(struct pair_conf){.room = stage.conf.room}, ends);
    pair_introduce(ends[0], STAGE_WEB, stage.conf.outbound || stage.conf.h2 ? "h2" : "");
    pair_introduce(ends[1], STAGE_ORDERS, "h2");
    server_take(stage.server, ends[0], SLICE("192.0.2.2:2"));
    stage.wire = ends[1];
    return ends[1];
}

static inline void stage_opened(struct pool *p, uint64_t conn_id, void *arg)
{
    (void)p, (void)arg;
    stage.opened++;
    stage.opened_id = conn_id;
}

static inline struct pool *stage_pool(void *arg, bool h2)
{
    struct pool_conf conf = {
        .dial = stage_dial,
        .opened = stage_opened,
        .arg = arg,
        .protocol = h2 ? POOL_H2 : POOL_H1,
        .connect_timeout_us = STAGE_SECOND,
        .idle_timeout_us = INT64_C(300) * STAGE_SECOND,
        .max_streams = 100,
        .max_connections = 4,
        .max_waiting = 2,
    };
    return pool_new(stage.loop, stage.clock, &conf);
}

static inline struct stream *stage_dial_endpoint(struct cluster_endpoint *e, const char **why)
{
    (void)snprintf(stage.dialled_last, sizeof(stage.dialled_last), "%.*s", SLICE_FMT(e->text));
    return stage_dial(e, why);
}

static inline void stage_cluster_opened(struct cluster_endpoint *e, uint64_t conn_id, void *arg)
{
    stage_opened(e->pool, conn_id, arg);
}

static inline struct cluster *stage_cluster(struct snapshot *s)
{
    static const char *const endpoints[] = {"192.0.2.2:4743", "192.0.2.3:4743"};
    struct cluster_group_conf group = {
        .weight = 1, .endpoints = endpoints, .endpoint_count = stage.conf.two_endpoints ? 2 : 1};
    struct cluster_conf conf = {
        .name = SLICE("orders"),
        .identity = SLICE(STAGE_ORDERS),
        .groups = &group,
        .group_count = 1,
        .consumes = stage.conf.consumes ? stage_contract(stage.conf.consumes) : NULL,
        .creds = s->creds,
        .connect_timeout_us = STAGE_SECOND,
        .breaker = {7, 80, 5, 10 * STAGE_SECOND, STAGE_SECOND, 60 * STAGE_SECOND},
        .retry_percent = 20,
        .retries_per_second = 10,
        .fault = stage.conf.fault,
        .max_connections = 4,
        .max_waiting = 2,
        .dial = stage_dial_endpoint,
        .opened = stage_cluster_opened,
    };
    struct cluster *c = cluster_new(stage.loop, stage.clock, &conf);
    contract_unref(&conf.consumes);
    return c;
}

static inline struct snapshot *stage_snapshot(const struct stage_conf *conf)
{
    static const char *names[] = {"orders"};
    struct snapshot *s = mem_new(sizeof(*s));
    s->refs = 1;
    s->loop = stage.loop;
    s->conf.service = "orders";
    s->conf.enforce = conf->enforce;
    s->conf.contracts.unknown = conf->unknown;
    s->conf.contracts.hold_us = 2 * STAGE_SECOND;
    s->conf.adapt.max_buffer = 64 << 10;
    s->conf.timeouts.request_us = conf->request_us;
    s->conf.timeouts.attempt_us = conf->attempt_us;
    s->conf.retries.limit = 1;
    s->conf.limits.rate = conf->rate;
    s->conf.limits.in_flight = conf->in_flight;
    s->conf.limits.adaptive = true;
    s->conf.limits.least = 1;
    s->conf.limits.most = conf->app_most ? conf->app_most : 1000;
    s->conf.limits.queue = conf->queue ? conf->queue : 1000;
    s->conf.limits.queue_wait_us = STAGE_SECOND;
    s->creds = certs_good(stage.certs, STAGE_ORDERS, certs_lax_judge);
    s->authz = stage_policy(conf->policy);
    s->contract = conf->offers ? stage_contract(conf->offers) : NULL;
    s->mould = conf->validate ? mould_new(s->contract) : NULL;
    s->app_h2 = conf->h2;
    if (conf->outbound) {
        s->conf.services.names = names;
        s->conf.services.count = 1;
        s->clusters = arena_array(&s->arena, 1, sizeof(struct cluster *));
        s->clusters[0] = stage_cluster(s);
    } else {
        s->app = stage_pool(NULL, conf->h2);
    }
    return s;
}

static inline void stage_open(const struct stage_conf *conf)
{
    stage = (struct stage){.conf = *conf, .hand = {.mono = 100 * (int64_t)STAGE_SECOND, .wall = 1000}};
    struct now now = now_by_hand(&stage.hand);
    stage.loop = loop_new_by(&now);
    stage.clock = due_clock_new(stage.loop);
    stage.metrics = metric_set_new();
    stage.certs = certs_new();
    struct server_conf server = {
        .accept = stage_accept,
        .header_timeout_us = 10 * STAGE_SECOND,
        .max_streams = 100,
        .max_connections = 10,
    };
    stage.server = server_new(stage.loop, stage.clock, &server);
    stage.env =
        (struct relay_env){.loop = stage.loop, .clock = stage.clock, .accord = accord_new(stage.loop, stage.clock)};
    ledger_init(&stage.env.ledger, stage.metrics);
    stage.env.snap = stage_snapshot(conf);
    relay_env_limits(&stage.env);
    rate_init(&stage.env.rate);
    if (stage.env.snap->contract)
        accord_know(stage.env.accord, stage.env.snap->contract);
}

static inline void stage_close(void)
{
    struct stage *s = &stage;
    stage_turns(50);
    if (s->caller.loop)
        caller_fini(&s->caller);
    CHECK_INT(0, s->env.exchanges);
    CHECK_INT(0, server_exchanges(s->server));
    struct pool *pool = s->env.snap->app ? s->env.snap->app : s->env.snap->clusters[0]->groups[0].endpoints[0]->pool;
    CHECK_INT(0, pool_stats(pool).in_flight + pool_stats(pool).waiting);
    CHECK_INT(1, s->env.snap->refs);
    snapshot_unref(&s->env.snap);
    stage_turns(50);
    server_free(&s->server);
    stage_turns(50);
    for (unsigned i = 0; i < s->served_count; i++)
        recorder_fini(&s->served[i]);
    gate_fini(&s->env.gate);
    rate_fini(&s->env.rate);
    accord_free(&s->env.accord);
    ledger_fini(&s->env.ledger);
    metric_set_free(&s->metrics);
    certs_free(&s->certs);
    due_clock_free(&s->clock);
    loop_free(&s->loop);
}

/* A request begins; its head is for the test to say. */
static inline void stage_ask_as(struct caller *c, const char *method, const char *path)
{
    caller_init(c, stage.loop, method, path);
    if (!stage.conf.outbound)
        c->t->peer_id = SLICE(STAGE_WEB);
    relay_start(&stage.env, stage.conf.outbound ? RELAY_OUTBOUND : RELAY_INBOUND,
                stage.conf.outbound ? stage.env.snap->clusters[0] : NULL, c->t);
}

static inline void stage_ask(const char *method, const char *path)
{
    if (stage.caller.loop)
        caller_fini(&stage.caller);
    stage_ask_as(&stage.caller, method, path);
}

static inline void stage_json(const char *body)
{
    caller_field(&stage.caller, "content-type", "application/json");
    caller_head(&stage.caller, false);
    caller_say(&stage.caller, slice_str(body));
    caller_end(&stage.caller);
}

/* Until the caller's exchange is over. */
static inline void stage_over(void)
{
    for (int i = 0; i < STAGE_PATIENCE && stage.caller.t; i++) {
        loop_turn(stage.loop, false);
        if (i > 1000)
            (void)sched_yield();
    }
    CHECK(!stage.caller.t);
}

static inline void stage_offered(void *arg, enum err e, struct slice complaint)
{
    (void)complaint;
    *(enum err *)arg = e;
}

/* The field that names a contract. */
static inline const char *stage_named(const struct contract *c)
{
    static char field[64];
    struct slice digest = contract_digest_text(c);
    (void)snprintf(field, sizeof(field), "sha-256=%.*s", SLICE_FMT(digest));
    return field;
}

/* A contract that has been shown and judged; the field that names it. */
static inline const char *stage_shown(const char *text)
{
    struct contract *c = stage_contract(text);
    enum err e = ERR_AGAIN;
    struct verdict *v;
    CHECK_ERR(ERR_OK, accord_offer(stage.env.accord, SLICE(STAGE_WEB), contract_digest(c), contract_text(c),
                                   stage_offered, &e));
    for (int i = 0; i < STAGE_PATIENCE && e == ERR_AGAIN; i++) {
        loop_turn(stage.loop, false);
        (void)sched_yield();
    }
    CHECK_ERR(ERR_OK, e);
    e = ERR_AGAIN;
    for (int i = 0; i < STAGE_PATIENCE && e == ERR_AGAIN; i++) {
        e = stage.env.snap->contract ? accord_find(stage.env.accord, contract_digest(c), stage.env.snap->contract, &v)
                                     : ERR_OK;
        loop_turn(stage.loop, false);
        (void)sched_yield();
    }
    CHECK_ERR(ERR_OK, e);
    const char *field = stage_named(c);
    contract_unref(&c);
    return field;
}

static inline unsigned long long stage_counted(struct metric_family *f, const struct slice *labels)
{
    return (unsigned long long)metric_series(f, labels)->count;
}

#endif
