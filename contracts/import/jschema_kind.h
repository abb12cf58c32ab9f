#ifndef WEFT_CONTRACTS_IMPORT_JSCHEMA_KIND_H
#define WEFT_CONTRACTS_IMPORT_JSCHEMA_KIND_H

/* jschema_kind - the kinds of values that a schema speaks of, and a type for one or several. */
#include "contracts/import/jschema_own.h"

/* Sets of kinds have the bit 1 << kind. */
enum {
    JSCHEMA_KIND_NULL,
    JSCHEMA_KIND_BOOL,
    JSCHEMA_KIND_NUMBER,
    JSCHEMA_KIND_INTEGER,
    JSCHEMA_KIND_STRING,
    JSCHEMA_KIND_LIST,
    JSCHEMA_KIND_RECORD,
    JSCHEMA_KINDS
};

/* The set of the kind that `type` names; 0: there is no such kind. */
unsigned jschema_kind_of(struct slice word);
/* The set that the schema's `type` gives; a number may be whole. */
unsigned jschema_kind_said(struct jschema_own *o, const struct doc_node *n);
/* The type that no value has; `forced`: under the own name. */
struct slice jschema_kind_never(struct jschema_own *o, bool forced);
/* The type of a schema without unions and listed values; `nullable` is set when null is among its kinds. */
struct slice jschema_kind_plain(struct jschema_own *o, const struct doc_node *n, bool forced, bool *nullable);

#endif
