#ifndef WEFT_BASE_DOC_H
#define WEFT_BASE_DOC_H

/* doc - a document, JSON (RFC 8259) or YAML 1.2, as a tree that remembers lines and columns.
 *
 * JSON is told by its first character and read by our own strict reader; the rest is YAML.  YAML
 * aliases are shared, not copied; depth over 200, more than 8 million nodes counted with
 * what aliases repeat, and duplicate keys are refused with their place.
 *
 * Lifetime: nodes live in the arena; text too.
 * Threads:  immutable once read. */
#include "base/diag.h"

enum doc_kind { DOC_NULL, DOC_BOOL, DOC_NUMBER, DOC_STRING, DOC_LIST, DOC_MAP };

struct doc_node {
    enum doc_kind kind;
    unsigned line, column;
    struct slice key;  /* inside a map */
    unsigned key_line; /* and where it stands */
    struct slice text; /* string: decoded; number: as written; bool: true or false */
    struct doc_node *first, *next;
    unsigned count; /* of children */
};

/* INPUT: complaints are in `diag`. */
MUST_USE enum err doc_parse(struct slice text, const char *file, struct arena *arena, struct diag *diag,
                            struct doc_node **out);
/* NULL: no such key, or no map. */
const struct doc_node *doc_get(const struct doc_node *map, const char *key);
const struct doc_node *doc_find(const struct doc_node *map, struct slice key);
/* A JSON Pointer (RFC 6901), without the '#'; NULL: it leads nowhere. */
const struct doc_node *doc_pointer(const struct doc_node *root, struct slice pointer);
/* Canonical JSON: keys sorted, no blanks, numbers in one spelling (1.0 is 1, 1e2 is 100). */
void doc_put_json(const struct doc_node *n, struct buf *out);

#endif
