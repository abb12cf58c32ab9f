#ifndef WEFT_CONTRACTS_WIRE_FIT_H
#define WEFT_CONTRACTS_WIRE_FIT_H

/* fit - does one body fit its contract?  Told while it streams.
 *
 * Bytes are looked at, never changed.  A body that does not fit is refused at the first
 * token that shows it: a value of another kind, a broken bound, a value that is none of
 * those declared, a member that is missing, comes twice or is not known where all are.
 *
 * Lifetime: the mould outlives it.
 * Threads:  belongs to one; pure. */
#include "base/buf.h"
#include "contracts/wire/mould.h"

struct fit;

/* JSON.  Strings that must be looked at are held, up to `max_hold`. */
struct fit *fit_json_new(const struct mould_node *body, size_t max_hold);
void fit_free(struct fit **f);

/* OK.  PEER: not JSON or protobuf, or not a body of this mould.  FULL: a string over max_hold, or too many members.
 * After an error it stays in error. */
MUST_USE enum err fit_feed(struct fit *f, struct slice bytes);
/* The body has ended.  PEER: it ended too early. */
MUST_USE enum err fit_finish(struct fit *f);

/* After an error: one sentence with path and byte ("member \"qty\" is missing at /lines/[3] (byte 71)"). */
const char *fit_fault(const struct fit *f);
uint64_t fit_offset(const struct fit *f);

#endif
