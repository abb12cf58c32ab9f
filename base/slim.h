#ifndef WEFT_BASE_SLIM_H
#define WEFT_BASE_SLIM_H

/* slim - what OpenSSL keeps of a handshake and an open connection has no use for.
 *
 * A third of what an idle connection holds is the peer's certificates, read and taken
 * apart, the session they belong to, and the two keys of the exchange.  Who the peer is
 * has been written down by then (creds_peer).  The private half of an exchange is better
 * gone, too: while it lies about, what was sent before is only as secret as our memory.
 *
 * The connection goes on as before: records, key updates, tickets, alerts.  Afterwards
 * OpenSSL cannot be asked for the peer's certificates or for its session, nor prove
 * again who we are.
 *
 * Lifetime: nothing to keep.
 * Threads:  may be called from any thread, for connections of its own. */
struct ssl_st;

/* PRE: the handshake is over. */
void slim_down(struct ssl_st *ssl);

#endif
