#ifndef WEFT_CONTRACTS_IMPORT_JSCHEMA_BOUND_H
#define WEFT_CONTRACTS_IMPORT_JSCHEMA_BOUND_H

/* jschema_bound - what numbers and texts keep to: bounds, multiples, lengths, patterns, formats. */
#include "contracts/import/jschema_own.h"

/* bound(type, kind, value); what is no number says nothing. */
void jschema_bound_put(struct jschema_own *o, const char *kind, const struct doc_node *value);
/* Every word for numbers; `whole`: a strict bound is the next whole number. */
void jschema_bound_number(struct jschema_own *o, const struct doc_node *n, bool whole);
/* Every word for texts. */
void jschema_bound_string(struct jschema_own *o, const struct doc_node *n);

#endif
