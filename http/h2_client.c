/* h2_client - a dialled HTTP/2 connection, carrying transits down.
 *
 * Ready once the peer's SETTINGS are in: until then nothing was sent that a peer could
 * have acted on, and how many streams it takes is known from the first one. */
#include "base/check.h"
#include "http/h2_conn.h"
#include "http/h2_patience.h"

static struct h2_stream *begin(struct h2_conn *c, int32_t id)
{
    (void)c;
    (void)id;
    return NULL; /* push is switched off */
}

static void info(struct h2_stream *s)
{
    struct transit *t = s->t;
    transit_tell_info(t, t->in.status);
    if (!s->is_over)
        message_init(&t->in, &t->arena);
}

/* What an extended CONNECT is told is a switch of protocols to the rest of us. */
static void final_head(struct transit *t, bool end)
{
    if (t->out.protocol.len > 0 && t->in.status / 100 == 2)
        t->in.status = 101;
    transit_tell_head(t, end);
}

static void head(struct h2_stream *s, bool end, enum err verdict)
{
    if (verdict != ERR_OK)
        h2_conn_end_reset(s, H2_PROTOCOL_ERROR, TRANSIT_NONSENSE, "the peer's fields are past their bounds");
    else if (s->has_head)
        final_head(s->t, end);
    else
        info(s);
}

static void closed(struct h2_stream *s, uint32_t code)
{
    if (code == H2_NO_ERROR && s->t->in_ended)
        h2_conn_end(s, TRANSIT_DONE, NULL);
    else if (code == H2_REFUSED_STREAM || !s->is_sent)
        h2_conn_end(s, TRANSIT_UNSENT, "the peer refused the stream");
    else if (s->reset_by_peer)
        h2_conn_end(s, TRANSIT_RESET, h2_session_code_text(code));
    else
        h2_conn_end(s, TRANSIT_NONSENSE, "the peer broke HTTP/2");
}

static void settings(struct h2_conn *c)
{
    if (h2_conn_is(c, H2_CONN_OPENING)) {
        sm_move(&c->state, H2_CONN_OPEN);
        h2_patience_arm(c);
    }
    h2_conn_news(c);
}

static void goaway(struct h2_conn *c)
{
    (void)h2_conn_drains(c);
}

static void pong(struct h2_conn *c)
{
    c->pinged_us = 0;
}

static const struct h2_hear hear = {begin, head, closed, settings, goaway, pong};

static void request(struct conn *base, struct transit *t)
{
    struct h2_conn *c = (struct h2_conn *)base;
    PRE(base->ready && base->room > 0);
    struct h2_stream *s = h2_conn_attach(c, t, 0);
    if (!t->out_head)
        return;
    bool end = t->out_ended && buf_len(&t->body) == 0 && t->out.trailers.count == 0;
    if (h2_conn_carrier.head(t, end) == ERR_FULL)
        h2_conn_end(s, TRANSIT_UNSENT, "the peer takes no head that large");
}

static void drain(struct conn *base)
{
    struct h2_conn *c = (struct h2_conn *)base;
    if (h2_conn_drains(c))
        h2_conn_say_last(c);
}

static void close_now(struct conn *base)
{
    h2_conn_break((struct h2_conn *)base, TRANSIT_CANCELLED, NULL);
}

static const struct conn_ops ops = {request, drain, close_now};

struct conn *h2_client_new(const struct conn_conf *conf, struct stream *stream)
{
    return &h2_conn_new(false, conf, &ops, &hear, stream)->base;
}
