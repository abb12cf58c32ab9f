#ifndef WEFT_DATALOG_DL_TYPE_H
#define WEFT_DATALOG_DL_TYPE_H

/* dl_type - which type every variable and constant of a rule has.
 *
 * Columns say it, comparisons and functors carry it on; a number that nothing
 * decides is a `number`.  Constants become words once their type is known. */
#include "datalog/dl_rule.h"

/* The word of a constant, which may be a record, in a column of this type of dl_types; false after a complaint. */
bool dl_type_constant(const struct datalog *p, struct dl_sym *symbols, const struct dl_texts *texts,
                      const struct dl_term *t, int declared, datalog_word *out);
/* false after a complaint. */
bool dl_type_rule(struct datalog *p, const struct dl_texts *texts, struct dl_rule *r);

#endif
