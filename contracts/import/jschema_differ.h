#ifndef WEFT_CONTRACTS_IMPORT_JSCHEMA_DIFFER_H
#define WEFT_CONTRACTS_IMPORT_JSCHEMA_DIFFER_H

/* jschema_differ - can two branches of a union fit one value? */
#include "contracts/import/jschema_state.h"

/* No value fits two of them; false: not known.  They differ by their kind, or by a member that tells them apart. */
bool jschema_differ(struct jschema *j, const struct doc_node *list);

#endif
