#ifndef WEFT_CONTRACTS_IMPORT_OPENAPI_READER_H
#define WEFT_CONTRACTS_IMPORT_OPENAPI_READER_H

/* openapi_reader - an OpenAPI document under way, and the operation that is being read.
 *
 * Lifetime: of one import; texts live in the draft's arena. */
#include "contracts/import/jschema.h"

struct openapi_reader {
    struct draft d;
    struct jschema *schemas;
    const struct import_input *in;
    const struct doc_node *root;
    struct slice operation;
    unsigned operations; /* so far */
};

bool openapi_reader_true(const struct doc_node *n);
/* The text of a string or a number under `key`. */
struct slice openapi_reader_text(const struct doc_node *n, const char *key, struct slice otherwise);
/* The first child of a map or list; NULL: it is no such thing. */
const struct doc_node *openapi_reader_children(const struct doc_node *n, enum doc_kind kind);
/* An error at the node. */
void openapi_reader_complain(struct openapi_reader *r, const struct doc_node *n, const char *fix, const char *what);
/* at(subject, ...): where the node's key stands, or the node itself. */
void openapi_reader_place(struct openapi_reader *r, struct slice subject, const struct doc_node *n);
void openapi_reader_unproven(struct openapi_reader *r, struct slice subject, const struct doc_node *n,
                             const char *word);
/* a, between, b. */
struct slice openapi_reader_join(struct openapi_reader *r, struct slice a, const char *between, struct slice b);
struct slice openapi_reader_lower(struct openapi_reader *r, struct slice text);
/* option(subject, name, value). */
void openapi_reader_option(struct openapi_reader *r, struct slice subject, const char *name, struct slice value);
/* The node as JSON, what it refers to left out; of a large one only how large it is. */
struct slice openapi_reader_said(struct openapi_reader *r, const struct doc_node *n);
/* option(subject, "default", JSON) when the schema has one. */
void openapi_reader_default(struct openapi_reader *r, struct slice subject, const struct doc_node *schema);
/* The type of a parameter or header, which has a schema or, under `content`, one media type with a schema. */
struct slice openapi_reader_type(struct openapi_reader *r, const struct doc_node *n, struct slice subject);

#endif
