#ifndef WEFT_HTTP_H2_CONN_H
#define WEFT_HTTP_H2_CONN_H

/* h2_conn - what an HTTP/2 connection does on either side: move bytes, carry transits, keep time.
 *
 * Reading is done in turns of bounded size.  Writing happens once at the end of a turn,
 * however many frames there are.  An exchange that is over waits in `ended` until the
 * loop is free to say gone(), so no owner hears it inside a call of its own.
 *
 *     opening -> open -> draining -> closing        any -> closing
 *
 * Lifetime: h2_server or h2_client makes it; it frees itself after closed().
 * Threads:  belongs to the loop.  Private to http/. */
#include "base/sm.h"
#include "http/conn.h"
#include "http/h2_session.h"

enum h2_conn_state {
    H2_CONN_OPENING, /* the peer's first SETTINGS are awaited */
    H2_CONN_OPEN,
    H2_CONN_DRAINING, /* GOAWAY was said or heard: no new exchanges */
    H2_CONN_CLOSING,  /* everything ends in the next deferred call */
    H2_CONN_STATES
};
extern const struct sm_table h2_conn_states;

struct h2_conn {
    struct conn base;
    struct conn_conf conf;
    char *peer_addr;
    struct stream *stream;
    struct h2_session *session;
    struct sm state;
    bool is_server;
    bool stream_open;
    bool wants_write; /* the stream is full: its event goes on with flushing */
    bool news;        /* the host is to look again */
    bool said_last;   /* the final GOAWAY is out; a drain begins with a softer one */

    struct buf in;  /* bytes that came before the conn was made */
    struct buf out; /* frames on their way to the stream */
    struct list streams;
    struct list ended; /* over, gone() not yet said */
    struct loop_task flush;
    struct loop_task settle;

    struct due due;
    int64_t began_us;  /* made, or drain began */
    int64_t idle_us;   /* since when no exchange is in flight */
    int64_t heard_us;  /* last bytes from the peer */
    int64_t pinged_us; /* a PING waits for its answer; 0: none */
    int64_t asked_us;  /* the last PING; 0: none yet */
    int64_t head_us;   /* a field section is coming in; 0: none */

    const char *fault;    /* why it closes */
    enum transit_end how; /* what that is for the exchanges in flight */
};

extern const struct transit_carrier h2_conn_carrier;

struct h2_conn *h2_conn_new(bool is_server, const struct conn_conf *conf, const struct conn_ops *ops,
                            const struct h2_hear *hear, struct stream *stream);
/* What was read while the protocol was told apart; looked at once the caller has returned. */
void h2_conn_came_before(struct h2_conn *c, struct slice bytes);
/* Carries `t` from now on; counts the exchange. */
struct h2_stream *h2_conn_attach(struct h2_conn *c, struct transit *t, int32_t id);
/* The exchange is over: off the wire if it still is on it, gone() soon.  `fault` is static. */
void h2_conn_end(struct h2_stream *s, enum transit_end how, const char *fault);
/* The same, telling the peer. */
void h2_conn_end_reset(struct h2_stream *s, enum h2_code code, enum transit_end how, const char *fault);
/* There is something to say. */
void h2_conn_touch(struct h2_conn *c);
/* Soon: the last frames, gone() for what is in flight, closed(). */
void h2_conn_break(struct h2_conn *c, enum transit_end how, const char *fault);

/* Something that a host decides by has changed: it hears ready() or freed() soon. */
void h2_conn_news(struct h2_conn *c);
/* No new exchanges from now on; false: it was so already. */
bool h2_conn_drains(struct h2_conn *c);
/* The final GOAWAY: when the exchanges in flight have ended, the connection closes. */
void h2_conn_say_last(struct h2_conn *c);

bool h2_conn_is(const struct h2_conn *c, enum h2_conn_state state);

#endif
