#ifndef WEFT_CONTRACTS_IMPORT_JSCHEMA_STATE_H
#define WEFT_CONTRACTS_IMPORT_JSCHEMA_STATE_H

/* jschema_state - what one reading of schemas has learnt so far: files, names that are taken, types that are made.
 *
 * Lifetime: of the reading; keys and texts live in the draft's arena.
 * Threads:  belongs to one. */
#include "base/map.h"
#include "contracts/import/jschema.h"

/* A file that was read: the document of the input is the first.  Names are as `read` takes them. */
struct jschema_file {
    struct jschema_file *next;
    const char *name;
    const struct doc_node *root;
};

struct jschema {
    struct draft *draft;
    const struct import_input *in;
    enum jschema_dialect dialect;
    struct jschema_file *files;
    struct map by_node;  /* address of a schema to its type's name */
    struct map by_file;  /* name of a file to its struct jschema_file */
    struct map by_name;  /* names that are taken */
    struct map file_of;  /* address of a node to its struct jschema_file, when it is not the first */
    struct arena *arena; /* the draft's */
    unsigned depth;
    const char *null_word; /* of OpenAPI 3.0; Swagger 2.0 has none but what tools agree on */
    bool lonely_refs;      /* before 2019-09, what stands beside a $ref says nothing */
    unsigned spreads;      /* unions in unions, each with what stands beside it */
};

/* Schemas in schemas, without a $ref between them. */
enum { JSCHEMA_STATE_DEEPEST = 128 };

/* An error at the node: `what`, and `of` in backticks. */
void jschema_state_complain(struct jschema *j, const struct doc_node *n, const char *fix, const char *what,
                            struct slice of);
/* A copy belongs to the file of what it is a copy of. */
void jschema_state_belongs(struct jschema *j, const struct doc_node *copy, const struct doc_node *of);
/* The file that the node stands in; NULL: the first. */
const char *jschema_state_file(const struct jschema *j, const struct doc_node *n);
/* The node's address as the key of a map; lives in the arena. */
struct slice jschema_state_address(struct jschema *j, const struct doc_node *const *n);

#endif
