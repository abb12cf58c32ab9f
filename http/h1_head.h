#ifndef WEFT_HTTP_H1_HEAD_H
#define WEFT_HTTP_H1_HEAD_H

/* h1_head - what the lines of an HTTP/1 head mean, and which heads are refused (RFC 9112).
 *
 * h1_parse cuts the lines; this file judges them, one at a time and then the head as
 * a whole.  Whatever two readers could understand differently is refused by name.
 *
 * Lifetime: what is kept of a line is copied into the arena of the message.
 * Threads:  pure. */
#include "http/message.h"

/* name, status to answer with, word for the weft-error header and the log */
#define H1_REFUSALS(X)                                        \
    X(FINE, 0, "")                                            \
    X(BARE_LINE_FEED, 400, "bare-line-feed")                  \
    X(BARE_RETURN, 400, "bare-carriage-return")               \
    X(CONTROL, 400, "control-character")                      \
    X(REQUEST_LINE, 400, "bad-request-line")                  \
    X(METHOD, 400, "bad-method")                              \
    X(TARGET, 400, "bad-target")                              \
    X(TARGET_LONG, 414, "target-too-long")                    \
    X(VERSION, 400, "bad-version")                            \
    X(STRANGE, 400, "not-http")                               \
    X(VERSION_OTHER, 505, "version-not-supported")            \
    X(STATUS_LINE, 400, "bad-status-line")                    \
    X(SWITCHED, 400, "unasked-switch-of-protocols")           \
    X(INFO_FLOOD, 400, "too-many-interim-responses")          \
    X(FOLDED, 400, "folded-field")                            \
    X(NAME, 400, "bad-field-name")                            \
    X(HEAD_LARGE, 431, "head-too-large")                      \
    X(HOST_MISSING, 400, "host-missing")                      \
    X(HOST_TWICE, 400, "host-twice")                          \
    X(HOST, 400, "bad-host")                                  \
    X(LENGTH, 400, "bad-content-length")                      \
    X(LENGTHS, 400, "two-content-lengths")                    \
    X(LENGTH_AND_CODING, 400, "length-and-transfer-encoding") \
    X(CODING, 400, "bad-transfer-encoding")                   \
    X(CODING_UNKNOWN, 501, "unknown-transfer-coding")         \
    X(CONNECTION, 400, "bad-connection-option")               \
    X(CONNECT_BODY, 400, "connect-with-body")                 \
    X(EXPECT, 417, "unknown-expectation")                     \
    X(CHUNK, 400, "bad-chunk")                                \
    X(CHUNK_SIZE, 400, "chunk-size-overflow")                 \
    X(CHUNK_EXTENSIONS, 400, "chunk-extensions-too-long")     \
    X(TRAILER, 400, "bad-trailer")                            \
    X(CUT_OFF, 400, "cut-off")

#define H1_REFUSAL_ENUM_(name, status, word) H1_##name,
enum h1_refusal { H1_REFUSALS(H1_REFUSAL_ENUM_) H1_REFUSAL_COUNT };
#undef H1_REFUSAL_ENUM_

enum { H1_HEAD_TARGET_MOST = 8 << 10, H1_HEAD_METHOD_MOST = 32 };

/* What a head says about its connection and its body; the fields that said so are consumed. */
struct h1_head_facts {
    unsigned minor; /* HTTP/1.minor: 0 or 1 */
    bool keep_alive;
    bool chunked;
    bool expects_continue; /* and HTTP/1.1 */
};

unsigned h1_head_status(enum h1_refusal why);
const char *h1_head_word(enum h1_refusal why);

/* The first line, without its line end. */
MUST_USE enum h1_refusal h1_head_request_line(struct slice line, struct message *m, unsigned *minor);
MUST_USE enum h1_refusal h1_head_status_line(struct slice line, struct message *m, unsigned *minor);
/* One field line; `into` may be NULL: it is judged and dropped. */
MUST_USE enum h1_refusal h1_head_field(struct slice line, struct headers *into);
/* Framing, routing and connection fields have no place after a body (RFC 9110 section 6.5.1). */
bool h1_head_may_trail(struct slice name);
/* As h1_head_field, for what may trail. */
MUST_USE enum h1_refusal h1_head_trailer(struct slice line, struct headers *into);

/* All lines are in: decides framing and persistence, moves Host to m->authority and drops
 * connection headers.  `facts->minor` is set.  m->length is the content-length, or -1. */
MUST_USE enum h1_refusal h1_head_request(struct message *m, struct h1_head_facts *facts);
MUST_USE enum h1_refusal h1_head_response(struct message *m, struct h1_head_facts *facts);

#endif
