/* raw_conn - bytes without HTTP: a connection that is one exchange, and that exchange a CONNECT.
 *
 * A server side accepts and says CONNECT in the name of whoever dialled; what a 2xx
 * would say is understood, and any other answer closes the connection.  A client side
 * is ready once it is connected, and answers 200 itself.  From there on bytes go both
 * ways, and each direction ends by itself.
 *
 * No call of an owner's or the host's does more than note what it wants and ask for
 * `look`: so gone() and closed() only ever come from the loop. */
#include "base/check.h"
#include "base/mem.h"
#include "base/sm.h"
#include "http/conn.h"

enum { READ_SIZE = 32 << 10 };

enum state { OPENING, IDLE, ASKED, OPEN, CLOSED };

static const struct sm_row states[] = {
    [OPENING] = {"opening", SM_TO(IDLE) | SM_TO(CLOSED), SM_FIRST},
    [IDLE] = {"idle", SM_TO(ASKED) | SM_TO(CLOSED), 0},
    [ASKED] = {"asked", SM_TO(OPEN) | SM_TO(CLOSED), 0},
    [OPEN] = {"open", SM_TO(CLOSED), 0},
    [CLOSED] = {"closed", 0, SM_LAST},
};

struct raw_conn {
    struct conn conn;
    struct conn_conf conf;
    struct sm state;
    struct stream *stream;
    struct transit *transit; /* ASKED and OPEN */
    struct loop_task look;
    struct due due;
    int64_t moved_us;
    const char *fault;
    bool is_server;
    bool blocked; /* the stream takes no more for now */
    bool shut;    /* we have said our last byte */
    bool close_asked;
};

static struct raw_conn *conn_of(struct transit *t)
{
    return t->carrier_data;
}

static void look_soon(struct raw_conn *c)
{
    loop_defer(c->conf.loop, &c->look);
}

static void moved(struct raw_conn *c)
{
    c->moved_us = loop_turn_us(c->conf.loop);
}

/* ---- ends ---- */

static void end_transit(struct raw_conn *c, enum transit_end how)
{
    struct transit *t = c->transit;
    c->transit = NULL;
    if (!t)
        return;
    c->conn.exchanges = 0;
    t->fault = c->fault;
    transit_gone(t, how);
    c->conn.host->freed(&c->conn);
}

static void close_with(struct raw_conn *c, enum transit_end how, const char *fault)
{
    if (c->state.at == CLOSED)
        return;
    c->fault = fault;
    c->conn.room = 0;
    sm_move(&c->state, CLOSED);
    end_transit(c, how);
}

static bool is_whole(const struct raw_conn *c)
{
    return c->state.at == OPEN && c->transit->in_ended && c->shut;
}

/* ---- in ---- */

static size_t room(const struct raw_conn *c)
{
    size_t left = TRANSIT_WINDOW - c->transit->owed;
    return left < READ_SIZE ? left : READ_SIZE;
}

static bool can_hear(const struct raw_conn *c)
{
    bool told = c->state.at == OPEN || (c->is_server && c->state.at == ASKED && c->transit->in_head);
    return told && !c->transit->in_ended && !c->transit->is_reset && !c->close_asked && room(c) > 0;
}

static void read_some(struct raw_conn *c)
{
    char bytes[READ_SIZE];
    size_t got;
    if (!can_hear(c))
        return;
    enum err e = stream_read(c->stream, bytes, room(c), &got);
    if (e == ERR_AGAIN)
        return;
    moved(c);
    if (e == ERR_OK)
        transit_tell_data(c->transit, slice_of(bytes, got));
    else if (e == ERR_CLOSED)
        transit_tell_end(c->transit);
    else
        close_with(c, TRANSIT_RESET, "the connection broke");
}

/* ---- out ---- */

static void write_some(struct raw_conn *c)
{
    struct transit *t = c->transit;
    enum err e = ERR_OK;
    while (buf_len(&t->body) > 0 && e == ERR_OK && !t->is_reset) {
        size_t took;
        e = stream_write(c->stream, buf_slice(&t->body), &took);
        if (e == ERR_OK) {
            moved(c);
            transit_took(t, took);
        }
    }
    c->blocked = e == ERR_AGAIN;
    if (e != ERR_OK && e != ERR_AGAIN)
        close_with(c, TRANSIT_RESET, "the connection broke while writing");
    else if (t->out_ended && buf_len(&t->body) == 0 && !c->shut && !t->is_reset) {
        c->shut = true;
        stream_shut(c->stream);
    }
}

/* ---- opening ---- */

/* Nobody asks for a raw stream in HTTP, so this is what would have been said. */
static void ask(struct raw_conn *c)
{
    struct transit *t = transit_stock_take(c->conf.stock, NULL, NULL);
    t->in.method = SLICE("CONNECT");
    c->conn.ops->request(&c->conn, t);
    c->conn.host->accept(&c->conn, t);
    transit_tell_head(t, false);
}

static void answer(struct raw_conn *c)
{
    struct transit *t = c->transit;
    if (!slice_eq(t->out.method, SLICE("CONNECT")) || t->out.protocol.len > 0) {
        close_with(c, TRANSIT_NONSENSE, "behind this address are bytes, not HTTP: CONNECT to it");
        return;
    }
    sm_move(&c->state, OPEN);
    t->in.status = 200;
    transit_tell_head(t, false);
}

/* A server's: the answer is there.  What is not a 2xx cannot be said. */
static void answered(struct raw_conn *c)
{
    if (c->transit->out.status / 100 == 2)
        sm_move(&c->state, OPEN);
    else
        close_with(c, TRANSIT_CANCELLED, "refused");
}

static void advance(struct raw_conn *c)
{
    if (c->state.at == IDLE && c->is_server)
        ask(c);
    if (c->state.at == ASKED && c->transit->out_head && !c->transit->is_reset) {
        if (c->is_server)
            answered(c);
        else
            answer(c);
    }
}

/* ---- events ---- */

static void set_due(struct raw_conn *c, int64_t delay_us)
{
    if (delay_us > 0)
        due_in(c->conf.clock, &c->due, delay_us);
    else
        due_cancel(c->conf.clock, &c->due);
}

static void release(struct raw_conn *c)
{
    due_cancel(c->conf.clock, &c->due);
    loop_task_cancel(&c->look);
    c->conn.host->closed(&c->conn, c->fault);
    stream_close(&c->stream);
    mem_free((char *)c->conf.peer_addr.at);
    mem_free(c);
}

/* The last thing in every event. */
static void settle(struct raw_conn *c)
{
    if (c->close_asked)
        close_with(c, TRANSIT_CANCELLED, "the connection was closed");
    if (c->transit && c->transit->is_reset)
        close_with(c, TRANSIT_CANCELLED, "the owner gave up");
    if (is_whole(c) || (c->conn.draining && !c->transit))
        close_with(c, TRANSIT_DONE, NULL);
    if (c->state.at == CLOSED) {
        release(c);
        return;
    }
    bool idle = c->state.at == IDLE && !c->is_server;
    stream_want(c->stream,
                (can_hear(c) || idle ? (unsigned)STREAM_READ : 0U) | (c->blocked ? (unsigned)STREAM_WRITE : 0U));
}

static void open_up(struct raw_conn *c)
{
    sm_move(&c->state, IDLE);
    c->conn.ready = true;
    set_due(c, c->conf.idle_timeout_us);
    if (c->is_server)
        return;
    c->conn.room = 1;
    c->conn.host->ready(&c->conn);
}

static void turn(struct raw_conn *c, bool read)
{
    advance(c);
    if (c->state.at == OPEN)
        write_some(c);
    if (read && c->state.at != CLOSED && c->transit)
        read_some(c);
    settle(c);
}

static void on_event(void *arg, unsigned events)
{
    struct raw_conn *c = arg;
    if (events & STREAM_BROKEN)
        close_with(c, TRANSIT_UNSENT, stream_fault(c->stream));
    if ((events & STREAM_OPEN) && c->state.at == OPENING)
        open_up(c);
    if ((events & STREAM_READ) && c->state.at == IDLE && !c->is_server)
        close_with(c, TRANSIT_DONE, NULL); /* the other side closed, or spoke to nobody */
    turn(c, events & STREAM_READ);
}

static void on_look(struct loop_task *task)
{
    turn(LIST_OF(task, struct raw_conn, look), false);
}

static void on_due(struct due *due)
{
    struct raw_conn *c = LIST_OF(due, struct raw_conn, due);
    int64_t quiet_us = loop_turn_us(c->conf.loop) - c->moved_us;
    if (c->state.at == OPENING)
        close_with(c, TRANSIT_UNSENT, "connecting took too long");
    else if (!c->transit)
        close_with(c, TRANSIT_DONE, NULL);
    else if (quiet_us < c->conf.stream_idle_us)
        set_due(c, c->conf.stream_idle_us - quiet_us);
    else
        close_with(c, TRANSIT_LATE, "nothing moved for too long");
    settle(c);
}

/* ---- the carrier of its transit ---- */

static enum err carry_head(struct transit *t, bool end)
{
    (void)end;
    look_soon(conn_of(t));
    return ERR_OK;
}

static enum err carry_info(struct transit *t, unsigned status, const struct headers *fields)
{
    (void)t, (void)status, (void)fields;
    return ERR_OK; /* there is nowhere to say it */
}

static void carry_wake(struct transit *t)
{
    if (!conn_of(t)->blocked)
        look_soon(conn_of(t));
}

static void carry_credit(struct transit *t, size_t n)
{
    (void)n;
    look_soon(conn_of(t));
}

static void carry_reset(struct transit *t, enum transit_why why)
{
    (void)why;
    look_soon(conn_of(t));
}

static const struct transit_carrier carrier = {carry_head, carry_info, carry_wake, carry_credit, carry_reset, NULL};

/* ---- what the host asks ---- */

static struct raw_conn *self(struct conn *conn)
{
    return (struct raw_conn *)conn;
}

static void request(struct conn *conn, struct transit *t)
{
    struct raw_conn *c = self(conn);
    PRE(c->state.at == IDLE);
    conn->room = 0;
    conn->exchanges = 1;
    c->transit = t;
    t->carrier = &carrier;
    t->carrier_data = c;
    t->conn_id = conn->id;
    t->peer_id = arena_keep(&t->arena, stream_peer_id(c->stream));
    t->peer_addr = arena_keep(&t->arena, c->conf.peer_addr);
    sm_move(&c->state, ASKED);
    moved(c);
    set_due(c, c->conf.stream_idle_us);
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

static struct raw_conn *new_conn(const struct conn_conf *conf, struct stream *stream, bool is_server)
{
    struct raw_conn *c = mem_new(sizeof(*c));
    *c = (struct raw_conn){
        .conn = {.ops = &ops, .host = conf->host, .host_data = conf->host_data, .id = conn_next_id()},
        .conf = *conf,
        .stream = stream,
        .is_server = is_server,
    };
    c->conf.peer_addr = slice_of(mem_copy(conf->peer_addr), conf->peer_addr.len);
    list_init(&c->conn.link);
    sm_init(&c->state, states, OPENING);
    loop_task_init(&c->look, on_look);
    due_init(&c->due, on_due);
    stream_hear(stream, on_event, c);
    return c;
}

struct conn *raw_conn_server(const struct conn_conf *conf, struct stream *stream)
{
    PRE(conf->stock);
    struct raw_conn *c = new_conn(conf, stream, true);
    open_up(c);
    look_soon(c);
    return &c->conn;
}

struct conn *raw_conn_client(const struct conn_conf *conf, struct stream *stream)
{
    struct raw_conn *c = new_conn(conf, stream, false);
    set_due(c, conf->connect_timeout_us);
    return &c->conn;
}
