#ifndef WEFT_HTTP_H2_SESSION_H
#define WEFT_HTTP_H2_SESSION_H

/* h2_session - THE nghttp2 room: bytes in become calls about streams, calls become bytes out.
 *
 * Knows frames and flow control, not sockets or time-outs.  Body bytes go straight
 * from a transit's body into the output, and from the input to the transit's owner.
 * Never calls back from a submitting call, only from h2_session_feed and _fill.
 *
 * Lifetime: owned by an h2_conn; streams live in the arena of their transit.
 * Threads:  belongs to the loop.  Private to http/. */
#include "http/h2_guard.h"
#include "http/h2_mem.h"
#include "http/h2_order.h"
#include "http/transit.h"

struct h2_session;
struct h2_conn;

/* RFC 9113 section 7. */
enum h2_code {
    H2_NO_ERROR = 0,
    H2_PROTOCOL_ERROR = 1,
    H2_INTERNAL_ERROR = 2,
    H2_STREAM_CLOSED = 5,
    H2_REFUSED_STREAM = 7,
    H2_CANCEL = 8,
    H2_ENHANCE_YOUR_CALM = 11,
};

struct h2_stream {
    struct h2_conn *conn;
    struct transit *t;
    struct list link;            /* its conn's */
    int32_t id;                  /* 0: not on the wire yet, or no longer */
    int64_t moved_us;            /* when anything last moved in it */
    size_t credit;               /* bytes of room not yet given back to the peer: few, or none */
    struct h2_stream *news_next; /* the session's: what it has heard and not told yet */
    struct slice run;            /* body, borrowed of the feed at hand */
    enum err verdict;            /* on the head */
    uint32_t code;               /* it was closed with */
    enum transit_end how;
    uint8_t news;
    bool is_news;
    uint8_t infos;   /* 1xx heads so far */
    bool is_request; /* what comes in is a request */
    bool has_head;   /* the head proper is whole */
    bool oversized;  /* of the section at hand */
    bool is_sent;    /* our head has left */
    bool deferred;   /* the session waits for body */
    bool out_closed; /* END_STREAM of ours has left */
    bool reset_by_peer;
    bool is_over; /* `how` is decided */
};

/* All but `begin` come with the stream that h2_conn attached. */
struct h2_hear {
    /* Server side: a request begins; NULL refuses it. */
    struct h2_stream *(*begin)(struct h2_conn *c, int32_t id);
    /* The head of s->t->in is whole (1xx too); ERR_FULL: past its bounds, ERR_PEER: it contradicts itself. */
    void (*head)(struct h2_stream *s, bool end, enum err verdict);
    /* Off the wire; the session forgets it. */
    void (*closed)(struct h2_stream *s, uint32_t code);
    void (*settings)(struct h2_conn *c);
    void (*goaway)(struct h2_conn *c);
    void (*pong)(struct h2_conn *c);
};

/* `mem` may be NULL. */
struct h2_session *h2_session_new(bool is_server, struct h2_conn *c, const struct h2_hear *hear, uint32_t max_streams,
                                  struct h2_mem *mem);
void h2_session_free(struct h2_session **s);

/* CLOSED: the connection is over, say what is left (h2_session_fill) and close; h2_session_fault says why. */
MUST_USE enum err h2_session_feed(struct h2_session *s, struct slice bytes, int64_t now_us);
/* Moves frames into `out` until it holds `most` or there is nothing to say. */
MUST_USE enum err h2_session_fill(struct h2_session *s, struct buf *out, size_t most, int64_t now_us);
/* Nothing more to say or to hear. */
bool h2_session_over(const struct h2_session *s);
/* For people; NULL: it ended well. */
const char *h2_session_fault(const struct h2_session *s);

/* Sends s->t->out.  FULL: the peer has said that it takes no such head. */
MUST_USE enum err h2_session_request(struct h2_session *s, struct h2_stream *stream, bool end);
MUST_USE enum err h2_session_response(struct h2_session *s, struct h2_stream *stream, bool end);
MUST_USE enum err h2_session_info(struct h2_session *s, struct h2_stream *stream, unsigned status,
                                  const struct headers *fields);
/* t->body has grown or t->out_ended was set. */
void h2_session_wake(struct h2_session *s, struct h2_stream *stream);
/* Room for `n` more bytes, of the stream and of the connection. */
void h2_session_credit(struct h2_session *s, struct h2_stream *stream, size_t n);
/* The stream is not heard of any more; what its owner still owes is given back to the connection. */
void h2_session_detach(struct h2_session *s, struct h2_stream *stream);
void h2_session_reset(struct h2_session *s, struct h2_stream *stream, enum h2_code code);

void h2_session_ping(struct h2_session *s);
/* "No more, but what is under way may still arrive"; the final one names the last stream taken. */
void h2_session_goaway_soon(struct h2_session *s);
void h2_session_goaway(struct h2_session *s, enum h2_code code);

/* What the peer allows. */
uint32_t h2_session_peer_streams(const struct h2_session *s);
bool h2_session_peer_extends_connect(const struct h2_session *s);
/* For people: "CANCEL". */
const char *h2_session_code_text(uint32_t code);

#endif
