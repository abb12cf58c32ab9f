#ifndef WEFT_DATALOG_DL_BOUND_H
#define WEFT_DATALOG_DL_BOUND_H

/* dl_bound - which variables have a value once some goals hold. */
#include "datalog/dl_rule.h"

/* Has every variable of the expression a value? */
bool dl_bound_expr(const struct dl_expr *e, const bool *bound);
/* Have all variables that an aggregate takes from outside a value? */
bool dl_bound_fold(const struct dl_goal *fold, const bool *bound);
/* Is it a range of which both ends have a value? */
bool dl_bound_each(const struct dl_goal *g, const bool *bound);
/* An equation that gives its one free side a value: which side, or -1. */
int dl_bound_let(const struct dl_goal *g, const bool *bound);

typedef bool dl_bound_fn(const void *arg, const struct dl_goal *atom);
/* Marks in `bound` what the goals bind, in whatever order; only atoms for which `binds` is true do. */
void dl_bound_goals(const struct dl_goal *goals, unsigned count, dl_bound_fn *binds, const void *arg, bool *bound);

#endif
