#ifndef WEFT_CONTRACTS_IMPORT_JSCHEMA_BESIDE_H
#define WEFT_CONTRACTS_IMPORT_JSCHEMA_BESIDE_H

/* jschema_beside - what stands beside a union or a condition, and the two as one schema. */
#include "contracts/import/jschema_state.h"

/* Unions in unions are spread no deeper. */
enum { JSCHEMA_BESIDE_DEEPEST = 2 };

/* The node without what follows it. */
struct doc_node *jschema_beside_copy(struct jschema *j, const struct doc_node *n);
/* The schema without the words of unions and conditions. */
const struct doc_node *jschema_beside(struct jschema *j, const struct doc_node *n);
/* The schema without the words of conditions. */
const struct doc_node *jschema_beside_all(struct jschema *j, const struct doc_node *n);
/* A branch together with what stands beside the union. */
const struct doc_node *jschema_beside_spread(struct jschema *j, const struct doc_node *rest,
                                             const struct doc_node *branch);

#endif
