#ifndef WEFT_CONTRACTS_IMPORT_SWAGGER_NODE_H
#define WEFT_CONTRACTS_IMPORT_SWAGGER_NODE_H

/* swagger_node - nodes of a document that nobody wrote, at the places of what they stand for.
 *
 * Lifetime: nodes and texts live in the schemas' arena. */
#include "contracts/import/jschema_state.h"

/* A map or a list under construction. */
struct swagger_node {
    struct jschema *schemas;
    struct doc_node *made, *last;
};

/* `key`: in its parent; empty in a list. */
struct swagger_node swagger_node_start(struct jschema *j, enum doc_kind kind, struct slice key,
                                       const struct doc_node *at);
void swagger_node_put(struct swagger_node *n, struct doc_node *child);
/* A copy of the child, under `key`. */
void swagger_node_copy(struct swagger_node *n, const struct doc_node *child, struct slice key);
/* Copies of all children but those whose keys are named; NULL-terminated. */
void swagger_node_copy_but(struct swagger_node *n, const struct doc_node *from, const char *const *but);
void swagger_node_text(struct swagger_node *n, const char *key, struct slice text);
void swagger_node_bool(struct swagger_node *n, const char *key, bool value);

#endif
