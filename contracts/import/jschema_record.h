#ifndef WEFT_CONTRACTS_IMPORT_JSCHEMA_RECORD_H
#define WEFT_CONTRACTS_IMPORT_JSCHEMA_RECORD_H

/* jschema_record - schemas of objects: members, the rest beside them, counts, names. */
#include "contracts/import/jschema_own.h"

/* The type's name, which is a record, or a map when an OpenAPI schema names no member. */
struct slice jschema_record_make(struct jschema_own *o, const struct doc_node *n);

#endif
