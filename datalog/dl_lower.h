#ifndef WEFT_DATALOG_DL_LOWER_H
#define WEFT_DATALOG_DL_LOWER_H

/* dl_lower - items to relations, rules and facts: every name is looked up.
 *
 * A component is lowered once per .init, under that instance's prefix: inside
 * `.init old = C` the name `field` means `old.field` if C declares it. */
#include "datalog/dl_rule.h"

/* Complaints are in texts->diag; what they touch is left out. */
void dl_lower(struct datalog *p, const struct dl_item *items, const struct dl_texts *texts);

#endif
