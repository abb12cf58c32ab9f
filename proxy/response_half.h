#ifndef WEFT_PROXY_RESPONSE_HALF_H
#define WEFT_PROXY_RESPONSE_HALF_H

/* response_half - of a relay: from whoever answers back to the caller.
 *
 * Lifetime: part of its relay.
 * Threads:  belongs to the loop. */
#include "proxy/relay_inside.h"

/* What `up` brings; its owner_data is the relay. */
extern const struct transit_owner response_half_owner;
/* The caller has room again. */
void response_half_sent(struct relay *r);

#endif
