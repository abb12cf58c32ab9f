#ifndef WEFT_CLI_CHECK_PLAN_H
#define WEFT_CLI_CHECK_PLAN_H

/* check_plan - the plans of one verdict as they are printed: between a caller and a function of which either may speak
 * protobuf's JSON.
 *
 * Lifetime: caller's memory; check_plan_fini is safe on a zeroed one.  The verdict outlives it. */
#include "contracts/verdict.h"
#include "contracts/wire/pbmould.h"

/* Who speaks JSON; bits. */
enum check_plan_json { CHECK_PLAN_CALLER = 1, CHECK_PLAN_FUNCTION = 2 };

struct check_plan {
    unsigned json;
    struct pbmould *caller, *function; /* NULL: their contract is not of protobuf */
};

void check_plan_init(struct check_plan *p, const struct verdict *v, unsigned json);
void check_plan_fini(struct check_plan *p);
/* For the caller to unref; NULL: there is nothing to do, or it cannot be done. */
struct plan *check_plan_of(const struct check_plan *p, const struct verdict_operation *op, enum verdict_direction d);

#endif
