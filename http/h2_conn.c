#include "http/h2_conn.h"

#include "base/check.h"
#include "base/mem.h"
#include "http/h2_patience.h"

enum {
    READ_SIZE = 64 << 10,
    READ_MOST = 256 << 10, /* a turn: other connections wait */
    READ_SHORT = 8 << 10,  /* less than this: the stream has no more just now */
    WRITE_SIZE = 64 << 10,
    WRITE_MOST = 256 << 10,
    OUT_BOUND = WRITE_SIZE + (32 << 10), /* one more frame of any kind */
    OUT_KEEP = 16 << 10,                 /* memory an idle connection may keep */
};

static const struct sm_row states[] = {
    [H2_CONN_OPENING] = {"opening", SM_TO(H2_CONN_OPEN) | SM_TO(H2_CONN_DRAINING) | SM_TO(H2_CONN_CLOSING), SM_FIRST},
    [H2_CONN_OPEN] = {"open", SM_TO(H2_CONN_DRAINING) | SM_TO(H2_CONN_CLOSING), 0},
    [H2_CONN_DRAINING] = {"draining", SM_TO(H2_CONN_CLOSING), 0},
    [H2_CONN_CLOSING] = {"closing", 0, SM_LAST},
};

const struct sm_table h2_conn_states = {"h2_conn", states, H2_CONN_STATES};

bool h2_conn_is(const struct h2_conn *c, enum h2_conn_state state)
{
    return c->state.at == state;
}

bool h2_conn_drains(struct h2_conn *c)
{
    if (h2_conn_is(c, H2_CONN_DRAINING) || h2_conn_is(c, H2_CONN_CLOSING))
        return false;
    sm_move(&c->state, H2_CONN_DRAINING);
    c->base.draining = true;
    c->began_us = loop_turn_us(c->conf.loop);
    h2_conn_news(c);
    h2_patience_arm(c);
    h2_conn_touch(c);
    return true;
}

static int64_t now_of(const struct h2_conn *c)
{
    return loop_turn_us(c->conf.loop);
}

/* Bytes out. */

static void want(struct h2_conn *c, bool write)
{
    c->wants_write = write;
    stream_want(c->stream, STREAM_READ | (write ? STREAM_WRITE : 0));
}

/* OK: all is written, or the stream is full and will say when it is not. */
static enum err write_out(struct h2_conn *c)
{
    size_t written = 0;
    for (;;) {
        if (buf_len(&c->out) == 0 && h2_session_fill(c->session, &c->out, WRITE_SIZE, now_of(c)) != ERR_OK)
            return ERR_PEER;
        if (buf_len(&c->out) == 0)
            break;
        size_t took = 0;
        enum err e = written < WRITE_MOST ? stream_write(c->stream, buf_slice(&c->out), &took) : ERR_AGAIN;
        if (e == ERR_AGAIN) {
            want(c, true);
            return ERR_OK;
        }
        TRY(e);
        buf_took(&c->out, took);
        written += took;
    }
    if (c->wants_write)
        want(c, false);
    if (c->base.exchanges == 0 && c->out.cap > OUT_KEEP)
        buf_trim(&c->out);
    return ERR_OK;
}

static void flush(struct h2_conn *c)
{
    if (!c->stream_open || h2_conn_is(c, H2_CONN_CLOSING))
        return;
    if (write_out(c) != ERR_OK)
        h2_conn_break(c, TRANSIT_RESET, "the connection broke while writing");
    else if (buf_len(&c->out) == 0 && h2_session_over(c->session))
        h2_conn_break(c, h2_session_fault(c->session) ? TRANSIT_NONSENSE : TRANSIT_RESET, h2_session_fault(c->session));
}

static void on_flush(struct loop_task *task)
{
    flush(LIST_OF(task, struct h2_conn, flush));
}

void h2_conn_touch(struct h2_conn *c)
{
    if (!c->wants_write)
        loop_defer_late(c->conf.loop, &c->flush);
}

/* Bytes in. */

static enum err take_in(struct h2_conn *c, struct slice bytes)
{
    c->heard_us = now_of(c);
    enum err e = h2_session_feed(c->session, bytes, c->heard_us);
    h2_conn_touch(c);
    if (c->head_us)
        h2_patience_arm(c);
    return e;
}

/* What came before the conn was made, before anything that came after. */
static void take_early(struct h2_conn *c)
{
    if (buf_len(&c->in) == 0 || h2_conn_is(c, H2_CONN_CLOSING))
        return;
    if (take_in(c, buf_slice(&c->in)) != ERR_OK)
        h2_conn_break(c, TRANSIT_NONSENSE, h2_session_fault(c->session));
    buf_fini(&c->in);
}

static void read_turn(struct h2_conn *c)
{
    char bytes[READ_SIZE];
    take_early(c);
    size_t got = READ_SIZE, total = 0;
    enum err e = ERR_OK;
    while (e == ERR_OK && got >= READ_SHORT && total < READ_MOST && !h2_conn_is(c, H2_CONN_CLOSING)) {
        e = stream_read(c->stream, bytes, sizeof(bytes), &got);
        if (e == ERR_OK && take_in(c, slice_of(bytes, got)) != ERR_OK) {
            h2_conn_break(c, TRANSIT_NONSENSE, h2_session_fault(c->session));
            return;
        }
        total += got;
    }
    if (e == ERR_CLOSED)
        h2_conn_break(c, TRANSIT_RESET, list_empty(&c->streams) ? NULL : "the peer closed the connection");
    else if (e != ERR_OK && e != ERR_AGAIN)
        h2_conn_break(c, TRANSIT_RESET, stream_fault(c->stream) ? stream_fault(c->stream) : "the connection broke");
}

static void opened(struct h2_conn *c)
{
    struct slice alpn = stream_alpn(c->stream);
    if (alpn.len > 0 && !slice_eq(alpn, SLICE("h2"))) {
        h2_conn_break(c, TRANSIT_UNSENT, "the peer does not speak HTTP/2");
        return;
    }
    c->stream_open = true;
    want(c, false);
    h2_conn_touch(c);
}

static void on_stream(void *arg, unsigned events)
{
    struct h2_conn *c = arg;
    if (h2_conn_is(c, H2_CONN_CLOSING))
        return;
    if (events & STREAM_BROKEN) {
        h2_conn_break(c, TRANSIT_UNSENT, stream_fault(c->stream));
        return;
    }
    if ((events & STREAM_OPEN) && !c->stream_open)
        opened(c);
    if ((events & STREAM_READ) && c->stream_open)
        read_turn(c);
    if ((events & STREAM_WRITE) && c->wants_write)
        flush(c);
}

/* Ends of exchanges, and of the connection. */

static void count_room(struct h2_conn *c)
{
    uint32_t peer = h2_session_peer_streams(c->session), most = c->conf.max_streams;
    most = peer < most ? peer : most;
    bool takes = !c->is_server && h2_conn_is(c, H2_CONN_OPEN) && most > c->base.exchanges;
    c->base.room = takes ? most - c->base.exchanges : 0;
}

void h2_conn_news(struct h2_conn *c)
{
    count_room(c);
    c->news = true;
    loop_defer(c->conf.loop, &c->settle);
}

static void tell_news(struct h2_conn *c)
{
    bool is_first = !c->base.ready && h2_conn_is(c, H2_CONN_OPEN);
    c->news = false;
    c->base.ready = c->base.ready || is_first;
    if (is_first && !c->is_server)
        c->base.host->ready(&c->base);
    else
        c->base.host->freed(&c->base);
}

static void say_gone(struct h2_conn *c, struct h2_stream *s)
{
    struct transit *t = s->t;
    enum transit_end how = s->how;
    POST(c->base.exchanges > 0);
    if (--c->base.exchanges == 0)
        c->idle_us = now_of(c);
    count_room(c);
    transit_gone(t, how); /* may free t, and s with it */
    c->base.host->freed(&c->base);
}

static void say_all_gone(struct h2_conn *c)
{
    for (struct list *at = list_pop(&c->ended); at; at = list_pop(&c->ended)) {
        __builtin_prefetch(LIST_OF(c->ended.next, struct h2_stream, link)->t);
        say_gone(c, LIST_OF(at, struct h2_stream, link));
    }
}

static enum transit_end end_of(const struct h2_conn *c, const struct h2_stream *s)
{
    return s->is_request || s->is_sent ? (c->how == TRANSIT_UNSENT ? TRANSIT_RESET : c->how) : TRANSIT_UNSENT;
}

static void end_streams(struct h2_conn *c)
{
    for (struct list *at = list_first(&c->streams); at; at = list_first(&c->streams)) {
        struct h2_stream *s = LIST_OF(at, struct h2_stream, link);
        const char *fault = c->fault ? arena_keep(&s->t->arena, slice_str(c->fault)).at : NULL;
        h2_conn_end(s, end_of(c, s), fault);
    }
}

/* The peer is told why, if it will listen; nobody waits for that. */
static void say_last_words(struct h2_conn *c)
{
    if (!c->stream_open)
        return;
    if (!c->said_last)
        h2_session_goaway(c->session, H2_NO_ERROR);
    if (write_out(c) == ERR_OK)
        stream_shut(c->stream);
}

static void finish(struct h2_conn *c)
{
    say_last_words(c);
    c->base.room = 0;
    end_streams(c);
    say_all_gone(c);
    POST(c->base.exchanges == 0);
    h2_session_free(&c->session); /* its memory may go with the host */
    c->base.host->closed(&c->base, c->fault);
    loop_task_cancel(&c->flush);
    loop_task_cancel(&c->settle);
    due_cancel(c->conf.clock, &c->due);
    stream_close(&c->stream);
    buf_fini(&c->in);
    buf_fini(&c->out);
    mem_free(c->peer_addr);
    mem_free(c);
}

static void on_settle(struct loop_task *task)
{
    struct h2_conn *c = LIST_OF(task, struct h2_conn, settle);
    take_early(c);
    if (c->news && !h2_conn_is(c, H2_CONN_CLOSING))
        tell_news(c);
    say_all_gone(c);
    if (h2_conn_is(c, H2_CONN_CLOSING))
        finish(c);
}

void h2_conn_break(struct h2_conn *c, enum transit_end how, const char *fault)
{
    if (h2_conn_is(c, H2_CONN_CLOSING))
        return;
    sm_move(&c->state, H2_CONN_CLOSING);
    c->how = how;
    c->fault = fault;
    c->base.room = 0;
    loop_defer(c->conf.loop, &c->settle);
}

void h2_conn_end(struct h2_stream *s, enum transit_end how, const char *fault)
{
    struct h2_conn *c = s->conn;
    if (s->id != 0)
        h2_session_detach(c->session, s);
    if (s->is_over)
        return;
    s->is_over = true;
    s->how = how;
    s->t->fault = fault;
    list_remove(&s->link);
    list_push_back(&c->ended, &s->link);
    loop_defer(c->conf.loop, &c->settle);
}

void h2_conn_end_reset(struct h2_stream *s, enum h2_code code, enum transit_end how, const char *fault)
{
    if (s->id != 0) {
        h2_session_reset(s->conn->session, s, code);
        h2_conn_touch(s->conn);
    }
    h2_conn_end(s, how, fault);
}

void h2_conn_say_last(struct h2_conn *c)
{
    c->said_last = true;
    h2_session_goaway(c->session, H2_NO_ERROR);
    h2_conn_touch(c);
}

/* Carrying. */

static enum err carry_head(struct transit *t, bool end)
{
    struct h2_stream *s = t->carrier_data;
    struct h2_conn *c = s->conn;
    if (s->is_over || h2_conn_is(c, H2_CONN_CLOSING))
        return ERR_CLOSED;
    if (t->out.protocol.len > 0 && !h2_session_peer_extends_connect(c->session)) {
        h2_conn_end(s, TRANSIT_NONSENSE, "the peer takes no extended CONNECT (RFC 8441)");
        return ERR_CLOSED;
    }
    enum err e = c->is_server ? h2_session_response(c->session, s, end) : h2_session_request(c->session, s, end);
    if (e == ERR_CLOSED) {
        h2_conn_end(s, c->is_server ? TRANSIT_RESET : TRANSIT_UNSENT, "the connection is ending");
        c->base.ops->drain(&c->base);
    }
    s->moved_us = now_of(c);
    h2_conn_touch(c);
    return e;
}

static enum err carry_info(struct transit *t, unsigned status, const struct headers *fields)
{
    struct h2_stream *s = t->carrier_data;
    if (s->id == 0)
        return ERR_CLOSED;
    h2_conn_touch(s->conn);
    return h2_session_info(s->conn->session, s, status, fields);
}

static void carry_wake(struct transit *t)
{
    struct h2_stream *s = t->carrier_data;
    if (s->id == 0)
        return;
    h2_session_wake(s->conn->session, s);
    h2_conn_touch(s->conn);
}

static void carry_credit(struct transit *t, size_t n)
{
    struct h2_stream *s = t->carrier_data;
    if (s->id == 0)
        return;
    h2_session_credit(s->conn->session, s, n);
    h2_conn_touch(s->conn);
}

static void carry_reset(struct transit *t, enum transit_why why)
{
    static const enum h2_code codes[] = {
        [TRANSIT_WHY_CANCEL] = H2_CANCEL,
        [TRANSIT_WHY_REFUSED] = H2_REFUSED_STREAM,
        [TRANSIT_WHY_INTERNAL] = H2_INTERNAL_ERROR,
        [TRANSIT_WHY_PROTOCOL] = H2_PROTOCOL_ERROR,
    };
    h2_conn_end_reset(t->carrier_data, codes[why], TRANSIT_CANCELLED, NULL);
}

const struct transit_carrier h2_conn_carrier = {
    .head = carry_head,
    .info = carry_info,
    .wake = carry_wake,
    .credit = carry_credit,
    .reset = carry_reset,
};

struct h2_stream *h2_conn_attach(struct h2_conn *c, struct transit *t, int32_t id)
{
    struct h2_stream *s = arena_room(&t->arena, sizeof(*s));
    *s = (struct h2_stream){.conn = c, .t = t, .id = id, .is_request = c->is_server, .moved_us = now_of(c)};
    list_init(&s->link);
    list_push_back(&c->streams, &s->link);
    t->carrier = &h2_conn_carrier;
    t->carrier_data = s;
    t->peer_id = arena_keep(&t->arena, stream_peer_id(c->stream));
    t->peer_until_us = stream_peer_until_us(c->stream);
    t->peer = stream_peer(c->stream);
    t->peer_addr = arena_keep(&t->arena, slice_str(c->peer_addr));
    t->conn_id = c->base.id;
    c->base.exchanges++;
    count_room(c);
    h2_patience_watch(c, s);
    return s;
}

struct h2_conn *h2_conn_new(bool is_server, const struct conn_conf *conf, const struct conn_ops *ops,
                            const struct h2_hear *hear, struct stream *stream)
{
    struct h2_conn *c = mem_new(sizeof(*c));
    *c = (struct h2_conn){.conf = *conf, .stream = stream, .is_server = is_server};
    c->base = (struct conn){.ops = ops, .host = conf->host, .host_data = conf->host_data, .id = conn_next_id()};
    c->peer_addr = mem_copy(conf->peer_addr);
    sm_init(&c->state, states, H2_CONN_OPENING);
    list_init(&c->base.link);
    list_init(&c->streams);
    list_init(&c->ended);
    buf_init(&c->in, READ_SIZE);
    buf_init(&c->out, OUT_BOUND);
    loop_task_init(&c->flush, on_flush);
    loop_task_init(&c->settle, on_settle);
    due_init(&c->due, h2_patience_over);
    c->began_us = c->idle_us = c->heard_us = now_of(c);
    c->session = h2_session_new(is_server, c, hear, conf->max_streams, conf->mem);
    stream_hear(stream, on_stream, c);
    if (is_server)
        opened(c);
    h2_patience_arm(c);
    return c;
}

void h2_conn_came_before(struct h2_conn *c, struct slice bytes)
{
    PRE(bytes.len <= READ_SIZE);
    if (bytes.len == 0 || buf_add(&c->in, bytes) != ERR_OK)
        return;
    loop_defer(c->conf.loop, &c->settle);
}
