#include "http/server.h"

#include "base/check.h"
#include "base/ebb.h"
#include "base/mem.h"
#include "http/conn.h"
#include "http/h2_mem.h"

/* A stream becomes a `guest` while nobody knows what it speaks, then a conn.  Both are
 * counted as connections. */
struct server {
    struct loop *loop;
    struct due_clock *clock;
    struct server_conf conf;
    struct transit_stock *stock;
    struct h2_mem *mem;
    struct list guests;
    struct list conns;
    uint32_t connections; /* guests and conns */
    struct ebb ebb;
    bool is_draining, is_freed;
    void (*idle)(void *arg); /* a drain's, once */
    void *idle_arg;
    struct loop_task told_idle;
    struct due parting; /* waits: what is just being sent to us is still heard */
    struct creds *now;  /* by whom peers are judged again; NULL: by nobody */
    uint64_t judging;   /* counts the times */
    struct loop_task recheck;
};

/* RFC 9113 section 3.4. */
#define PREFACE SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
enum { PREFACE_LEN = 24, ADDR_MOST = 128, PARTING_US = 500 * NOW_US_PER_MS, RECHECKS_A_TURN = 16 };
enum { HOMES = 2048 }; /* HTTP/2 connections that cost least when they are idle */
enum speech { H1, H2, RAW };

struct guest {
    struct list link;
    struct server *server;
    struct stream *stream;
    struct due due;
    char seen[PREFACE_LEN];
    size_t seen_len;
    char addr[ADDR_MOST];
    size_t addr_len;
};

static void on_told_idle(struct loop_task *task)
{
    struct server *s = LIST_OF(task, struct server, told_idle);
    void (*idle)(void *arg) = s->idle;
    s->idle = NULL;
    if (idle)
        idle(s->idle_arg);
}

static bool is_busy(const struct server *s)
{
    if (due_waits(&s->parting) && s->connections > 0)
        return true;
    for (const struct list *at = s->conns.next; at != &s->conns; at = at->next)
        if (LIST_OF(at, struct conn, link)->exchanges > 0)
            return true;
    return false;
}

static void look_idle(struct server *s)
{
    if (s->idle && !is_busy(s))
        loop_defer(s->loop, &s->told_idle);
}

static void parted(struct due *due)
{
    look_idle(LIST_OF(due, struct server, parting));
}

/* Conns. */

static void accept_transit(struct conn *c, struct transit *t)
{
    struct server *s = c->host_data;
    s->conf.accept(t, s->conf.arg);
}

static void freed(struct conn *c)
{
    look_idle(c->host_data);
}

/* The last connection of a freed server takes its memory along. */
static void let_go(struct server *s)
{
    s->connections--;
    if (!s->is_freed)
        ebb_went(&s->ebb);
    if (s->conf.left && !s->is_freed)
        s->conf.left(s->conf.arg);
    if (!s->is_freed)
        look_idle(s);
    if (!s->is_freed || s->connections > 0)
        return;
    creds_unref(&s->now);
    transit_stock_free(&s->stock);
    h2_mem_free(&s->mem);
    mem_free(s);
}

static void closed(struct conn *c, const char *fault)
{
    struct server *s = c->host_data;
    (void)fault;
    list_remove(&c->link);
    creds_peer_unref(&c->peer);
    let_go(s);
}

static const struct conn_host host = {.accept = accept_transit, .freed = freed, .closed = closed};

static void make_conn(struct server *s, struct guest *g, enum speech speech)
{
    struct conn_conf conf = {
        .loop = s->loop,
        .stock = s->stock,
        .mem = s->mem,
        .clock = s->clock,
        .host = &host,
        .host_data = s,
        .peer_addr = slice_of(g->addr, g->addr_len),
        .header_timeout_us = s->conf.header_timeout_us,
        .idle_timeout_us = s->conf.idle_timeout_us,
        .stream_idle_us = s->conf.stream_idle_us,
        .max_streams = s->conf.max_streams,
    };
    struct slice seen = slice_of(g->seen, g->seen_len);
    struct conn *c = speech == RAW  ? raw_conn_server(&conf, g->stream)
                     : speech == H2 ? h2_server_new(&conf, g->stream, seen)
                                    : h1_server_new(&conf, g->stream, seen);
    c->judged = s->judging;
    if (stream_peer(g->stream))
        c->peer = creds_peer_ref(stream_peer(g->stream));
    list_push_back(&s->conns, &c->link);
    if (s->is_draining)
        c->ops->drain(c);
}

/* Guests. */

static void free_guest(struct guest *g)
{
    due_cancel(g->server->clock, &g->due);
    list_remove(&g->link);
    mem_free(g);
}

static void send_away(struct guest *g)
{
    struct server *s = g->server;
    stream_close(&g->stream);
    free_guest(g);
    let_go(s);
}

static void seat(struct guest *g, enum speech speech)
{
    make_conn(g->server, g, speech);
    free_guest(g);
}

static void refuse(struct server *s, struct slice peer_addr, const char *why)
{
    if (s->conf.refused)
        s->conf.refused(peer_addr, why, s->conf.arg);
}

/* A handshake may have begun before what we believe now. */
static bool is_taken(const struct server *s, const struct creds_peer *peer, char fault[CREDS_FAULT_MAX])
{
    return !s->now || !peer || creds_takes(s->now, peer, fault);
}

/* As soon as a byte differs from the preface it is not HTTP/2, and nothing else begins like it. */
static void judge(struct guest *g)
{
    struct slice alpn = stream_alpn(g->stream), seen = slice_of(g->seen, g->seen_len);
    char fault[CREDS_FAULT_MAX];
    if (!is_taken(g->server, stream_peer(g->stream), fault)) {
        refuse(g->server, slice_of(g->addr, g->addr_len), fault);
        send_away(g);
    } else if (alpn.len > 0)
        seat(g, slice_eq(alpn, SLICE("h2")) ? H2 : H1);
    else if (g->server->conf.raw)
        seat(g, RAW);
    else if (!slice_starts(PREFACE, seen))
        seat(g, H1);
    else if (g->seen_len == PREFACE_LEN)
        seat(g, H2);
}

static void on_guest(void *arg, unsigned events)
{
    struct guest *g = arg;
    if (events & STREAM_BROKEN) {
        refuse(g->server, slice_of(g->addr, g->addr_len), stream_fault(g->stream));
        send_away(g);
        return;
    }
    size_t got = 0;
    enum err e = ERR_AGAIN;
    if ((events & STREAM_READ) && !g->server->conf.raw)
        e = stream_read(g->stream, g->seen + g->seen_len, sizeof(g->seen) - g->seen_len, &got);
    g->seen_len += got;
    if (e == ERR_OK || e == ERR_AGAIN)
        judge(g);
    else
        send_away(g);
}

static void on_guest_late(struct due *due)
{
    send_away(LIST_OF(due, struct guest, due));
}

/* Those that were judged go to the end, where those stand that have come since. */
static void on_recheck(struct loop_task *task)
{
    struct server *s = LIST_OF(task, struct server, recheck);
    char fault[CREDS_FAULT_MAX];
    for (int i = 0; i < RECHECKS_A_TURN; i++) {
        struct list *first = list_first(&s->conns);
        struct conn *c = first ? LIST_OF(first, struct conn, link) : NULL;
        if (!c || c->judged == s->judging)
            return;
        c->judged = s->judging;
        list_remove(&c->link);
        list_push_back(&s->conns, &c->link);
        if (is_taken(s, c->peer, fault))
            continue;
        if (s->conf.cut)
            s->conf.cut(creds_peer_id(c->peer), fault, s->conf.arg);
        c->ops->close(c);
    }
    loop_defer(s->loop, &s->recheck);
}

void server_recheck(struct server *s, struct creds *now)
{
    struct creds *old = s->now;
    s->now = creds_ref(now);
    creds_unref(&old);
    s->judging++;
    loop_defer(s->loop, &s->recheck);
}

struct server *server_new(struct loop *l, struct due_clock *clock, const struct server_conf *conf)
{
    struct server *s = mem_new(sizeof(*s));
    *s = (struct server){.loop = l, .clock = clock, .conf = *conf, .stock = transit_stock_new()};
    s->mem = h2_mem_new(HOMES);
    list_init(&s->guests);
    list_init(&s->conns);
    loop_task_init(&s->told_idle, on_told_idle);
    due_init(&s->parting, parted);
    loop_task_init(&s->recheck, on_recheck);
    ebb_init(&s->ebb, clock);
    return s;
}

void server_take(struct server *s, struct stream *stream, struct slice peer_addr)
{
    if (s->is_draining || s->connections >= s->conf.max_connections) {
        refuse(s, peer_addr, s->is_draining ? "draining" : "too many connections");
        stream_close(&stream);
        if (s->conf.left)
            s->conf.left(s->conf.arg);
        return;
    }
    struct guest *g = mem_new(sizeof(*g));
    *g = (struct guest){.server = s, .stream = stream};
    g->addr_len = peer_addr.len < sizeof(g->addr) ? peer_addr.len : sizeof(g->addr);
    if (g->addr_len > 0)
        memcpy(g->addr, peer_addr.at, g->addr_len);
    list_push_back(&s->guests, &g->link);
    due_init(&g->due, on_guest_late);
    if (s->conf.header_timeout_us > 0)
        due_in(s->clock, &g->due, s->conf.header_timeout_us);
    s->connections++;
    ebb_came(&s->ebb);
    stream_hear(stream, on_guest, g);
    stream_want(stream, STREAM_READ);
}

/* `each` may take its conn out of the list. */
static void for_conns(struct server *s, void (*each)(struct conn *c))
{
    struct list *next;
    for (struct list *at = s->conns.next; at != &s->conns; at = next) {
        next = at->next;
        each(LIST_OF(at, struct conn, link));
    }
}

static void drain_conn(struct conn *c)
{
    c->ops->drain(c);
}

static void close_conn(struct conn *c)
{
    c->ops->close(c);
}

static void send_all_away(struct server *s)
{
    for (struct list *at = list_first(&s->guests); at; at = list_first(&s->guests))
        send_away(LIST_OF(at, struct guest, link));
}

void server_drain(struct server *s, void (*idle)(void *arg), void *arg)
{
    s->is_draining = true;
    s->idle = idle;
    s->idle_arg = arg;
    for_conns(s, drain_conn);
    due_in(s->clock, &s->parting, PARTING_US);
    look_idle(s);
}

void server_free(struct server **s)
{
    struct server *mine = *s;
    *s = NULL;
    if (!mine)
        return;
    mine->is_draining = true;
    mine->idle = NULL;
    loop_task_cancel(&mine->told_idle);
    due_cancel(mine->clock, &mine->parting);
    loop_task_cancel(&mine->recheck);
    send_all_away(mine);
    ebb_fini(&mine->ebb);
    mine->connections++; /* ours, so that the memory stays until here */
    mine->is_freed = true;
    for_conns(mine, close_conn);
    let_go(mine);
}

uint32_t server_connections(const struct server *s)
{
    return s->connections;
}

uint32_t server_exchanges(const struct server *s)
{
    uint32_t sum = 0;
    for (const struct list *at = s->conns.next; at != &s->conns; at = at->next)
        sum += LIST_OF(at, struct conn, link)->exchanges;
    return sum;
}
