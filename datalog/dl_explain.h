#ifndef WEFT_DATALOG_DL_EXPLAIN_H
#define WEFT_DATALOG_DL_EXPLAIN_H

/* dl_explain - one derivation per tuple, and for a tuple that is not there the
 * rules that nearly gave it.
 *
 * The run keeps, per tuple, the rule that gave it and its height.  A derivation
 * is found again by walking that rule's body with its head bound, over tuples of
 * less height.  A tuple that is needed twice is derived once. */
#include "datalog/dl_join.h"

/* As datalog_explain and datalog_why_not promise. */
MUST_USE enum err dl_explain_proof(struct datalog_run *r, int rel, const datalog_word *columns, struct arena *arena,
                                   struct datalog_proof **out);
MUST_USE enum err dl_explain_absence(struct datalog_run *r, int rel, const datalog_word *columns, struct arena *arena,
                                     struct datalog_why_not **out);

#endif
