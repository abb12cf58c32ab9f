#ifndef WEFT_TESTS_LAWS_REWRITE_BY_HAND_H
#define WEFT_TESTS_LAWS_REWRITE_BY_HAND_H

/* rewrite_by_hand - what a plan means, told slowly: a tree of the body, every step looked up by its path.
 *
 * Shares nothing with the rewriter that streams but exact arithmetic on numbers. */
#include "contracts/json_value.h"
#include "contracts/wire/plan.h"

/* Adds the body as it goes out, without blanks.  false: it is refused. */
bool rewrite_by_hand(const struct plan *p, const struct json_value *body, struct buf *out);
/* A value as it is, in the same spelling. */
void rewrite_by_hand_put(const struct json_value *v, struct buf *out);

#endif
