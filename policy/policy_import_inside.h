#ifndef WEFT_POLICY_POLICY_IMPORT_INSIDE_H
#define WEFT_POLICY_POLICY_IMPORT_INSIDE_H

/* policy_import_inside - what the importers share: documents, refusals, and conditions being written. */
#include "base/buf.h"
#include "base/doc.h"
#include "policy/policy_import.h"

struct policy_import_doc {
    struct policy_import_doc *next;
    const struct policy_import_text *text;
    struct slice padded; /* the document on its own lines of the file */
    struct doc_node *root;
};

struct policy_import {
    const struct policy_import_conf *conf;
    struct arena arena;
    struct diag *diag;
    struct buf *out, helpers; /* rules, and the relations that they need */
    struct policy_import_doc *first;
    const struct policy_import_doc *doc; /* being read: for the places of refusals */
    unsigned helper_count;
};

/* ---- reading ---- */

struct slice policy_import_text(const struct doc_node *map, const char *key); /* empty: none, or no text */
/* Nothing is written: this cannot be said, or is not understood. */
void policy_import_refuse(struct policy_import *p, const struct doc_node *at, const char *fix, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* Refuses every key of `map` that is not among `known` (NULL-terminated). */
void policy_import_only(struct policy_import *p, const struct doc_node *map, const char *const *known,
                        const char *what);

/* ---- writing ---- */

/* One condition being put together: alternatives, of which one is enough. */
struct policy_import_any {
    struct policy_import *import;
    struct slice name; /* of its relation */
    unsigned count;
    bool named;        /* a relation also for one body: for variables of its own, or to be excluded later */
    struct slice only; /* the body of the first */
};
void policy_import_any_init(struct policy_import_any *a, struct policy_import *p, const char *what);
/* A body: `peer("x")`, `path(P), match("/a.*", P)`. */
void policy_import_any_add(struct policy_import_any *a, struct slice body);
/* What to write into a rule: the one body itself, or the relation that has them all; with `negated` none of them may
 * hold.  No alternative at all never holds. */
struct slice policy_import_any_end(struct policy_import_any *a, bool negated);

/* ", " between conditions. */
void policy_import_and(struct policy_import *p, struct buf *body, struct slice condition);
struct slice policy_import_quoted(struct policy_import *p, struct slice text);
/* `rel("x")` for x, `rel(V), match("x.*", V)` for x*, the same for *x; `rel(_)` for *.  `before` stands before x and
 * before the pattern; `columns` stands before the value: "\"name\", ". */
struct slice policy_import_value(struct policy_import *p, const char *relation, const char *columns, const char *before,
                                 struct slice value);
struct slice policy_import_regex(struct policy_import *p, struct slice text); /* every special character escaped */

void policy_import_istio(struct policy_import *p);
void policy_import_linkerd(struct policy_import *p);
void policy_import_consul(struct policy_import *p);

#endif
