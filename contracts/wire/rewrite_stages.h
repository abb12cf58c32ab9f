#ifndef WEFT_CONTRACTS_WIRE_REWRITE_STAGES_H
#define WEFT_CONTRACTS_WIRE_REWRITE_STAGES_H

/* rewrite_stages - a plan of several stages, each fed with what the one before gives.
 *
 * A plan of one stage needs no more than its rewriter. */
#include "contracts/wire/plan_tree.h"
#include "contracts/wire/rewrite.h"

struct rewrite *rewrite_stages_new(struct plan *plan, size_t max_hold);
/* One stage alone. */
struct rewrite *rewrite_json_stage(struct plan *plan, const struct plan_tree *stage, size_t max_hold);

#endif
