#ifndef WEFT_CONTRACTS_IMPORT_JSCHEMA_OWN_H
#define WEFT_CONTRACTS_IMPORT_JSCHEMA_OWN_H

/* jschema_own - a type under way: the name that it takes when it first needs one, and what is put under it. */
#include "contracts/import/jschema_state.h"

struct jschema_own {
    struct jschema *j;
    const struct doc_node *node;
    struct slice name;
    bool taken;
    unsigned kinds; /* what the listed values are, when they are listed */
};

/* A name of its own for what a $ref leads to: the last part of the pointer. */
struct slice jschema_own_name_of(struct jschema *j, struct slice ref);
/* The type's name, which is taken from here on. */
struct slice jschema_own_take(struct jschema_own *o);
void jschema_own_place(struct jschema_own *o);
/* unproven(type, word, what the node says). */
void jschema_own_unproven(struct jschema_own *o, const struct doc_node *n, struct slice word);
/* The same for each word that the schema has; NULL-terminated. */
void jschema_own_unproven_words(struct jschema_own *o, const struct doc_node *n, const char *const *words);
/* One for each entry, so that fewer entries ask for less. */
void jschema_own_unproven_entries(struct jschema_own *o, const struct doc_node *n, const char *word);
/* aspect(type, role, type of the schema). */
void jschema_own_aspect(struct jschema_own *o, struct slice role, const struct doc_node *schema);
/* Nothing is known of it but what it was called: any value to a writer, no value surely to a reader. */
struct slice jschema_own_opaque(struct jschema_own *o, const struct doc_node *n, const char *word);

#endif
