/* h1_client - a dialled HTTP/1 connection, one exchange at a time.
 *
 * The good path: OPENING until the stream is open, IDLE with room for one request,
 * EXCHANGE until the answer is whole and the request sent, then IDLE again if both
 * sides keep the connection.  An answer that is whole before its request is passed
 * on and ends the connection, for the rest of the request has nowhere to go.
 *
 * The other side may close an idle connection at the very moment we use it again.
 * Nobody can tell whether the request was processed, so that ends in TRANSIT_RESET
 * with the fault CONN_KEPT_CLOSED, and whether to try again
 * is for the owner to decide.  Only a request of which no byte was sent is
 * TRANSIT_UNSENT.
 *
 * A request for a tunnel (message_tunnels) holds its body until the answer opens it;
 * then each direction ends by itself, and the connection with both.
 *
 * A write that fails is no end yet: a function that refuses a large body may have
 * answered before it closed, so the answer is still read.
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

enum state { OPENING, IDLE, EXCHANGE, CLOSED };

static const struct sm_row states[] = {
    [OPENING] = {"opening", SM_TO(IDLE) | SM_TO(CLOSED), SM_FIRST},
    [IDLE] = {"idle", SM_TO(EXCHANGE) | SM_TO(CLOSED), 0},
    [EXCHANGE] = {"exchange", SM_TO(IDLE) | SM_TO(CLOSED), 0},
    [CLOSED] = {"closed", 0, SM_LAST},
};

enum tunnel { NO_TUNNEL, TUNNEL_ASKED, TUNNEL_OPEN };

struct h1_client {
    struct conn conn;
    struct conn_conf conf;
    struct sm state;
    struct h1_wire wire;
    struct h1_parse parse;
    struct transit *transit; /* EXCHANGE */
    struct loop_task look;   /* soon: a call has changed something */
    struct loop_task flush;  /* at the end of the turn */
    struct due due;
    int64_t moved_us;
    uint64_t sent_before; /* bytes sent when this exchange began */
    uint64_t served;      /* exchanges before this one */
    const char *fault;
    enum tunnel tunnel; /* of this exchange */
    bool peer_shut;     /* nothing more comes */
    bool shut;          /* nothing more goes */
    bool refused;       /* the request cannot be put on the wire */
    bool write_failed;
    bool close_asked;
};

static void set_due(struct h1_client *c, int64_t delay_us)
{
    if (delay_us > 0)
        due_in(c->conf.clock, &c->due, delay_us);
    else
        due_cancel(c->conf.clock, &c->due);
}

static void moved(struct h1_client *c)
{
    c->moved_us = loop_turn_us(c->conf.loop);
}

static void look_soon(struct h1_client *c)
{
    loop_defer(c->conf.loop, &c->look);
}

static void flush_late(struct h1_client *c)
{
    loop_defer_late(c->conf.loop, &c->flush);
}

/* ---- ends ---- */

static void end_transit(struct h1_client *c, enum transit_end how, const char *fault)
{
    struct transit *t = c->transit;
    c->transit = NULL;
    if (!t)
        return;
    c->conn.exchanges = 0;
    t->fault = fault;
    transit_gone(t, how);
}

static void close_with(struct h1_client *c, enum transit_end how, const char *fault)
{
    if (c->state.at == CLOSED)
        return;
    c->conn.room = 0;
    bool in_exchange = c->transit != NULL;
    sm_move(&c->state, CLOSED);
    c->fault = fault;
    end_transit(c, how, fault);
    if (in_exchange)
        c->conn.host->freed(&c->conn);
}

static bool request_sent(const struct h1_client *c)
{
    return c->transit->out_head && !c->write_failed && h1_wire_all_sent(&c->wire);
}

/* The answer is whole. */
static void end_exchange(struct h1_client *c)
{
    bool unasked = buf_len(&c->wire.in) > 0;
    if (!request_sent(c) || !c->parse.facts.keep_alive || c->conn.draining || unasked) {
        close_with(c, TRANSIT_DONE, NULL);
        return;
    }
    c->served++;
    c->conn.room = 1;
    h1_parse_forget(&c->parse);
    sm_move(&c->state, IDLE);
    set_due(c, c->conf.idle_timeout_us);
    end_transit(c, TRANSIT_DONE, NULL);
    c->conn.host->freed(&c->conn);
}

/* The other side has gone before its answer was whole. */
static void end_cut_off(struct h1_client *c, bool answer_begun)
{
    if (c->wire.sent == c->sent_before)
        close_with(c, TRANSIT_UNSENT, "the function closed the connection before anything was sent");
    else if (answer_begun)
        close_with(c, TRANSIT_RESET, "the function closed the connection in the middle of its answer");
    else if (c->served > 0)
        close_with(c, TRANSIT_RESET, CONN_KEPT_CLOSED);
    else
        close_with(c, TRANSIT_RESET, "the function closed the connection without an answer");
}

/* ---- in ---- */

static bool can_hear(const struct h1_client *c)
{
    return c->state.at == EXCHANGE && !c->close_asked && !c->refused && !c->transit->is_reset;
}

/* RFC 9110 section 9.3.6 and 15.2.2.  Refused, it was a request without a body: what was meant for the tunnel is
 * dropped, and the connection ends with the answer. */
static void settle_tunnel(struct h1_client *c)
{
    struct transit *t = c->transit;
    bool opened = message_opens(&t->out, t->in.status);
    c->tunnel = opened ? TUNNEL_OPEN : NO_TUNNEL;
    c->write_failed = !opened;
    if (!opened)
        return;
    c->wire.write = (struct h1_write){.framing = H1_TO_CLOSE};
    flush_late(c);
}

static void hear(struct h1_client *c, enum h1_found found, struct slice piece)
{
    struct transit *t = c->transit;
    switch (found) {
    case H1_INFO:
        transit_tell_info(t, t->in.status);
        break;
    case H1_HEAD:
        if (c->tunnel == TUNNEL_ASKED)
            settle_tunnel(c);
        transit_tell_head(t, h1_parse_bodiless(&c->parse));
        break;
    case H1_DATA:
        transit_tell_data(t, piece);
        break;
    case H1_END:
        if (!t->in_ended)
            transit_tell_end(t);
        break;
    case H1_BAD:
        close_with(c, TRANSIT_NONSENSE, h1_head_word(c->parse.refused));
        break;
    case H1_MORE:
    case H1_NOTHING:
        break;
    }
}

static void digest(struct h1_client *c)
{
    enum h1_found found = H1_NOTHING;
    if (can_hear(c) && !c->transit->out_head && buf_len(&c->wire.in) > 0) {
        close_with(c, TRANSIT_UNSENT, "the function answered before it was asked");
        return;
    }
    while (found != H1_MORE && found != H1_END && can_hear(c) && c->transit->out_head) {
        struct slice in = buf_slice(&c->wire.in);
        struct slice piece = {0};
        size_t before = in.len;
        found = h1_parse_next(&c->parse, &in, TRANSIT_WINDOW - c->transit->owed, &piece);
        if (found != H1_MORE && before > 0)
            moved(c);
        hear(c, found, piece);
        h1_wire_parsed(&c->wire, before - in.len);
    }
    if (found == H1_END && can_hear(c))
        end_exchange(c);
}

/* ---- the carrier of its transits ---- */

static struct h1_client *client_of(struct transit *t)
{
    return t->carrier_data;
}

static enum err carry_head(struct transit *t, bool end)
{
    struct h1_client *c = client_of(t);
    if (websocket_is(&t->out))
        TRY(websocket_ask(&t->out));
    TRY(h1_write_request(&c->wire.write, &c->wire.out, &t->out, end));
    h1_parse_response(&c->parse, &t->in, t->out.method);
    c->tunnel = message_tunnels(&t->out) ? TUNNEL_ASKED : NO_TUNNEL;
    if (t->out.protocol.len > 0)
        h1_parse_may_switch(&c->parse);
    flush_late(c);
    return ERR_OK;
}

static enum err carry_info(struct transit *t, unsigned status, const struct headers *fields)
{
    (void)t, (void)status, (void)fields;
    return ERR_INPUT; /* requests have none */
}

static void carry_wake(struct transit *t)
{
    flush_late(client_of(t));
}

static void carry_credit(struct transit *t, size_t n)
{
    (void)n;
    struct h1_client *c = client_of(t);
    if (!(c->wire.wanted & STREAM_READ))
        look_soon(c);
}

static void carry_reset(struct transit *t, enum transit_why why)
{
    (void)why;
    look_soon(client_of(t));
}

static const struct transit_carrier carrier = {
    .head = carry_head,
    .info = carry_info,
    .wake = carry_wake,
    .credit = carry_credit,
    .reset = carry_reset,
};

/* ---- out ---- */

/* Our side is over; the exchange is when the other one is, too. */
static void end_tunnel(struct h1_client *c)
{
    if (!c->shut) {
        c->shut = true;
        stream_shut(c->wire.stream);
    }
    if (c->peer_shut)
        close_with(c, TRANSIT_DONE, NULL);
}

static void push(struct h1_client *c)
{
    struct transit *t = c->transit;
    if (!t || !t->out_head || t->is_reset)
        return;
    if (c->write_failed) {
        transit_took(t, buf_len(&t->body));
        return;
    }
    if (c->tunnel != TUNNEL_ASKED && h1_wire_fill(&c->wire, t) != ERR_OK) {
        close_with(c, TRANSIT_CANCELLED, "the request is not what its content-length promised");
        return;
    }
    uint64_t before = c->wire.sent;
    c->write_failed = h1_wire_send(&c->wire) != ERR_OK;
    if (c->wire.sent != before)
        moved(c);
    if (c->tunnel == TUNNEL_OPEN && h1_wire_all_sent(&c->wire))
        end_tunnel(c);
    else if (!c->wire.blocked && buf_len(&t->body) > 0 && c->tunnel != TUNNEL_ASKED)
        flush_late(c);
}

/* ---- events ---- */

static void release(struct h1_client *c)
{
    POST(!c->transit && c->conn.exchanges == 0);
    due_cancel(c->conf.clock, &c->due);
    loop_task_cancel(&c->look);
    loop_task_cancel(&c->flush);
    c->conn.host->closed(&c->conn, c->fault);
    h1_wire_fini(&c->wire);
    h1_parse_fini(&c->parse);
    mem_free((char *)c->conf.peer_addr.at);
    mem_free(c);
}

static bool wants_read(const struct h1_client *c)
{
    if (c->state.at == OPENING || buf_len(&c->wire.in) > 0 || c->peer_shut)
        return false;
    return c->state.at != EXCHANGE || c->transit->owed < TRANSIT_WINDOW;
}

/* The last thing in every event. */
static void settle(struct h1_client *c)
{
    if (c->close_asked)
        close_with(c, TRANSIT_CANCELLED, "the connection was closed");
    if (c->transit && c->transit->is_reset)
        close_with(c, TRANSIT_CANCELLED, "the owner gave up");
    if (c->refused)
        close_with(c, TRANSIT_CANCELLED, "the request cannot be written as HTTP/1.1");
    if (c->conn.draining && (c->state.at == IDLE || c->state.at == OPENING))
        close_with(c, TRANSIT_DONE, NULL);
    if (c->state.at == CLOSED)
        release(c);
    else
        h1_wire_want(&c->wire, wants_read(c));
}

static void open_up(struct h1_client *c)
{
    sm_move(&c->state, IDLE);
    c->conn.ready = true;
    c->conn.room = 1;
    set_due(c, c->conf.idle_timeout_us);
    c->conn.host->ready(&c->conn);
}

static void hear_end(struct h1_client *c, enum err e)
{
    if (c->state.at == IDLE) {
        close_with(c, TRANSIT_DONE, NULL);
        return;
    }
    if (!can_hear(c))
        return; /* settle ends it for a better reason */
    if (e == ERR_CLOSED && c->tunnel == TUNNEL_OPEN) {
        c->peer_shut = true;
        transit_tell_end(c->transit);
        flush_late(c);
        return;
    }
    bool answer_begun = c->transit->out_head && h1_parse_begun(&c->parse);
    if (e == ERR_CLOSED && c->transit->out_head && h1_parse_closed(&c->parse) == H1_END) {
        transit_tell_end(c->transit);
        if (can_hear(c))
            close_with(c, TRANSIT_DONE, NULL);
        return;
    }
    end_cut_off(c, answer_begun);
}

static void read_some(struct h1_client *c)
{
    enum err e = h1_wire_read(&c->wire);
    if (e == ERR_AGAIN)
        return;
    if (e != ERR_OK)
        hear_end(c, e);
    else if (c->state.at == IDLE)
        close_with(c, TRANSIT_DONE, "the function spoke without being asked");
    else
        digest(c);
}

static void on_event(void *arg, unsigned events)
{
    struct h1_client *c = arg;
    if (events & STREAM_BROKEN)
        close_with(c, TRANSIT_UNSENT, stream_fault(c->wire.stream));
    if ((events & STREAM_OPEN) && c->state.at == OPENING)
        open_up(c);
    if ((events & STREAM_READ) && c->state.at != CLOSED)
        read_some(c);
    if ((events & STREAM_WRITE) && c->state.at != CLOSED)
        push(c);
    settle(c);
}

static void on_look(struct loop_task *task)
{
    struct h1_client *c = LIST_OF(task, struct h1_client, look);
    digest(c);
    settle(c);
}

static void on_flush(struct loop_task *task)
{
    struct h1_client *c = LIST_OF(task, struct h1_client, flush);
    if (!c->close_asked && c->state.at == EXCHANGE)
        push(c);
    settle(c);
}

static void on_due(struct due *due)
{
    struct h1_client *c = LIST_OF(due, struct h1_client, due);
    int64_t quiet_us = loop_turn_us(c->conf.loop) - c->moved_us;
    if (c->state.at == OPENING)
        close_with(c, TRANSIT_UNSENT, "connecting took too long");
    else if (c->state.at == IDLE)
        close_with(c, TRANSIT_DONE, NULL);
    else if (c->state.at == EXCHANGE && quiet_us < c->conf.stream_idle_us)
        set_due(c, c->conf.stream_idle_us - quiet_us);
    else
        close_with(c, TRANSIT_LATE, "nothing moved for too long");
    settle(c);
}

/* ---- what the host asks ---- */

static struct h1_client *self(struct conn *conn)
{
    return (struct h1_client *)conn;
}

static void request(struct conn *conn, struct transit *t)
{
    struct h1_client *c = self(conn);
    PRE(conn->ready && conn->room > 0);
    conn->room = 0;
    conn->exchanges = 1;
    c->transit = t;
    c->sent_before = c->wire.sent;
    c->wire.write = (struct h1_write){0};
    c->tunnel = NO_TUNNEL;
    t->carrier = &carrier;
    t->carrier_data = c;
    t->is_h1 = true;
    t->conn_id = conn->id;
    t->peer_id = arena_keep(&t->arena, stream_peer_id(c->wire.stream));
    t->peer_addr = arena_keep(&t->arena, c->conf.peer_addr);
    sm_move(&c->state, EXCHANGE);
    moved(c);
    set_due(c, c->conf.stream_idle_us);
    if (t->out_head)
        c->refused = carry_head(t, t->out_ended && buf_len(&t->body) == 0) != ERR_OK;
    look_soon(c);
}

static void drain_conn(struct conn *conn)
{
    conn->draining = true;
    conn->room = 0;
    look_soon(self(conn));
}

static void close_conn(struct conn *conn)
{
    conn->room = 0;
    self(conn)->close_asked = true;
    look_soon(self(conn));
}

static const struct conn_ops ops = {.request = request, .drain = drain_conn, .close = close_conn};

struct conn *h1_client_new(const struct conn_conf *conf, struct stream *stream)
{
    struct h1_client *c = mem_new(sizeof(*c));
    *c = (struct h1_client){
        .conn = {.ops = &ops, .host = conf->host, .host_data = conf->host_data, .id = conn_next_id()},
        .conf = *conf,
    };
    c->conf.peer_addr = slice_of(mem_copy(conf->peer_addr), conf->peer_addr.len);
    list_init(&c->conn.link);
    sm_init(&c->state, states, OPENING);
    h1_wire_init(&c->wire, stream);
    h1_parse_init(&c->parse, H1_PARSE_RESPONSES);
    loop_task_init(&c->look, on_look);
    loop_task_init(&c->flush, on_flush);
    due_init(&c->due, on_due);
    set_due(c, conf->connect_timeout_us);
    stream_hear(stream, on_event, c);
    return &c->conn;
}
