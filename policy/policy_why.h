#ifndef WEFT_POLICY_POLICY_WHY_H
#define WEFT_POLICY_POLICY_WHY_H

/* policy_why - a decision in plain sentences: the rule that made it with its proof, or the
 * rule that came nearest to allowing and the literal at which it failed. */
#include "datalog/datalog.h"

/* `run` has been evaluated with proofs; `allow` and `deny` are its relations. */
void policy_why_put(struct datalog_run *run, int allow, int deny, struct buf *out);
/* Where the rule or fact stands that made this tuple without columns true.  false: it is not true. */
bool policy_why_place(struct datalog_run *run, int relation, const char **file, unsigned *line);

#endif
