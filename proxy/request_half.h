#ifndef WEFT_PROXY_REQUEST_HALF_H
#define WEFT_PROXY_REQUEST_HALF_H

/* request_half - of a relay: from the caller to whoever answers.
 *
 * Lifetime: part of its relay.
 * Threads:  belongs to the loop. */
#include "proxy/relay_inside.h"

/* Inquiry has said yes: `up` is asked of a pool, and what the caller has said so far goes on. */
void request_half_start(struct relay *r);
/* What came of the body, and its end. */
void request_half_data(struct relay *r, struct slice bytes);
void request_half_end(struct relay *r);
/* `up` has room again. */
void request_half_sent(struct relay *r);

/* Can the request be sent once more, as far as its body and the count of attempts go? */
bool request_half_repeatable(const struct relay *r);
/* Once more, over another `up`.  PRE: repeatable, and `up` is gone. */
void request_half_repeat(struct relay *r);
/* May it be sent twice without the provider being asked (RFC 9110 section 9.2.2, or by the contract)? */
/* The queue before our function lets it in, or does not. */
void request_half_turn(struct gate_wait *w, bool is_in);
/* May it be done twice: a method that only asks (RFC 9110 section 9.2.1), or one that the contract calls idempotent? */
bool request_half_safe(const struct relay *r);
bool request_half_idempotent(const struct relay *r);

#endif
