#ifndef WEFT_DATALOG_DL_PROSE_H
#define WEFT_DATALOG_DL_PROSE_H

/* dl_prose - goals, proofs and near misses for people to read.
 *
 * Whatever it prints is bounded: long symbols, rules and trees are cut short. */
#include "datalog/dl_join.h"

/* The goal with values in place of variables; of `bound` slots only, the others keep their names
 * (NULL: all are bound). */
struct slice dl_prose_goal(const struct datalog_run *r, const struct dl_rule *rule, const struct dl_goal *g,
                           const datalog_word *slots, const bool *bound, struct arena *arena);
void dl_prose_put_proof(const struct datalog_run *r, const struct datalog_proof *proof, struct buf *out);
void dl_prose_put_why_not(const struct datalog_why_not *w, struct buf *out);

#endif
