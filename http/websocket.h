#ifndef WEFT_HTTP_WEBSOCKET_H
#define WEFT_HTTP_WEBSOCKET_H

/* websocket - the two fields of its handshake that HTTP/1.1 needs and HTTP/2 has not (RFC 6455, RFC 8441).
 *
 * Whoever speaks HTTP/1.1 to a side that asked or answered over HTTP/2 adds them here;
 * where both sides have HTTP/1.1 they cross as they are.
 *
 * Threads: pure but for the random key. */
#include "http/message.h"

/* Is this request one for a websocket? */
bool websocket_is(const struct message *request);
/* Adds the key and the version, unless they are there.  FULL: no room for them. */
MUST_USE enum err websocket_ask(struct message *request);
/* Adds the answer to the request's key to a response, unless it is there or there is no key.  FULL. */
MUST_USE enum err websocket_accept(const struct message *request, struct message *response);

#endif
