#ifndef WEFT_CONTRACTS_FACTS_H
#define WEFT_CONTRACTS_FACTS_H

/* facts - a pair of contracts as the facts of one run of the embedded rules.
 *
 * The rules are loaded when they are first needed, which takes milliseconds, and stay: a megabyte and a half of memory.
 * Who lives long and judges seldom keeps them only while there is something to judge. */
#include "contracts/contract.h"
#include "contracts/profile.h"
#include "datalog/datalog.h"

/* All embedded rules; a fault in them is a broken promise. */
const struct datalog *facts_program(void);
/* A run of the rules that such contracts need, with both contracts' facts in it, not evaluated yet.  The caller
 * frees it. */
struct datalog_run *facts_run(const struct contract *consumer, const struct contract *provider,
                              const struct profile *profile, const struct datalog_limits *limits);

/* From the first facts_keep on rules stay only while somebody keeps them: each keep is followed by one facts_let_go,
 * and between the two lie all runs of whoever asked, until they are freed.  Any thread. */
void facts_keep(void);
void facts_let_go(void);

#endif
