/* h1_server - an accepted HTTP/1 connection, one exchange at a time.
 *
 * The good path: the first byte of a request takes a transit (HEAD), the whole head
 * hands it to the host (EXCHANGE), and when both messages are done and sent it is
 * gone and the next head, which may be waiting in `in`, is read (IDLE).  An answer
 * that is whole before its request ends the exchange; the rest of the request is
 * read and dropped (SKIP), up to a bound.
 *
 * CONNECT and an offered protocol (message_tunnels) ask for a tunnel: until the answer
 * is there nothing behind the head is looked at, for with a 2xx it is the tunnel's, and
 * with any other status the next request's.
 *
 * What is refused is answered with its own weft-error and the connection closes
 * gently (LINGER): a close with unread bytes would tear the answer away (RFC 9112
 * section 9.6).
 *
 * Expect: 100-continue is answered here, with 100, once head() has returned without
 * an answer and no byte of the body has come.  A client that closes its side in the
 * middle of its request has given up.  Once that is whole it may still want the answer,
 * or may have left, which looks the same: it is sent a 100, which every client of 1.1
 * passes over (RFC 9110 section 15.2) and the system of one that has left resets.  What
 * does not begin like HTTP at all gets no answer in HTTP.
 *
 * No call of an owner's or the host's does more than note what it wants and ask for
 * `look` or `flush`: so gone() and closed() only ever come from the loop. */
#include "base/check.h"
#include "base/mem.h"
#include "base/sm.h"
#include "http/conn.h"
#include "http/h1_parse.h"
#include "http/h1_wire.h"
#include "http/websocket.h"

enum {
    SKIP_MOST = 64 << 10,
    LINGER_US = 2 * NOW_US_PER_S,
    PROBE_US = 100 * NOW_US_PER_MS,
    PARTING_US = 400 * NOW_US_PER_MS
};

enum state { IDLE, HEAD, EXCHANGE, SKIP, LINGER, CLOSED };

static const struct sm_row states[] = {
    [IDLE] = {"idle", SM_TO(HEAD) | SM_TO(CLOSED), SM_FIRST},
    [HEAD] = {"head", SM_TO(EXCHANGE) | SM_TO(LINGER) | SM_TO(CLOSED), 0},
    [EXCHANGE] = {"exchange", SM_TO(IDLE) | SM_TO(SKIP) | SM_TO(LINGER) | SM_TO(CLOSED), 0},
    [SKIP] = {"skip", SM_TO(IDLE) | SM_TO(CLOSED), 0},
    [LINGER] = {"linger", SM_TO(CLOSED), 0},
    [CLOSED] = {"closed", 0, SM_LAST},
};

enum tunnel { NO_TUNNEL, TUNNEL_ASKED, TUNNEL_OPEN };

struct h1_server {
    struct conn conn;
    struct conn_conf conf;
    struct sm state;
    struct h1_wire wire;
    struct h1_parse parse;
    struct transit *transit; /* HEAD and EXCHANGE */
    struct loop_task look;   /* soon: a call has changed something */
    struct loop_task flush;  /* at the end of the turn */
    struct due due;
    int64_t moved_us;
    size_t skipped;
    enum tunnel tunnel; /* of this exchange */
    const char *fault;
    bool keep;            /* another request may follow this one */
    bool awaits_continue; /* the client holds the body back */
    bool close_asked;
    bool shut;
    bool client_shut; /* nothing more comes from the client */
    bool is_probed;   /* and it was asked whether it is still there */
    bool has_spoken;  /* it has sent a head that is one */
};

static void set_due(struct h1_server *s, int64_t delay_us)
{
    if (delay_us > 0)
        due_in(s->conf.clock, &s->due, delay_us);
    else
        due_cancel(s->conf.clock, &s->due);
}

static void moved(struct h1_server *s)
{
    s->moved_us = loop_turn_us(s->conf.loop);
}

static void look_soon(struct h1_server *s)
{
    loop_defer(s->conf.loop, &s->look);
}

static void flush_late(struct h1_server *s)
{
    loop_defer_late(s->conf.loop, &s->flush);
}

/* ---- ends ---- */

/* The transit leaves the connection; who owns it may free it in gone(). */
static void end_transit(struct h1_server *s, enum transit_end how, const char *fault)
{
    struct transit *t = s->transit;
    s->transit = NULL;
    if (!t)
        return;
    if (s->state.at == HEAD) {
        /* Nobody has heard of it. */
        t->is_gone = true;
        transit_free(&t);
        return;
    }
    s->conn.exchanges = 0;
    t->fault = fault;
    transit_gone(t, how);
    s->conn.host->freed(&s->conn);
}

static void close_with(struct h1_server *s, enum transit_end how, const char *fault)
{
    if (s->state.at == CLOSED)
        return;
    end_transit(s, how, fault);
    s->fault = fault;
    sm_move(&s->state, CLOSED);
}

static void linger(struct h1_server *s)
{
    sm_move(&s->state, LINGER);
    set_due(s, LINGER_US);
    flush_late(s);
}

/* An answer of the connection's own, where none has begun. */
static void refuse(struct h1_server *s, unsigned status, const char *word, enum transit_end how)
{
    if (s->transit->out_head || buf_len(&s->wire.out) > H1_WIRE_OUT_HIGH) {
        close_with(s, how, word);
        return;
    }
    buf_putf(&s->wire.out,
             "HTTP/1.1 %u %s\r\nweft-error: %s\r\ncontent-type: text/plain\r\ncontent-length: %zu\r\n"
             "connection: close\r\n\r\n%s\n",
             status, message_reason(status), word, strlen(word) + 1, word);
    end_transit(s, how, word);
    s->fault = word;
    linger(s);
}

/* Drained, it may still be asked once, by a request that is on its way: the answer says that the connection closes. */
static void await_request(struct h1_server *s)
{
    set_due(s, s->conn.draining ? PARTING_US : s->conf.idle_timeout_us);
}

static void become_idle(struct h1_server *s)
{
    sm_move(&s->state, IDLE);
    await_request(s);
    look_soon(s);
}

/* The answer has been sent to its last byte. */
static void end_exchange(struct h1_server *s)
{
    bool request_whole = s->transit->in_ended;
    s->is_probed = false;
    h1_parse_forget(&s->parse);
    end_transit(s, TRANSIT_DONE, NULL);
    s->skipped = 0;
    bool nothing_follows = s->client_shut && buf_len(&s->wire.in) == 0;
    if (s->keep && !s->conn.draining && request_whole && !nothing_follows) {
        become_idle(s);
    } else if (s->keep && !s->conn.draining) {
        sm_move(&s->state, SKIP);
        set_due(s, s->conf.header_timeout_us);
        look_soon(s);
    } else {
        linger(s);
    }
}

/* ---- in ---- */

static void begin_request(struct h1_server *s);

static void say_continue(struct h1_server *s)
{
    bool body_has_begun = buf_len(&s->wire.in) > 0;
    if (!s->awaits_continue || body_has_begun || s->transit->out_head || s->transit->is_reset)
        return;
    s->awaits_continue = false;
    if (h1_write_info(&s->wire.out, 100, NULL) == ERR_OK)
        flush_late(s);
}

static void hear_head(struct h1_server *s)
{
    struct transit *t = s->transit;
    bool bodiless = h1_parse_bodiless(&s->parse);
    if (t->in.scheme.len == 0 && t->in.path.len > 0)
        t->in.scheme = t->peer_id.len > 0 ? SLICE("https") : SLICE("http");
    s->keep = s->parse.facts.keep_alive;
    s->has_spoken = true;
    s->tunnel = message_tunnels(&t->in) ? TUNNEL_ASKED : NO_TUNNEL;
    s->awaits_continue = s->parse.facts.expects_continue && !bodiless && s->tunnel == NO_TUNNEL;
    s->conn.exchanges = 1;
    sm_move(&s->state, EXCHANGE);
    moved(s);
    set_due(s, s->conf.stream_idle_us);
    s->conn.host->accept(&s->conn, t);
    if (!t->is_reset)
        transit_tell_head(t, bodiless);
}

static void skip(struct h1_server *s, enum h1_found found, size_t n)
{
    s->skipped += n;
    if (found == H1_BAD || s->skipped > SKIP_MOST)
        close_with(s, TRANSIT_RESET, NULL);
    else if (found == H1_END)
        become_idle(s);
}

static void hear(struct h1_server *s, enum h1_found found, struct slice piece)
{
    struct transit *t = s->transit;
    if (s->state.at == SKIP) {
        skip(s, found, piece.len);
        return;
    }
    switch (found) {
    case H1_HEAD:
        hear_head(s);
        break;
    case H1_DATA:
        s->awaits_continue = false;
        transit_tell_data(t, piece);
        break;
    case H1_END:
        if (!t->in_ended)
            transit_tell_end(t);
        break;
    case H1_BAD:
        if (s->parse.refused == H1_STRANGE && !s->has_spoken)
            close_with(s, TRANSIT_NONSENSE, h1_head_word(H1_STRANGE));
        else
            refuse(s, h1_head_status(s->parse.refused), h1_head_word(s->parse.refused), TRANSIT_NONSENSE);
        break;
    case H1_INFO:
    case H1_MORE:
    case H1_NOTHING:
        break;
    }
}

static bool can_hear(const struct h1_server *s)
{
    if (s->close_asked || (s->transit && s->transit->is_reset))
        return false;
    switch ((enum state)s->state.at) {
    case IDLE:
        return buf_len(&s->wire.in) > 0;
    case EXCHANGE:
        return s->tunnel != TUNNEL_ASKED;
    case HEAD:
    case SKIP:
        return true;
    case LINGER:
    case CLOSED:
        break;
    }
    return false;
}

/* What the owner may still be handed: never more than the window at once. */
static size_t room(const struct h1_server *s)
{
    if (s->state.at != EXCHANGE)
        return SIZE_MAX;
    return TRANSIT_WINDOW - s->transit->owed;
}

/* What is not whole by now never will be. */
static void end_half_request(struct h1_server *s)
{
    if (s->state.at == EXCHANGE && s->tunnel == TUNNEL_OPEN) {
        if (!s->transit->in_ended && !s->transit->is_reset)
            transit_tell_end(s->transit);
        flush_late(s);
        return;
    }
    bool is_half = s->state.at == HEAD || s->state.at == SKIP || (s->state.at == EXCHANGE && !s->transit->in_ended);
    if (is_half)
        close_with(s, TRANSIT_RESET, "the client closed the connection");
    else if (s->state.at == IDLE)
        close_with(s, TRANSIT_DONE, NULL);
}

static void digest(struct h1_server *s)
{
    enum h1_found found = H1_NOTHING;
    while (found != H1_MORE && can_hear(s)) {
        if (s->state.at == IDLE)
            begin_request(s);
        struct slice in = buf_slice(&s->wire.in);
        struct slice piece = {0};
        size_t before = in.len;
        found = h1_parse_next(&s->parse, &in, room(s), &piece);
        if (found != H1_MORE && before > 0)
            moved(s);
        hear(s, found, piece);
        h1_wire_parsed(&s->wire, before - in.len);
        if (found == H1_HEAD && s->transit)
            say_continue(s);
    }
    if (s->client_shut && buf_len(&s->wire.in) == 0)
        end_half_request(s);
}

/* ---- the carrier of its transits ---- */

static struct h1_server *server_of(struct transit *t)
{
    return t->carrier_data;
}

static enum err open_tunnel(struct h1_server *s, struct transit *t)
{
    if (websocket_is(&t->in))
        TRY(websocket_accept(&t->in, &t->out));
    TRY(h1_write_tunnel(&s->wire.write, &s->wire.out, &t->out, t->in.protocol));
    s->tunnel = TUNNEL_OPEN;
    s->keep = false;
    look_soon(s);
    flush_late(s);
    return ERR_OK;
}

static enum err carry_head(struct transit *t, bool end)
{
    struct h1_server *s = server_of(t);
    if (s->tunnel == TUNNEL_ASKED && message_opens(&t->in, t->out.status))
        return open_tunnel(s, t);
    if (s->tunnel == TUNNEL_ASKED) {
        s->tunnel = NO_TUNNEL;
        h1_parse_no_tunnel(&s->parse);
        look_soon(s);
    }
    /* A body that was never called for may come or not: no later request could be told from it. */
    struct h1_write_answer how = {
        .method = t->in.method,
        .minor = s->parse.facts.minor,
        .keep_alive = s->keep && !s->conn.draining && !s->awaits_continue,
        .end = end,
    };
    TRY(h1_write_response(&s->wire.write, &s->wire.out, &t->out, &how));
    s->keep = how.keep_alive && s->wire.write.framing != H1_TO_CLOSE;
    flush_late(s);
    return ERR_OK;
}

static enum err carry_info(struct transit *t, unsigned status, const struct headers *fields)
{
    struct h1_server *s = server_of(t);
    /* RFC 9110 section 15.2: never to a reader of 1.0; and 100 only while it is waited for. */
    if (s->parse.facts.minor == 0 || (status == 100 && !s->awaits_continue))
        return ERR_OK;
    TRY(h1_write_info(&s->wire.out, status, fields));
    if (status == 100)
        s->awaits_continue = false;
    flush_late(s);
    return ERR_OK;
}

static void carry_wake(struct transit *t)
{
    flush_late(server_of(t));
}

static void carry_credit(struct transit *t, size_t n)
{
    (void)n;
    struct h1_server *s = server_of(t);
    if (!(s->wire.wanted & STREAM_READ))
        look_soon(s);
}

static void carry_reset(struct transit *t, enum transit_why why)
{
    (void)why;
    look_soon(server_of(t));
}

static const struct transit_carrier carrier = {
    .head = carry_head,
    .info = carry_info,
    .wake = carry_wake,
    .credit = carry_credit,
    .reset = carry_reset,
};

static void begin_request(struct h1_server *s)
{
    struct transit *t = transit_stock_take(s->conf.stock, &carrier, s);
    t->is_h1 = true;
    t->conn_id = s->conn.id;
    t->peer_id = arena_keep(&t->arena, stream_peer_id(s->wire.stream));
    t->peer_until_us = stream_peer_until_us(s->wire.stream);
    t->peer = stream_peer(s->wire.stream);
    t->peer_addr = arena_keep(&t->arena, s->conf.peer_addr);
    s->transit = t;
    h1_parse_request(&s->parse, &t->in);
    sm_move(&s->state, HEAD);
    set_due(s, s->conf.header_timeout_us);
}

/* ---- out ---- */

/* Our side is over; the exchange is when the other one is, too. */
static void end_tunnel(struct h1_server *s)
{
    if (!s->shut) {
        s->shut = true;
        stream_shut(s->wire.stream);
    }
    if (s->transit->in_ended)
        end_exchange(s);
}

static void push(struct h1_server *s)
{
    struct transit *t = s->transit;
    if (s->state.at == EXCHANGE && t->out_head && !t->is_reset && h1_wire_fill(&s->wire, t) != ERR_OK) {
        close_with(s, TRANSIT_CANCELLED, "the answer is not what its content-length promised");
        return;
    }
    uint64_t before = s->wire.sent;
    if (h1_wire_send(&s->wire) != ERR_OK) {
        close_with(s, TRANSIT_RESET, "the client is gone");
        return;
    }
    if (s->wire.sent != before)
        moved(s);
    if (s->state.at == LINGER && buf_len(&s->wire.out) == 0 && !s->shut) {
        s->shut = true;
        stream_shut(s->wire.stream);
    }
    if (s->state.at != EXCHANGE || t->is_reset || !t->out_head)
        return;
    if (h1_wire_all_sent(&s->wire) && s->tunnel == TUNNEL_OPEN)
        end_tunnel(s);
    else if (h1_wire_all_sent(&s->wire))
        end_exchange(s);
    else if (!s->wire.blocked && (buf_len(&t->body) > 0 || t->out_ended))
        flush_late(s);
}

/* ---- events ---- */

static void release(struct h1_server *s)
{
    POST(!s->transit && s->conn.exchanges == 0);
    due_cancel(s->conf.clock, &s->due);
    loop_task_cancel(&s->look);
    loop_task_cancel(&s->flush);
    h1_wire_fini(&s->wire);
    h1_parse_fini(&s->parse);
    s->conn.host->closed(&s->conn, s->fault);
    mem_free((char *)s->conf.peer_addr.at);
    mem_free(s);
}

static bool wants_read(const struct h1_server *s)
{
    if (s->state.at == LINGER)
        return true;
    if (buf_len(&s->wire.in) > 0 || s->client_shut)
        return false;
    return s->state.at != EXCHANGE || s->transit->in_ended || s->transit->owed < TRANSIT_WINDOW;
}

/* The last thing in every event. */
static void settle(struct h1_server *s)
{
    if (s->close_asked)
        close_with(s, TRANSIT_CANCELLED, "the connection was closed");
    if (s->transit && s->transit->is_reset)
        close_with(s, TRANSIT_CANCELLED, "the owner gave up");
    if (s->state.at == CLOSED)
        release(s);
    else
        h1_wire_want(&s->wire, wants_read(s));
}

static void read_and_drop(struct h1_server *s)
{
    s->skipped += buf_len(&s->wire.in);
    buf_clear(&s->wire.in);
    if (s->skipped > SKIP_MOST)
        close_with(s, TRANSIT_RESET, s->fault);
}

static void probe(struct h1_server *s)
{
    bool may_have_left = s->state.at == EXCHANGE && s->transit->in_ended && !s->transit->out_head;
    if (!may_have_left || s->parse.facts.minor == 0 || h1_write_info(&s->wire.out, 100, NULL) != ERR_OK)
        return;
    s->is_probed = true;
    flush_late(s);
    set_due(s, PROBE_US);
}

/* Had it left, its system would have said so by now. */
static void hear_probe(struct h1_server *s)
{
    char none;
    size_t got;
    s->is_probed = false;
    set_due(s, s->conf.stream_idle_us);
    enum err e = stream_read(s->wire.stream, &none, sizeof(none), &got);
    if (e != ERR_CLOSED && e != ERR_AGAIN)
        close_with(s, TRANSIT_RESET, "the client closed the connection");
}

static void read_some(struct h1_server *s)
{
    enum err e = h1_wire_read(&s->wire);
    if (e == ERR_AGAIN)
        return;
    bool may_shut = s->state.at == EXCHANGE && (s->transit->in_ended || s->tunnel == TUNNEL_OPEN);
    if (e == ERR_CLOSED && may_shut) {
        s->client_shut = true;
        probe(s);
        digest(s);
        return;
    }
    if (e != ERR_OK) {
        bool expected = s->state.at == IDLE || s->state.at == LINGER;
        close_with(s, TRANSIT_RESET, expected ? s->fault : "the client closed the connection");
        return;
    }
    if (s->state.at == LINGER)
        read_and_drop(s);
    else
        digest(s);
}

static void on_event(void *arg, unsigned events)
{
    struct h1_server *s = arg;
    if (events & STREAM_BROKEN)
        close_with(s, TRANSIT_RESET, "the stream broke");
    if ((events & STREAM_READ) && s->state.at != CLOSED)
        read_some(s);
    if ((events & STREAM_WRITE) && s->state.at != CLOSED)
        push(s);
    settle(s);
}

static void on_look(struct loop_task *task)
{
    struct h1_server *s = LIST_OF(task, struct h1_server, look);
    digest(s);
    settle(s);
}

static void on_flush(struct loop_task *task)
{
    struct h1_server *s = LIST_OF(task, struct h1_server, flush);
    if (!s->close_asked && s->state.at != CLOSED)
        push(s);
    settle(s);
}

static void end_quiet_exchange(struct h1_server *s)
{
    int64_t quiet_us = loop_turn_us(s->conf.loop) - s->moved_us;
    if (quiet_us < s->conf.stream_idle_us)
        set_due(s, s->conf.stream_idle_us - quiet_us);
    else if (!s->transit->in_ended)
        refuse(s, 408, "request-too-slow", TRANSIT_LATE);
    else
        close_with(s, TRANSIT_LATE, "nothing moved for too long");
}

static void on_due(struct due *due)
{
    struct h1_server *s = LIST_OF(due, struct h1_server, due);
    switch ((enum state)s->state.at) {
    case HEAD:
        refuse(s, 408, "head-too-slow", TRANSIT_LATE);
        break;
    case EXCHANGE:
        if (s->is_probed)
            hear_probe(s);
        else
            end_quiet_exchange(s);
        break;
    case IDLE:
    case SKIP:
    case LINGER:
        close_with(s, TRANSIT_DONE, s->fault);
        break;
    case CLOSED:
        break;
    }
    settle(s);
}

/* ---- what the host asks ---- */

static struct h1_server *self(struct conn *c)
{
    return (struct h1_server *)c;
}

static void drain_conn(struct conn *c)
{
    c->draining = true;
    if (self(c)->state.at == IDLE)
        await_request(self(c));
}

static void close_conn(struct conn *c)
{
    self(c)->close_asked = true;
    look_soon(self(c));
}

static const struct conn_ops ops = {.drain = drain_conn, .close = close_conn};

struct conn *h1_server_new(const struct conn_conf *conf, struct stream *stream, struct slice already)
{
    struct h1_server *s = mem_new(sizeof(*s));
    *s = (struct h1_server){
        .conn = {.ops = &ops, .host = conf->host, .host_data = conf->host_data, .id = conn_next_id(), .ready = true},
        .conf = *conf,
    };
    s->conf.peer_addr = slice_of(mem_copy(conf->peer_addr), conf->peer_addr.len);
    list_init(&s->conn.link);
    sm_init(&s->state, states, IDLE);
    h1_wire_init(&s->wire, stream);
    h1_parse_init(&s->parse, H1_PARSE_REQUESTS);
    loop_task_init(&s->look, on_look);
    loop_task_init(&s->flush, on_flush);
    due_init(&s->due, on_due);
    set_due(s, conf->idle_timeout_us);
    enum err fits = buf_add(&s->wire.in, already);
    PRE(fits == ERR_OK);
    stream_hear(stream, on_event, s);
    look_soon(s);
    return &s->conn;
}
