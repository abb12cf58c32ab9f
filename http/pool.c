#include "http/pool.h"

#include "base/mem.h"
#include "http/conn.h"
#include "http/h2_mem.h"

/* A request has two carriers in its life.  Without a connection that has room the pool
 * itself carries it: what the owner says stays in the transit.  When there is room,
 * conn_ops.request hands the same transit over, and the conn sends what was said so far. */

enum { FAIL_FAST_US = 50 * NOW_US_PER_MS, FAULT_MOST = 192 };

struct pool {
    struct loop *loop;
    struct due_clock *clock;
    struct pool_conf conf;
    struct transit_stock *stock;
    struct h2_mem *mem;

    struct list opening; /* conns: their handshake is under way */
    struct list open;    /* conns with room, last used first */
    struct list full;    /* conns without, and those that drain */
    uint32_t connections, dialling;

    struct list waiting; /* transits */
    struct list over;    /* transits that end with gone() in the next deferred call */
    uint32_t waiting_count;
    struct loop_task settle;

    uint64_t dialled, failed;
    int64_t failed_us; /* 0: the last dial went well */
    char fault[FAULT_MOST];
    bool is_closed;
    struct creds *now; /* by whom peers are judged again; NULL: by nobody */
};

/* Requests without a connection. */

static void stop_waiting(struct pool *p, struct transit *t)
{
    list_remove(&t->link);
    list_push_back(&p->over, &t->link);
    p->waiting_count--;
    loop_defer(p->loop, &p->settle);
}

static enum err wait_head(struct transit *t, bool end)
{
    (void)t;
    (void)end;
    return ERR_OK;
}

static enum err wait_info(struct transit *t, unsigned status, const struct headers *fields)
{
    (void)t;
    (void)status;
    (void)fields;
    return ERR_CLOSED; /* only servers say it */
}

static void wait_wake(struct transit *t)
{
    (void)t;
}

static void wait_credit(struct transit *t, size_t n)
{
    (void)t;
    (void)n;
}

/* One that is over already has its end coming. */
static void wait_reset(struct transit *t, enum transit_why why)
{
    (void)why;
    if (!t->fault)
        stop_waiting(t->carrier_data, t);
}

static const struct transit_carrier waiting_room = {
    .head = wait_head,
    .info = wait_info,
    .wake = wait_wake,
    .credit = wait_credit,
    .reset = wait_reset,
};

static void fail_waiting(struct pool *p, const char *fault)
{
    for (struct list *at = list_first(&p->waiting); at; at = list_first(&p->waiting)) {
        struct transit *t = LIST_OF(at, struct transit, link);
        t->fault = arena_keep(&t->arena, slice_str(fault)).at;
        stop_waiting(p, t);
    }
}

/* Connections. */

static void bind_to(struct pool *p, struct conn *c, struct transit *t)
{
    c->ops->request(c, t);
    if (c->room > 0)
        return;
    list_remove(&c->link);
    list_push_front(&p->full, &c->link);
}

/* A conn may lose its room at any time and say so a little later; NULL: none has any. */
static struct conn *with_room(struct pool *p)
{
    for (struct list *at = list_first(&p->open); at; at = list_first(&p->open)) {
        struct conn *c = LIST_OF(at, struct conn, link);
        if (c->room > 0)
            return c;
        list_remove(at);
        list_push_front(&p->full, at);
    }
    return NULL;
}

static void serve_waiting(struct pool *p)
{
    struct conn *c;
    while (!list_empty(&p->waiting) && (c = with_room(p))) {
        struct transit *t = LIST_OF(list_pop(&p->waiting), struct transit, link);
        p->waiting_count--;
        bind_to(p, c, t);
    }
}

/* Will somebody who waits have room there one day? */
static bool is_serving(const struct pool *p)
{
    for (const struct list *at = p->full.next; at != &p->full; at = at->next)
        if (!LIST_OF(at, struct conn, link)->draining)
            return true;
    return !list_empty(&p->open);
}

/* A failure is for everyone who waits, unless others serve: they would only fail later. */
static void dial_failed(struct pool *p, const char *fault)
{
    struct slice text = slice_str(fault ? fault : "the connection could not be made");
    text = slice_to(text, sizeof(p->fault) - 1);
    memcpy(p->fault, text.at, text.len);
    p->fault[text.len] = '\0';
    p->failed++;
    p->failed_us = loop_turn_us(p->loop);
    if (!is_serving(p))
        fail_waiting(p, p->fault);
}

static const struct conn_host host;

typedef struct conn *speaker_fn(const struct conn_conf *conf, struct stream *stream);
static speaker_fn *const speakers[] = {
    [POOL_H1] = h1_client_new, [POOL_H2] = h2_client_new, [POOL_RAW] = raw_conn_client};

static bool dial(struct pool *p)
{
    const char *why = NULL;
    struct stream *stream = p->conf.dial(p->conf.arg, &why);
    p->dialled++;
    if (!stream) {
        dial_failed(p, why);
        return false;
    }
    struct conn_conf conf = {
        .loop = p->loop,
        .stock = p->stock,
        .mem = p->mem,
        .clock = p->clock,
        .host = &host,
        .host_data = p,
        .connect_timeout_us = p->conf.connect_timeout_us,
        .idle_timeout_us = p->conf.idle_timeout_us,
        .stream_idle_us = p->conf.stream_idle_us,
        .ping_us = p->conf.ping_us,
        .ping_timeout_us = p->conf.ping_timeout_us,
        .max_streams = p->conf.max_streams,
    };
    struct conn *c = speakers[p->conf.protocol](&conf, stream);
    c->stream = stream;
    list_push_back(&p->opening, &c->link);
    p->connections++;
    p->dialling++;
    return true;
}

/* As many handshakes as those who wait will need, and no more. */
static void dial_for_waiting(struct pool *p)
{
    uint64_t each = p->conf.protocol == POOL_H2 ? p->conf.max_streams : 1;
    if (p->waiting_count > 0 && p->failed_us > 0 && loop_turn_us(p->loop) - p->failed_us < FAIL_FAST_US) {
        if (!is_serving(p))
            fail_waiting(p, p->fault);
        return;
    }
    while (p->waiting_count > p->dialling * each && p->connections < p->conf.max_connections)
        if (!dial(p))
            return;
}

static bool is_taken(const struct pool *p, const struct conn *c)
{
    char fault[CREDS_FAULT_MAX];
    return !p->now || !c->peer || creds_takes(p->now, c->peer, fault);
}

static void conn_ready(struct conn *c)
{
    struct pool *p = c->host_data;
    p->dialling--;
    p->failed_us = 0;
    list_remove(&c->link);
    if (stream_peer(c->stream))
        c->peer = creds_peer_ref(stream_peer(c->stream));
    if (!is_taken(p, c)) {
        list_push_front(&p->full, &c->link);
        c->ops->close(c);
        return;
    }
    list_push_front(c->room > 0 ? &p->open : &p->full, &c->link);
    if (p->is_closed) {
        c->ops->drain(c);
        return;
    }
    if (p->conf.opened)
        p->conf.opened(p, c->id, p->conf.arg);
    serve_waiting(p);
    dial_for_waiting(p);
}

static void conn_freed(struct conn *c)
{
    struct pool *p = c->host_data;
    list_remove(&c->link);
    list_push_front(c->room > 0 ? &p->open : c->ready ? &p->full : &p->opening, &c->link);
    serve_waiting(p);
    dial_for_waiting(p);
}

static void conn_closed(struct conn *c, const char *fault)
{
    struct pool *p = c->host_data;
    list_remove(&c->link);
    creds_peer_unref(&c->peer);
    p->connections--;
    if (!c->ready) {
        p->dialling--;
        dial_failed(p, fault);
    }
    dial_for_waiting(p);
    if (p->is_closed)
        loop_defer(p->loop, &p->settle);
}

static const struct conn_host host = {.ready = conn_ready, .freed = conn_freed, .closed = conn_closed};

static void say_gone(struct pool *p)
{
    for (struct list *at = list_pop(&p->over); at; at = list_pop(&p->over)) {
        struct transit *t = LIST_OF(at, struct transit, link);
        transit_gone(t, t->is_reset ? TRANSIT_CANCELLED : TRANSIT_UNSENT);
    }
}

static void on_settle(struct loop_task *task)
{
    struct pool *p = LIST_OF(task, struct pool, settle);
    say_gone(p);
    if (!p->is_closed || p->connections > 0)
        return;
    loop_task_cancel(&p->settle);
    if (p->conf.closed)
        p->conf.closed(p->conf.arg);
    creds_unref(&p->now);
    transit_stock_free(&p->stock);
    h2_mem_free(&p->mem);
    mem_free(p);
}

struct pool *pool_new(struct loop *l, struct due_clock *clock, const struct pool_conf *conf)
{
    struct pool *p = mem_new(sizeof(*p));
    *p = (struct pool){.loop = l, .clock = clock, .conf = *conf, .stock = transit_stock_new()};
    p->mem = h2_mem_new(0);
    list_init(&p->opening);
    list_init(&p->open);
    list_init(&p->full);
    list_init(&p->waiting);
    list_init(&p->over);
    loop_task_init(&p->settle, on_settle);
    return p;
}

static void drain_all(struct list *conns)
{
    struct list *next;
    for (struct list *at = conns->next; at != conns; at = next) {
        struct conn *c = LIST_OF(at, struct conn, link);
        next = at->next;
        if (c->ready)
            c->ops->drain(c);
        else
            c->ops->close(c);
    }
}

void pool_close(struct pool **p)
{
    struct pool *mine = *p;
    *p = NULL;
    if (!mine)
        return;
    mine->is_closed = true;
    fail_waiting(mine, "the pool is closing");
    drain_all(&mine->opening);
    drain_all(&mine->open);
    drain_all(&mine->full);
    loop_defer(mine->loop, &mine->settle);
}

static void recheck_all(const struct pool *p, struct list *conns)
{
    struct list *next;
    for (struct list *at = conns->next; at != conns; at = next) {
        struct conn *c = LIST_OF(at, struct conn, link);
        next = at->next;
        if (!is_taken(p, c))
            c->ops->close(c);
    }
}

void pool_recheck(struct pool *p, struct creds *now)
{
    struct creds *old = p->now;
    p->now = creds_ref(now);
    creds_unref(&old);
    recheck_all(p, &p->open);
    recheck_all(p, &p->full);
}

static struct transit *new_request(struct pool *p, const struct transit_owner *owner, void *owner_data)
{
    struct transit *t = transit_stock_take(p->stock, &waiting_room, p);
    t->owner = owner;
    t->owner_data = owner_data;
    return t;
}

struct transit *pool_request(struct pool *p, const struct transit_owner *owner, void *owner_data)
{
    struct conn *c = with_room(p);
    if (p->is_closed || (!c && p->waiting_count >= p->conf.max_waiting))
        return NULL;
    struct transit *t = new_request(p, owner, owner_data);
    if (c) {
        bind_to(p, c, t);
        return t;
    }
    list_push_back(&p->waiting, &t->link);
    p->waiting_count++;
    dial_for_waiting(p);
    return t;
}

struct transit *pool_request_on(struct pool *p, uint64_t conn_id, const struct transit_owner *owner, void *owner_data)
{
    for (struct list *at = p->open.next; at != &p->open; at = at->next) {
        struct conn *c = LIST_OF(at, struct conn, link);
        if (c->id != conn_id || c->room == 0)
            continue;
        struct transit *t = new_request(p, owner, owner_data);
        bind_to(p, c, t);
        return t;
    }
    return NULL;
}

static uint32_t exchanges_of(const struct list *conns)
{
    uint32_t sum = 0;
    for (const struct list *at = conns->next; at != conns; at = at->next)
        sum += LIST_OF(at, struct conn, link)->exchanges;
    return sum;
}

struct pool_stats pool_stats(const struct pool *p)
{
    return (struct pool_stats){
        .connections = p->connections,
        .in_flight = exchanges_of(&p->open) + exchanges_of(&p->full),
        .waiting = p->waiting_count,
        .dialled = p->dialled,
        .failed = p->failed,
    };
}
