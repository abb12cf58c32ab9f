#ifndef WEFT_TESTS_LAWS_REWRITE_PB_BY_HAND_H
#define WEFT_TESTS_LAWS_REWRITE_PB_BY_HAND_H

/* rewrite_pb_by_hand - what a plan makes of a protobuf body, the slow and plain way: every step looked up in the
 * plan's list, every message made in a buffer of its own.
 *
 * Only bodies whose messages have shortest lengths and keys come out byte by byte as the real one gives them. */
#include "contracts/wire/plan.h"

/* false: the body is refused. */
bool rewrite_pb_by_hand(const struct plan *plan, struct slice body, struct buf *out);

#endif
