#ifndef WEFT_HTTP_HOP_H
#define WEFT_HTTP_HOP_H

/* hop - what crosses from one connection to the next, and between HTTP/1 and HTTP/2.
 *
 * h1 and h2 become the same message, so crossing is passing on a head by one table.
 * What the table leaves out is done where the protocol is spoken:
 *
 *     host / :authority    message.authority on both sides
 *     transfer-encoding    h1_parse and h1_write; HTTP/2 has frames
 *     reason phrase        kept h1 to h1, invented by h1_write, unknown to HTTP/2
 *     HTTP/1.0             h1_server: no chunks, no 1xx; to everyone else it is 1.1
 *     expect               answered by the server side of each connection
 *
 * Lifetime: `out` borrows the bytes of `in`, which must outlive it; what is new lives in the arena of `out`.
 * Threads:  pure. */
#include "http/message.h"

struct hop {
    bool from_outside; /* came from a peer, not from our own function: what only we may say is dropped */
    bool to_h2;
};

/* `out` is initialised and empty.  FULL: over the bounds of headers. */
MUST_USE enum err hop_request(const struct message *in, struct message *out, struct hop hop);
MUST_USE enum err hop_response(const struct message *in, struct message *out);
/* Once the body has ended. */
MUST_USE enum err hop_trailers(const struct message *in, struct message *out);
/* Does this 1xx cross?  Not 100, which is between neighbours, and never 101. */
bool hop_info(unsigned status);

#endif
