#ifndef WEFT_DATALOG_DL_GROUP_H
#define WEFT_DATALOG_DL_GROUP_H

/* dl_group - relations that need each other, lowest first, and their rules.
 *
 * Evaluated in this order, whatever is negated or aggregated is complete before
 * anyone asks; where that cannot be, the cycle is named. */
#include "datalog/dl_rule.h"

/* Fills in groups, dl_relation.group and dl_rule.recursive; complaints are in texts->diag. */
void dl_group_find(struct datalog *p, const struct dl_texts *texts);

#endif
