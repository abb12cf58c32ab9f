#ifndef WEFT_DATALOG_DL_SUBTYPE_H
#define WEFT_DATALOG_DL_SUBTYPE_H

/* dl_subtype - no rule puts a value into a column of a type that it need not be of.
 *
 * A variable is of every type that a positive atom says of it; what all of these
 * have in common must be part of the type of each head column it stands in.
 * Functors may give any value of their root, and `as` says otherwise. */
#include "datalog/dl_rule.h"

/* false after a complaint.  The rule's roots are known already. */
bool dl_subtype_check(struct datalog *p, const struct dl_texts *texts, const struct dl_rule *r);

#endif
