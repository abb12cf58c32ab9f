#ifndef WEFT_CONTRACTS_WIRE_REWRITE_H
#define WEFT_CONTRACTS_WIRE_REWRITE_H

/* rewrite - one plan applied to one body: feed, take, finish; bounded memory.
 *
 * Bytes go in as they come and come out as they go.  What no step touches is
 * copied, byte for byte: numbers keep their digits, strings their escapes, members
 * their order.  At most one member is held, up to `max_hold`.
 *
 * Lifetime: keeps a reference on the plan.
 * Threads:  belongs to one; pure. */
#include "base/buf.h"
#include "contracts/wire/plan.h"

struct rewrite;

enum { REWRITE_MAX_HOLD = 1 << 20, REWRITE_DEPTH = 128 };

/* JSON (RFC 8259). */
struct rewrite *rewrite_json_new(struct plan *plan, size_t max_hold);
void rewrite_free(struct rewrite **r);

/* What a `put` step puts, as JSON; copied.  PRE: nothing was fed, and it is JSON. */
void rewrite_give(struct rewrite *r, size_t step, struct slice json);
/* What a `take` step has taken, as JSON.  ABSENT: nothing yet. */
MUST_USE enum err rewrite_taken(const struct rewrite *r, size_t step, struct slice *json);

/* Adds what is ready to `out`.  OK.  PEER: not JSON, or not a body that this plan can rewrite.
 * FULL: a member is over max_hold, or `out` is at its bound.  After an error it stays in error. */
MUST_USE enum err rewrite_feed(struct rewrite *r, struct slice bytes, struct buf *out);
/* The body has ended.  PEER: it ended too early. */
MUST_USE enum err rewrite_finish(struct rewrite *r, struct buf *out);

/* After an error: one sentence ("duplicate member \"qty\""), the path and the byte offset. */
const char *rewrite_fault(const struct rewrite *r);
uint64_t rewrite_offset(const struct rewrite *r);
/* How often each step was applied; as many as plan_count. */
const uint64_t *rewrite_applied(const struct rewrite *r);

#endif
