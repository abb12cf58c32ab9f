#ifndef WEFT_CONTRACTS_IMPORT_JSCHEMA_REF_H
#define WEFT_CONTRACTS_IMPORT_JSCHEMA_REF_H

/* jschema_ref - where a $ref leads: inside its file by pointer, $anchor or $id, or into another file. */
#include "contracts/import/jschema_state.h"

/* The text of the node's $ref; empty: it has none. */
struct slice jschema_ref_text(const struct doc_node *n);
/* Follows $ref of any object (schema, parameter, response, ...): the node itself when there is none; NULL: it leads
 * nowhere, or round in a ring (said in diag). */
const struct doc_node *jschema_ref_resolve(struct jschema *j, const struct doc_node *n);

#endif
