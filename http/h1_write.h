#ifndef WEFT_HTTP_H1_WRITE_H
#define WEFT_HTTP_H1_WRITE_H

/* h1_write - messages into bytes of an HTTP/1.1 connection (RFC 9112).
 *
 * The head decides how the body is framed: counted when its headers have a
 * content-length, none when there is no body, else chunked, or to the close for a
 * reader of 1.0.  Connection headers are written from that decision, never copied.
 * Nothing is added to `out` unless the call succeeds.
 *
 * Lifetime: a plain value, one per message.
 * Threads:  pure. */
#include "base/buf.h"
#include "http/message.h"

enum h1_framing { H1_NO_BODY, H1_COUNTED, H1_CHUNKED, H1_TO_CLOSE };

struct h1_write {
    enum h1_framing framing;
    uint64_t left; /* H1_COUNTED: bytes still promised */
    bool ended;
};

/* What the request, or its connection, demands of the response. */
struct h1_write_answer {
    struct slice method;
    unsigned minor;  /* the reader's HTTP/1.minor */
    bool keep_alive; /* H1_TO_CLOSE comes with connection: close all the same */
    bool end;        /* there is no body */
};

/* INPUT: the head cannot be put on the wire safely (a line end in a value, no path, a
 * content-length that is no number or that `end` contradicts).  FULL: `out` is at its bound. */
MUST_USE enum err h1_write_request(struct h1_write *w, struct buf *out, const struct message *m, bool end);
MUST_USE enum err h1_write_response(struct h1_write *w, struct buf *out, const struct message *m,
                                    const struct h1_write_answer *how);
/* The head that opens a tunnel: 101 with `protocol`, or 200 for CONNECT.  What follows goes to the close. */
MUST_USE enum err h1_write_tunnel(struct h1_write *w, struct buf *out, const struct message *m, struct slice protocol);
/* A 1xx; `fields` may be NULL. */
MUST_USE enum err h1_write_info(struct buf *out, unsigned status, const struct headers *fields);

enum { H1_WRITE_AROUND_CHUNK = 20 };
/* At most `bytes.len` + H1_WRITE_AROUND_CHUNK bytes of `out`; none with H1_NO_BODY (HEAD).
 * LIMIT: more than content-length promised. */
MUST_USE enum err h1_write_body(struct h1_write *w, struct buf *out, struct slice bytes);
/* Trailers are for H1_CHUNKED; otherwise they are dropped.  INPUT: fewer bytes than promised, or a bad trailer. */
MUST_USE enum err h1_write_end(struct h1_write *w, struct buf *out, const struct headers *trailers);

#endif
