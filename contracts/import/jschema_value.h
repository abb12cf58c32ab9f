#ifndef WEFT_CONTRACTS_IMPORT_JSCHEMA_VALUE_H
#define WEFT_CONTRACTS_IMPORT_JSCHEMA_VALUE_H

/* jschema_value - schemas that list their values: enum and const. */
#include "contracts/import/jschema_own.h"

/* PRE: the schema has one of them.  `nullable` is set when null is listed. */
struct slice jschema_value_make(struct jschema_own *o, const struct doc_node *n, bool *nullable);

#endif
