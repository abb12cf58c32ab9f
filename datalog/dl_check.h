#ifndef WEFT_DATALOG_DL_CHECK_H
#define WEFT_DATALOG_DL_CHECK_H

/* dl_check - what makes a program safe: every variable bound, negation and
 * aggregates stratified, and no rule that makes ever new values out of its own.
 *
 * Together they promise that every program ends. */
#include "datalog/dl_rule.h"

/* Complains about every variable that no positive atom binds; false when there is one. */
bool dl_check_bound(struct datalog *p, const struct dl_texts *texts, const struct dl_rule *r);
/* Groups relations that need each other, lowest first, and complains about a group that needs its
 * own negation. */
void dl_check_groups(struct datalog *p, const struct dl_texts *texts);
/* Complains about a functor whose value feeds back into itself; needs groups. */
void dl_check_ends(struct datalog *p, const struct dl_texts *texts, const struct dl_rule *r);

#endif
