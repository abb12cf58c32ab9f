#ifndef WEFT_CONTRACTS_WIRE_TRANSCODE_PB_H
#define WEFT_CONTRACTS_WIRE_TRANSCODE_PB_H

/* transcode_pb - a protobuf message that becomes JSON, as protobuf's own JSON has it.
 *
 * The fields of a message may come in any order, and the last one counts, so the body is held, up to `max_hold`.  What
 * the message does not know is left out.  Refused are Any, messages whose fields are not known, what has no JSON (a
 * text that is no UTF-8, a time out of range), and what becomes more than GROWTH times as long.
 *
 * Lifetime: as rewrite; the step's types outlive it, as its plan does. */
#include "contracts/wire/rewrite.h"

enum { TRANSCODE_PB_GROWTH = 16 };

/* PRE: `step` of the plan is `transcode protobuf -> json`, with types that have its message. */
struct rewrite *transcode_pb_new(struct plan *plan, size_t step, size_t max_hold);

#endif
