#ifndef WEFT_DATALOG_DL_EVAL_H
#define WEFT_DATALOG_DL_EVAL_H

/* dl_eval - semi-naive fixpoint, group by group, under quotas of steps and tuples.
 *
 * The join (dl_join) walks one plan; the fixpoint decides which plans are walked
 * over which tuples.  Without proofs a group's first round takes everything and
 * later ones what is new.  With proofs the rounds go by height: round h derives
 * exactly the tuples whose least derivation has height h, so each tuple's first
 * derivation is a least one. */
#include "datalog/dl_join.h"

MUST_USE enum err dl_eval_run(struct datalog_run *r);

#endif
