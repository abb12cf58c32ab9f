/* h2_server - an accepted HTTP/2 connection, handing transits up.
 *
 * begin: a transit from the stock, owned by nobody yet.  Its head is whole: the host's
 * accept makes someone its owner.  A head that cannot be accepted is answered here. */
#include "base/check.h"
#include "http/h2_conn.h"

static void drop_data(struct transit *t, struct slice bytes)
{
    transit_credit(t, bytes.len);
}

static void drop_end(struct transit *t)
{
    (void)t;
}

static void drop_gone(struct transit *t, enum transit_end how)
{
    (void)how;
    transit_free(&t);
}

/* Owns what never reached a real owner. */
static const struct transit_owner nobody = {.data = drop_data, .end = drop_end, .gone = drop_gone};

static struct h2_stream *begin(struct h2_conn *c, int32_t id)
{
    if (h2_conn_is(c, H2_CONN_CLOSING))
        return NULL;
    struct transit *t = transit_stock_take(c->conf.stock, &h2_conn_carrier, NULL);
    t->owner = &nobody;
    c->head_us = loop_turn_us(c->conf.loop);
    return h2_conn_attach(c, t, id);
}

static void answer_ourselves(struct h2_stream *s, bool end, unsigned status)
{
    transit_tell_head(s->t, end);
    if (transit_answer(s->t, status, (struct slice){0}, (struct slice){0}) != ERR_OK)
        h2_conn_end_reset(s, H2_INTERNAL_ERROR, TRANSIT_NONSENSE, NULL);
}

static void head(struct h2_stream *s, bool end, enum err verdict)
{
    struct h2_conn *c = s->conn;
    c->head_us = 0;
    if (s->t->in_head) {
        h2_conn_end_reset(s, H2_PROTOCOL_ERROR, TRANSIT_NONSENSE, "trailers past their bounds");
    } else if (verdict != ERR_OK) {
        answer_ourselves(s, end, verdict == ERR_FULL ? 431 : 400);
    } else {
        c->base.host->accept(&c->base, s->t);
        transit_tell_head(s->t, end);
    }
}

static void closed(struct h2_stream *s, uint32_t code)
{
    s->conn->head_us = 0;
    if (s->out_closed && code == H2_NO_ERROR)
        h2_conn_end(s, TRANSIT_DONE, NULL);
    else if (s->reset_by_peer)
        h2_conn_end(s, TRANSIT_RESET, h2_session_code_text(code));
    else
        h2_conn_end(s, TRANSIT_NONSENSE, "the peer broke HTTP/2");
}

static void settings(struct h2_conn *c)
{
    if (!h2_conn_is(c, H2_CONN_OPENING))
        return;
    sm_move(&c->state, H2_CONN_OPEN);
    c->base.ready = true;
}

static void goaway(struct h2_conn *c)
{
    (void)c; /* a client that leaves still wants its answers */
}

static void pong(struct h2_conn *c)
{
    if (h2_conn_is(c, H2_CONN_DRAINING) && !c->said_last)
        h2_conn_say_last(c);
}

static const struct h2_hear hear = {begin, head, closed, settings, goaway, pong};

static void no_request(struct conn *base, struct transit *t)
{
    (void)t;
    PRE(base->room > 0); /* a server never has any */
}

/* RFC 9113 section 6.8: what is already under way to us is still served; a PING measures how long that takes. */
static void drain(struct conn *base)
{
    struct h2_conn *c = (struct h2_conn *)base;
    if (!h2_conn_drains(c))
        return;
    h2_session_goaway_soon(c->session);
    h2_session_ping(c->session);
}

static void close_now(struct conn *base)
{
    h2_conn_break((struct h2_conn *)base, TRANSIT_CANCELLED, NULL);
}

static const struct conn_ops ops = {no_request, drain, close_now};

struct conn *h2_server_new(const struct conn_conf *conf, struct stream *stream, struct slice already)
{
    PRE(conf->stock);
    struct h2_conn *c = h2_conn_new(true, conf, &ops, &hear, stream);
    h2_conn_came_before(c, already);
    return &c->base;
}
