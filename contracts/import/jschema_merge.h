#ifndef WEFT_CONTRACTS_IMPORT_JSCHEMA_MERGE_H
#define WEFT_CONTRACTS_IMPORT_JSCHEMA_MERGE_H

/* jschema_merge - a schema with allOf as one schema that says the same.
 *
 * Members of several parts are merged in turn; where two parts say different things
 * that cannot be put into one word, there is no merged schema. */
#include "contracts/import/jschema.h"

/* NULL: it cannot be said in one schema. */
const struct doc_node *jschema_merge(struct jschema *j, const struct doc_node *n, struct arena *arena, unsigned depth);

#endif
