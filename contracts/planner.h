#ifndef WEFT_CONTRACTS_PLANNER_H
#define WEFT_CONTRACTS_PLANNER_H

/* planner - the steps that the rules offer, laid out along the body they belong to.
 *
 * A plan is made only when every difference that the body leads to has a step and
 * every step has a place in the data: then nothing is left that the rules call
 * incompatible, which is what makes the plan right. */
#include "contracts/graph.h"
#include "contracts/shape.h"

struct planner {
    const struct shape *writer, *reader;
    struct arena *arena; /* scratch */
};

enum { PLANNER_STEPS = 1024 };

/* OK: a plan that the caller unrefs, or NULL when there is nothing to do.  ABSENT: there is none, `*why` says
 * why in half a sentence. */
MUST_USE enum err planner_make(const struct planner *p, struct graph_root *root, struct plan **out, const char **why);

#endif
