#ifndef WEFT_HTTP_H1_PARSE_H
#define WEFT_HTTP_H1_PARSE_H

/* h1_parse - bytes of an HTTP/1 connection into messages, strictly (RFC 9112).
 *
 * Give it bytes as they come; it may stop at any of them and go on later, and where
 * the bytes were cut changes nothing.  It keeps at most one unfinished line.
 *
 *     HEAD, DATA*, END          a request, or a response
 *     INFO*, HEAD, DATA*, END   a response with interim ones before it
 *     BAD                       refused, at any point; `refused` says why, nothing more can be read
 *
 * Lifetime: caller's memory; init makes it ready for a first message, next for one after it.
 *           The message's arena must live until h1_parse_forget or the end.
 * Threads:  pure. */
#include "base/buf.h"
#include "base/sm.h"
#include "http/h1_head.h"

enum {
    H1_PARSE_HEAD_MOST = 64 << 10,       /* a head, or a trailer section */
    H1_PARSE_EXTENSIONS_MOST = 16 << 10, /* chunk extensions of one message */
    H1_PARSE_INFOS_MOST = 16,
};

enum h1_found {
    H1_NOTHING, /* never returned */
    H1_MORE,    /* the bytes are used up, or the next one belongs to a body and `most` is 0 */
    H1_INFO,    /* a 1xx response: message.status and headers, until the next call */
    H1_HEAD,    /* the head is whole; `facts` is set */
    H1_DATA,    /* a piece of the body */
    H1_END,     /* the message is whole, with its trailers; bytes left over belong to the next */
    H1_BAD,
};

enum h1_parse_side { H1_PARSE_REQUESTS, H1_PARSE_RESPONSES };

struct h1_parse {
    struct sm state;
    enum h1_parse_side side;
    struct message *message; /* NULL: read and forgotten */
    struct buf line;         /* the beginning of an unfinished line */
    uint32_t head_left;      /* bytes this head or trailer section may still have */
    uint32_t extensions_left;
    uint64_t left; /* of a counted body, or of a chunk */
    unsigned chunk_digits;
    bool quoted, escaped; /* within a chunk's extension */
    unsigned infos;
    bool line_used;  /* the line has been read and can go */
    bool blank_seen; /* the one empty line before a request (RFC 9112 section 2.2) */
    bool no_body;    /* the response to HEAD */
    bool to_connect; /* the response to CONNECT */
    bool may_switch; /* the response to an offer of another protocol */
    struct h1_head_facts facts;
    enum h1_refusal refused;
};

void h1_parse_init(struct h1_parse *p, enum h1_parse_side side);
void h1_parse_fini(struct h1_parse *p);

/* Ready for the next message, which goes into `m`, initialised. */
void h1_parse_request(struct h1_parse *p, struct message *m);
/* `method` is that of the request it answers: it decides whether there can be a body. */
void h1_parse_response(struct h1_parse *p, struct message *m, struct slice method);

/* That request offered another protocol: a 101 is its answer, and everything after it the body. */
void h1_parse_may_switch(struct h1_parse *p);
/* After the H1_HEAD of a request for a tunnel whatever comes is H1_DATA; this says that it is refused: the request
 * ends here, and the next bytes belong to another one. */
void h1_parse_no_tunnel(struct h1_parse *p);

/* Takes used bytes off the front of `*in`.  H1_DATA: `*piece`, at most `most` bytes, borrows from `*in`. */
enum h1_found h1_parse_next(struct h1_parse *p, struct slice *in, size_t most, struct slice *piece);
/* The peer has closed.  H1_END: that was how the body ends.  H1_BAD: cut off. */
enum h1_found h1_parse_closed(struct h1_parse *p);
/* Nothing is stored any more: the message may go before its body is read. */
void h1_parse_forget(struct h1_parse *p);

/* After H1_HEAD: is there no body at all? */
bool h1_parse_bodiless(const struct h1_parse *p);
/* Has any byte of this message come? */
bool h1_parse_begun(const struct h1_parse *p);

#endif
