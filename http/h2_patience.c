#include "http/h2_patience.h"

/* From "going away soon" to the final GOAWAY, when no answer to our PING tells that it has arrived. */
enum { NOTICE_US = NOW_US_PER_S };
/* Servers of gRPC's libraries end a connection that is pinged more than twice in a silence within five minutes. */
enum { SPARSE_US = 305 * NOW_US_PER_S };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t after(int64_t from_us, int64_t delay_us)
{
    return delay_us > 0 && from_us > 0 ? from_us + delay_us : INT64_MAX;
}

static int64_t opening_due(const struct h2_conn *c)
{
    int64_t most = c->is_server ? c->conf.header_timeout_us : c->conf.connect_timeout_us;
    return h2_conn_is(c, H2_CONN_OPENING) ? after(c->began_us, most) : INT64_MAX;
}

static int64_t head_due(const struct h2_conn *c)
{
    return c->is_server ? after(c->head_us, c->conf.header_timeout_us) : INT64_MAX;
}

/* An idle connection is drained, so that a request on its way is told; a drained one is closed. */
static int64_t idle_due(const struct h2_conn *c)
{
    if (c->base.exchanges > 0)
        return INT64_MAX;
    return c->base.draining ? c->began_us + 2 * NOTICE_US : after(c->idle_us, c->conf.idle_timeout_us);
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Sidecars and other proxies allow the extended CONNECT, and count no PINGs at our pace. */
static int64_t next_ping_us(const struct h2_conn *c)
{
    bool is_patient = h2_session_peer_extends_connect(c->session);
    return is_patient || c->asked_us == 0 ? 0 : c->asked_us + SPARSE_US;
}

static int64_t ping_due(const struct h2_conn *c)
{
    if (c->is_server || h2_conn_is(c, H2_CONN_OPENING))
        return INT64_MAX;
    /* Any byte is a sign of life: an answer may queue behind a large body. */
    if (c->pinged_us)
        return after(most(c->pinged_us, c->heard_us), c->conf.ping_timeout_us);
    return most(after(c->heard_us, c->conf.ping_us), next_ping_us(c));
}

static int64_t notice_due(const struct h2_conn *c)
{
    return c->is_server && h2_conn_is(c, H2_CONN_DRAINING) && !c->said_last ? c->began_us + NOTICE_US : INT64_MAX;
}

static int64_t streams_due(const struct h2_conn *c)
{
    int64_t first = INT64_MAX;
    for (const struct list *at = c->streams.next; at != &c->streams; at = at->next)
        first = least(first, after(LIST_OF(at, struct h2_stream, link)->moved_us, c->conf.stream_idle_us));
    return first;
}

void h2_patience_arm(struct h2_conn *c)
{
    if (h2_conn_is(c, H2_CONN_CLOSING))
        return;
    int64_t at = least(least(opening_due(c), head_due(c)), least(idle_due(c), ping_due(c)));
    at = least(at, least(notice_due(c), streams_due(c)));
    if (c->base.exchanges > 0) /* they will end, and then the connection is idle */
        at = least(at, after(loop_turn_us(c->conf.loop), c->conf.idle_timeout_us));
    if (at == INT64_MAX)
        due_cancel(c->conf.clock, &c->due);
    else
        due_at(c->conf.clock, &c->due, at);
}

static void end_idle_streams(struct h2_conn *c, int64_t now_us)
{
    struct list *next;
    for (struct list *at = c->streams.next; at != &c->streams; at = next) {
        struct h2_stream *s = LIST_OF(at, struct h2_stream, link);
        next = at->next;
        if (after(s->moved_us, c->conf.stream_idle_us) <= now_us)
            h2_conn_end_reset(s, H2_CANCEL, TRANSIT_LATE, "nothing moved in the exchange for too long");
    }
}

static void ping(struct h2_conn *c, int64_t now_us)
{
    c->pinged_us = c->asked_us = now_us;
    h2_session_ping(c->session);
    h2_conn_touch(c);
}

void h2_patience_over(struct due *due)
{
    struct h2_conn *c = LIST_OF(due, struct h2_conn, due);
    int64_t now_us = loop_turn_us(c->conf.loop);
    if (opening_due(c) <= now_us)
        h2_conn_break(c, TRANSIT_UNSENT, "the handshake took too long");
    else if (head_due(c) <= now_us)
        h2_conn_break(c, TRANSIT_LATE, "a request head took too long");
    else if (idle_due(c) <= now_us && c->base.draining)
        h2_conn_break(c, TRANSIT_RESET, NULL);
    else if (idle_due(c) <= now_us)
        c->base.ops->drain(&c->base);
    else if (ping_due(c) <= now_us && c->pinged_us)
        h2_conn_break(c, TRANSIT_LATE, "the peer does not answer PING");
    else if (ping_due(c) <= now_us)
        ping(c, now_us);
    if (notice_due(c) <= now_us)
        h2_conn_say_last(c);
    end_idle_streams(c, now_us);
    h2_patience_arm(c);
}

void h2_patience_watch(struct h2_conn *c, const struct h2_stream *s)
{
    int64_t late_us = after(s->moved_us, c->conf.stream_idle_us);
    if (late_us < INT64_MAX && (!due_waits(&c->due) || c->due.at_us > late_us))
        h2_patience_arm(c);
}
