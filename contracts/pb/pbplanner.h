#ifndef WEFT_CONTRACTS_PB_PBPLANNER_H
#define WEFT_CONTRACTS_PB_PBPLANNER_H

/* pbplanner - the steps that turn one side's protobuf message into the other's.
 *
 * Fields of one name are the same, and so are those of one number when neither name is known on the other side.  Every
 * pair of fields that a message leads to is alike on the wire, or has steps, or there is no plan at all: what comes out
 * of a plan is what the reader would have been written.  Steps that may refuse a value are for responses, where a
 * sidecar can answer for the reader.
 *
 * Lifetime: caller's memory; what is found lives in the arena. */
#include "contracts/pb/pbtype.h"
#include "contracts/wire/plan.h"

struct pbplanner {
    struct arena *arena;
    bool response; /* else a request, whose values are never refused */
};

/* OK: a plan for the caller to unref, or NULL when there is nothing to do.  ABSENT: there is none, `*why` says why. */
MUST_USE enum err pbplanner_make(const struct pbplanner *p, const struct pbtype_message *writer,
                                 const struct pbtype_message *reader, struct plan **out, const char **why);

#endif
