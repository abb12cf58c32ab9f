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

struct shape_type;
struct shape_position;

struct shape_text {
    struct slice text;
    const struct shape_text *next;
};

/* What an importer wrote down as it stood: minLength, 3. */
struct shape_saying {
    struct slice word, text;
    const struct shape_saying *next;
};

/* What a value keeps to besides its type: names, contains 1, not, then IF, else IF. */
struct shape_aspect {
    struct slice role;
    const struct shape_position *position;
    const struct shape_aspect *next;
};

/* Constraints on a type or a position. */
struct shape_rule {
    bool nullable;
    struct slice bound[SHAPE_BOUNDS]; /* decimal text, or empty */
    struct slice format;
    const struct shape_text *patterns;
    const struct shape_text *values; /* nothing but these; NULL: any */
    const struct shape_saying *sayings;
    const struct shape_aspect *aspects;
};

/* What Avro compares besides. */
struct shape_avro {
    struct slice name, full;          /* of a named type, without and with its namespace */
    const struct shape_text *aliases; /* full names */
    struct slice size;                /* of fixed, in bytes */
    struct slice decimal;             /* "precision,scale" */
};

/* What few positions have. */
struct shape_more {
    struct shape_rule rule;
    struct slice only;            /* the direction in which it stands there; empty: both */
    struct slice otherwise;       /* default, as JSON text; or empty */
    const struct shape_text *was; /* what a member was called */
};

struct shape_position {
    struct slice name;
    struct slice type_name;
    struct slice member;           /* of a record */
    const struct shape_type *type; /* NULL: no such type */
    const struct shape_more *more; /* never NULL */
    const struct fact *fact;       /* that declares it */
    struct shape_position *next;
    bool required;
    bool again; /* another stands there by this name */
};

struct shape_type {
    struct slice name;
    enum shape_kind kind;
    uint32_t number;               /* types of one shape are numbered from 0 */
    struct slice least, most;      /* of whole numbers, as decimal text; or empty */
    const struct shape_rule *rule; /* never NULL */
    const struct fact *fact;       /* NULL: a scalar */
    struct shape_position *extra;  /* of a record: members it does not name; NULL: anything */
    struct shape_position *items;  /* of a list: elements by their place, in order */
    struct shape_avro *avro;       /* or NULL */
    bool closed, open;
    bool exclusive;   /* of a union: exactly one branch fits */
    bool null_inside; /* of a union: a branch may be null */
    struct slice fallback;
    /* Members by name; branches by number; the element; key and value; the alias's type. */
    struct shape_position *parts, *last;
    const struct fact **symbols;
    size_t symbol_count;
};

struct shape {
    struct map types, positions; /* by name */
    uint32_t type_count;         /* the least number that no type has */
    bool avro;                   /* read by the rules of Avro */
    struct shape_type *owner;    /* the last that was looked for, while it is made */
    struct arena *arena;
};

/* Of a position that says nothing besides its type. */
extern const struct shape_more shape_no_more;

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
/* The rules that hold at a position: 0 is its own, those of the types behind it follow; NULL: no more. */
const struct shape_rule *shape_rule_at(const struct shape_position *p, unsigned number);

/* -1: no such kind of bound. */
int shape_bound_find(struct slice kind);
/* Plain decimals: an optional minus, digits, at most one point between digits. */
bool shape_decimal(struct slice text);
/* PRE: both are decimals.  <0, 0, >0. */
int shape_decimal_cmp(struct slice a, struct slice b);
/* Every scalar's name, NULL-terminated; for suggestions. */
const char *const *shape_scalars(void);

#endif
