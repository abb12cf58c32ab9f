#ifndef WEFT_CONTRACTS_IMPORT_JSCHEMA_UNION_H
#define WEFT_CONTRACTS_IMPORT_JSCHEMA_UNION_H

/* jschema_union - anyOf and oneOf as unions. */
#include "contracts/import/jschema_own.h"

bool jschema_union_is(const struct doc_node *n);
/* Unions in unions in unions, or with words that look into the branches: nothing is read of them. */
bool jschema_union_hides(const struct jschema *j, const struct doc_node *n, bool named);
/* The type's name, a union unless it has one branch beside null.  PRE: the schema is a union that does not hide.
 * `nullable` is set when null fits. */
struct slice jschema_union_make(struct jschema_own *o, const struct doc_node *n, bool named, bool *nullable);

#endif
