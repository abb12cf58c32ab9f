#ifndef WEFT_DATALOG_DL_TYPES_H
#define WEFT_DATALOG_DL_TYPES_H

/* dl_types - the types that a program declares, and which of them are parts of which.
 *
 * A type is a number: the four base types come first, in the order of enum
 * datalog_type.  Its *root* is what its values are: a base type, a record or a
 * variant.  Two values can only be compared when their roots are one.
 *
 * Lifetime: the program's.  Names and fields live in its arena. */
#include "base/map.h"
#include "datalog/dl_ast.h"

enum { DL_TYPES_BASE = 4, DL_TYPES_MOST = 1024, DL_TYPES_UNKNOWN = -1 };

enum dl_form { DL_FORM_BASE, DL_FORM_SUBSET, DL_FORM_ALIAS, DL_FORM_UNION, DL_FORM_RECORD, DL_FORM_VARIANT };

/* What a record holds, or one branch of a variant. */
struct dl_branch {
    struct slice name; /* empty: a record's */
    unsigned count;
    const int *types; /* declared; DL_TYPES_UNKNOWN after a complaint */
};

struct dl_type {
    struct slice name;
    struct dl_at at;
    enum dl_form form;
    int root;         /* DL_TYPES_UNKNOWN after a complaint */
    const int *parts; /* of a union all, of a subset or an alias the one it is of */
    unsigned part_count;
    const struct dl_branch *branches; /* of a record one */
    unsigned branch_count;
};

struct dl_types {
    struct dl_type *v;
    unsigned count, cap;
    struct map by_name; /* struct dl_type */
};

/* Room for `most` types, and not for more than DL_TYPES_MOST. */
void dl_types_init(struct dl_types *t, struct arena *arena, unsigned most);
void dl_types_fini(struct dl_types *t);
/* Room for a type that dl_types_define says more of.  Twice the same name is complained about. */
void dl_types_declare(struct dl_types *t, struct arena *arena, const struct dl_texts *texts,
                      const struct dl_item *item);
/* All are declared: now what they are, with every complaint there is. */
void dl_types_define(struct dl_types *t, struct arena *arena, const struct dl_texts *texts, const struct dl_item *item);
void dl_types_root(struct dl_types *t, const struct dl_texts *texts);

/* DL_TYPES_UNKNOWN after a complaint. */
int dl_types_find(const struct dl_types *t, const struct dl_texts *texts, struct slice name, struct dl_at at);
int dl_types_root_of(const struct dl_types *t, int type);
/* How values of this root are kept. */
enum datalog_type dl_types_class(int root);
const char *dl_types_name(const struct dl_types *t, int type);
/* Is every value of `a` one of `b`? */
bool dl_types_part(const struct dl_types *t, int a, int b);
/* The branch of a variant that has this name, and whose it is; NULL: none has. */
const struct dl_branch *dl_types_branch(const struct dl_types *t, struct slice name, int *type);

#endif
