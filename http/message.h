#ifndef WEFT_HTTP_MESSAGE_H
#define WEFT_HTTP_MESSAGE_H

/* message - the head of a request or a response: the one shape h1 and h2 both become.
 *
 * Lifetime: slices live in the arena of the transit that carries it.
 * Threads:  belongs to one. */
#include "http/headers.h"

struct message {
    /* a request */
    struct slice method;    /* "GET"; an extended CONNECT is the GET that HTTP/1.1 would have said */
    struct slice scheme;    /* "http", "https", or empty (CONNECT) */
    struct slice authority; /* host[:port]; from :authority, or Host */
    struct slice path;      /* origin form, with the query; "*" for OPTIONS; empty for CONNECT */
    struct slice protocol;  /* the protocol to go on in (Upgrade, or :protocol of RFC 8441), or empty */
    /* a response */
    unsigned status;     /* 100..599 */
    struct slice reason; /* h1 only; empty: the standard phrase */

    struct headers headers; /* no pseudo headers, no host, no connection headers */
    struct headers trailers;
    int64_t length; /* content-length, or -1 */
};

void message_init(struct message *m, struct arena *arena);
/* A request for a stream of bytes, not for an answer: CONNECT, or one with a protocol to go on in. */
bool message_tunnels(const struct message *request);
/* Does this status open the tunnel that was asked for: a 2xx to CONNECT, 101 to an offer?  With any other it was an
 * ordinary request without a body.  (A 2xx to an extended CONNECT is a 101 to the GET that it stands for.) */
bool message_opens(const struct message *request, unsigned status);
/* The path without its query. */
struct slice message_path_only(const struct message *m);
/* RFC 9110 section 15: "Not Found"; "Unknown" for what it does not name. */
const char *message_reason(unsigned status);
/* Does a response with this status to this method carry no body (HEAD, 1xx, 204, 304)? */
bool message_bodiless(struct slice method, unsigned status);

#endif
