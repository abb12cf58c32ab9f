#ifndef WEFT_CONTRACTS_IMPORT_JSCHEMA_SAID_H
#define WEFT_CONTRACTS_IMPORT_JSCHEMA_SAID_H

/* jschema_said - a node and all that it refers to as a text: equal texts mean the same. */
#include "contracts/import/jschema_state.h"

/* Short enough to show, and different when what is said differs; lives in the arena. */
struct slice jschema_said(struct jschema *j, const struct doc_node *n);

#endif
