#ifndef WEFT_DATALOG_DL_GUESS_H
#define WEFT_DATALOG_DL_GUESS_H

/* dl_guess - about how many tuples of a relation have one and the same key, from a
 * look at some of them.
 *
 * They are taken at random.  Among n, c have the key of an earlier one; then there are
 * about n * n / 2c keys (the birthday paradox), or just n - c when most came again.
 *
 * Threads: as the relation. */
#include "datalog/dl_rel.h"

/* `mask`: the key's columns; 0: how many tuples there are. */
uint32_t dl_guess_matches(const struct dl_rel *r, uint32_t mask);

#endif
