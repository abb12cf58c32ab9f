#ifndef WEFT_CONTRACTS_WIRE_TRANSCODE_PLAN_H
#define WEFT_CONTRACTS_WIRE_TRANSCODE_PLAN_H

/* transcode_plan - a plan between two ends of which one, or both, speak protobuf's JSON.
 *
 * The writer's JSON becomes the writer's message, the plan between the messages does its part, and the reader's JSON is
 * made of the reader's message: what only JSON misreads, a field of another name, comes out right on the way.
 *
 * Threads: pure. */
#include "contracts/wire/pbmould.h"
#include "contracts/wire/plan.h"

struct transcode_plan_end {
    bool json; /* else protobuf */
    struct pbmould *types;
    const struct pbmould_message *message;
};

/* `between` is for protobuf, or NULL: the messages are alike.  The caller unrefs it; NULL: there is nothing to do. */
struct plan *transcode_plan_new(const struct plan *between, const struct transcode_plan_end *from,
                                const struct transcode_plan_end *to);
/* Has some step no types yet? */
bool transcode_plan_lacks_types(const struct plan *p);

#endif
