#ifndef WEFT_CONTRACTS_SHAPE_H
#define WEFT_CONTRACTS_SHAPE_H

/* shape - the types of one contract, for C to walk: what a body must look like.
 *
 * A *position* is where a value stands (a member, an element, a body) and a *type*
 * what may stand there.  Positions are named as the rules name them: "Order.qty",
 * "Lines[]", "Prices{}", "Prices{key}", "Pay|0", "get.query.limit",
 * "create:request:application/json", "create:response:201:application/json".
 *
 * Lifetime: points into the facts and the arena it was made in.
 * Threads:  immutable once made. */
#include "base/map.h"
#include "contracts/fact.h"

enum shape_kind {
    SHAPE_ANY,
    SHAPE_BOOL,
    SHAPE_STRING,
    SHAPE_BYTES,
    SHAPE_WHOLE, /* int32 ... integer */
    SHAPE_REAL,  /* float, double, number */
    SHAPE_RECORD,
    SHAPE_ENUM,
    SHAPE_LIST,
    SHAPE_MAP,
    SHAPE_UNION,
    SHAPE_ALIAS,
};

enum shape_bound {
    SHAPE_MIN,
    SHAPE_MAX,
    SHAPE_MIN_LENGTH,
    SHAPE_MAX_LENGTH,
    SHAPE_MIN_ITEMS,
    SHAPE_MAX_ITEMS,
    SHAPE_ABOVE,
    SHAPE_BELOW,
    SHAPE_MULTIPLE_OF,
    SHAPE_BOUNDS
};

/* Constraints on a type or a position. */
struct shape_rule {
    bool nullable;
    struct slice bound[SHAPE_BOUNDS]; /* decimal text, or empty */
    struct slice pattern, format;
    bool opaque; /* it asks for more than is known here */
};

struct shape_type;

struct shape_position {
    struct slice name;
    struct slice type_name;
    const struct shape_type *type; /* NULL: no such type */
    struct shape_rule rule;
    const struct fact *fact; /* that declares it */
    struct slice member;     /* of a record */
    bool required;
    struct slice otherwise; /* default, as JSON text; or empty */
    struct shape_position *next;
};

struct shape_type {
    struct slice name;
    enum shape_kind kind;
    struct slice least, most; /* of whole numbers, as decimal text; or empty */
    struct shape_rule rule;
    const struct fact *fact;      /* NULL: a scalar */
    struct shape_position *extra; /* of a record: members it does not name; NULL: anything */
    bool closed, open;
    bool null_inside; /* of a union: a branch may be null */
    struct slice fallback;
    /* Members by name; branches by number; the element; key and value; the alias's type. */
    struct shape_position *parts, *last;
    const struct fact **symbols;
    size_t symbol_count;
};

struct shape {
    struct map types, positions; /* by name */
    struct arena *arena;
};

/* `facts` are sorted. */
void shape_init(struct shape *s, const struct fact_list *facts, struct arena *arena);
void shape_fini(struct shape *s);

const struct shape_type *shape_type(const struct shape *s, struct slice name);
const struct shape_position *shape_position(const struct shape *s, struct slice name);
/* The type behind aliases; NULL when there is none, or a ring of aliases. */
const struct shape_type *shape_base(const struct shape_type *t);
/* The tightest bound that is declared on the position or on a type behind it; empty: none. */
struct slice shape_tightest(const struct shape_position *p, enum shape_bound b);
bool shape_nullable(const struct shape_position *p);
/* The position or a type behind it asks for more than is known here: a value made for it may be refused. */
bool shape_opaque(const struct shape_position *p);

/* -1: no such kind of bound. */
int shape_bound_find(struct slice kind);
/* Plain decimals: an optional minus, digits, at most one point between digits. */
bool shape_decimal(struct slice text);
/* PRE: both are decimals.  <0, 0, >0. */
int shape_decimal_cmp(struct slice a, struct slice b);
/* Every scalar's name, NULL-terminated; for suggestions. */
const char *const *shape_scalars(void);

#endif
