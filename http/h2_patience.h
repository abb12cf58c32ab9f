#ifndef WEFT_HTTP_H2_PATIENCE_H
#define WEFT_HTTP_H2_PATIENCE_H

/* h2_patience - how long an HTTP/2 connection waits for what, over one deadline.
 *
 * The handshake, a request head, the next exchange, the answer to a PING, the end of a
 * drain, and anything at all within an exchange.  Work moves none of these: each looks
 * at when something last happened, and the deadline is set anew when it is reached.
 *
 * Threads: belongs to the loop.  Private to http/. */
#include "http/h2_conn.h"

/* Sets the deadline to the first of all. */
void h2_patience_arm(struct h2_conn *c);
/* The same, if this new exchange could be late before that. */
void h2_patience_watch(struct h2_conn *c, const struct h2_stream *s);
/* The deadline: does what is due. */
void h2_patience_over(struct due *due);

#endif
