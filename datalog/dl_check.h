#ifndef WEFT_DATALOG_DL_CHECK_H
#define WEFT_DATALOG_DL_CHECK_H

/* dl_check - what makes a rule safe: every variable bound, and no values made ever
 * new out of the rule's own.  With dl_group it promises that every program ends. */
#include "datalog/dl_rule.h"

/* Complains about every variable that no positive atom binds; false when there is one. */
bool dl_check_bound(struct datalog *p, const struct dl_texts *texts, const struct dl_rule *r);
/* Complains about a functor whose value feeds back into itself; needs dl_group. */
void dl_check_ends(struct datalog *p, const struct dl_texts *texts, struct dl_rule *r);

#endif
