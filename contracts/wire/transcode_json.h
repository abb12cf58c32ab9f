#ifndef WEFT_CONTRACTS_WIRE_TRANSCODE_JSON_H
#define WEFT_CONTRACTS_WIRE_TRANSCODE_JSON_H

/* transcode_json - JSON, as protobuf has it, that becomes a protobuf message.
 *
 * Members may have the name of the JSON or of the file; numbers of 64 bits may stand in strings and other numbers too;
 * null is as good as nothing.  A member that the message does not have is left out, or refused when the step says so.
 * Refused are members that come twice, two of one oneof, values of another kind or out of range, symbols that the enum
 * does not have, Any, and messages without a required field.
 *
 * JSON is read as it comes; the message has its lengths in front, so it is held until it is whole, up to `max_hold`.
 *
 * Lifetime: as rewrite; the step's types outlive it, as its plan does. */
#include "contracts/wire/rewrite.h"

/* PRE: `step` of the plan is `transcode json -> protobuf`, with types that have its message. */
struct rewrite *transcode_json_new(struct plan *plan, size_t step, size_t max_hold);
/* The same, and nothing comes out: for who asks only whether it can be done.  `max_hold` bounds one string. */
struct rewrite *transcode_json_check(struct plan *plan, size_t step, size_t max_hold);

#endif
