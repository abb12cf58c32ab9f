#ifndef WEFT_CONTRACTS_WIRE_REWRITE_PB_H
#define WEFT_CONTRACTS_WIRE_REWRITE_PB_H

/* rewrite_pb - a plan on the binary encoding of protobuf.
 *
 * What no step touches is copied, whole runs at a time.  A value that a step looks at, and a message of the
 * body with steps inside, are held until they are whole; groups are not.
 *
 * Lifetime: as rewrite. */
#include "contracts/wire/pbplan.h"
#include "contracts/wire/rewrite.h"

/* PRE: plan_is_protobuf. */
struct rewrite *rewrite_pb_new(struct plan *plan, size_t max_hold);
/* One stage alone. */
struct rewrite *rewrite_pb_stage(struct plan *plan, const struct pbplan *stage, size_t max_hold);
/* After rewrite_finish: the next message begins. */
void rewrite_pb_again(struct rewrite *r);

#endif
