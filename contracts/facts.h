#ifndef WEFT_CONTRACTS_FACTS_H
#define WEFT_CONTRACTS_FACTS_H

/* facts - a pair of contracts as the facts of one run of the embedded rules.
 *
 * The rules are loaded once in a process. */
#include "contracts/contract.h"
#include "contracts/profile.h"
#include "datalog/datalog.h"

/* All embedded rules; a fault in them is a broken promise. */
const struct datalog *facts_program(void);
/* A run of the rules that such contracts need, with both contracts' facts in it, not evaluated yet.  The caller
 * frees it. */
struct datalog_run *facts_run(const struct contract *consumer, const struct contract *provider,
                              const struct profile *profile, const struct datalog_limits *limits);

#endif
