#ifndef WEFT_BASE_DOC_H
#define WEFT_BASE_DOC_H

/* doc - a document, JSON (RFC 8259) or YAML 1.2, as a tree that remembers lines and columns.
 *
 * JSON is told by its first character and read by our own strict reader; the rest is YAML.  YAML
 * aliases are shared, not copied, and merge keys are carried out.  Depth over 200, more than 4 million
 * nodes counted with what aliases repeat, and duplicate keys are refused with their place.
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
    unsigned count;          /* of children */
    unsigned weight;         /* of nodes in it, with what aliases repeat */
    struct doc_node **index; /* of a large map, by hash; a power of two of places */
    unsigned index_cap;
};

/* INPUT: complaints are in `diag`. */
MUST_USE enum err doc_parse(struct slice text, const char *file, struct arena *arena, struct diag *diag,
                            struct doc_node **out);
/* NULL: no such key, or no map. */
const struct doc_node *doc_get(const struct doc_node *map, const char *key);
const struct doc_node *doc_find(const struct doc_node *map, struct slice key);
/* A JSON Pointer (RFC 6901), without the '#'; NULL: it leads nowhere. */
const struct doc_node *doc_pointer(const struct doc_node *root, struct slice pointer);
/* A JSON number in its one spelling, plain decimal when that is short: "1.50" is 1.5, "1e2" is 100. */
void doc_put_number(struct slice written, struct buf *out);
/* Canonical JSON: keys sorted, no blanks, numbers as doc_put_number has them. */
void doc_put_json(const struct doc_node *n, struct buf *out);

/* For the readers of JSON and YAML. */
enum { DOC_DEPTH = 200, DOC_WEIGHT = 4000000 };
/* The last child of what is under construction is `*last`, NULL at first. */
void doc_add(struct doc_node *parent, struct doc_node *child, struct doc_node **last);
/* Makes the index.  EXISTS: a key stands there twice, `*again` is the second. */
MUST_USE enum err doc_close(struct doc_node *map, struct arena *arena, const struct doc_node **again);
/* The YAML half of doc_parse. */
MUST_USE enum err doc_yaml_parse(struct slice text, const char *file, struct arena *arena, struct diag *diag,
                                 struct doc_node **out);
/* -12.5e+3 and the like. */
bool doc_is_number(struct slice text);

#endif
