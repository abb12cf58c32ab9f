#ifndef WEFT_CONTRACTS_IMPORT_JSCHEMA_LIST_H
#define WEFT_CONTRACTS_IMPORT_JSCHEMA_LIST_H

/* jschema_list - schemas of arrays: elements, places, counts, contains. */
#include "contracts/import/jschema_own.h"

/* The type's name, which is a list. */
struct slice jschema_list_make(struct jschema_own *o, const struct doc_node *n);

#endif
