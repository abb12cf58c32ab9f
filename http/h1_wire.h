#ifndef WEFT_HTTP_H1_WIRE_H
#define WEFT_HTTP_H1_WIRE_H

/* h1_wire - the bytes of one HTTP/1 connection on their way in and out.
 *
 * What h1_server and h1_client have in common: a stream, what was read from it and
 * not yet parsed, what was written and not yet sent, and how the current body is
 * framed.  Reading stops while unparsed bytes wait, so both sides are bounded.
 *
 * Lifetime: caller's memory; takes the stream, fini closes it.
 * Threads:  belongs to the loop. */
#include "base/stream.h"
#include "http/h1_write.h"
#include "http/transit.h"

enum {
    H1_WIRE_READ = 32 << 10,       /* at once */
    H1_WIRE_IN_BOUND = 96 << 10,   /* and what was read while the protocol was told apart */
    H1_WIRE_OUT_HIGH = 64 << 10,   /* no body is added above this */
    H1_WIRE_OUT_BOUND = 256 << 10, /* and a head, interim heads, trailers */
};

struct h1_wire {
    struct stream *stream;
    struct buf in, out;
    struct h1_write write;
    uint64_t sent;
    unsigned wanted;
    bool blocked; /* the stream takes no more for now */
};

void h1_wire_init(struct h1_wire *w, struct stream *stream);
void h1_wire_fini(struct h1_wire *w);

/* One read, behind what waits in `in`.  As stream_read. */
MUST_USE enum err h1_wire_read(struct h1_wire *w);
void h1_wire_parsed(struct h1_wire *w, size_t n);
/* Moves a turn's worth of t->body into `out`, and the end after the last of it.  LIMIT, INPUT: longer or
 * shorter than its content-length, or trailers that cannot be sent.  May come back with t->is_reset. */
MUST_USE enum err h1_wire_fill(struct h1_wire *w, struct transit *t);
/* As much of `out` as the stream takes.  IO: it is gone. */
MUST_USE enum err h1_wire_send(struct h1_wire *w);
/* Nothing of the message is left to be sent. */
bool h1_wire_all_sent(const struct h1_wire *w);
/* Hears of reading if `read`, and of writing while blocked. */
void h1_wire_want(struct h1_wire *w, bool read);

#endif
