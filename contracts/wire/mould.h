#ifndef WEFT_CONTRACTS_WIRE_MOULD_H
#define WEFT_CONTRACTS_WIRE_MOULD_H

/* mould - the bodies of one contract, made ready so that a reader can hold each token
 * against them (fit).
 *
 * It takes whatever the contract may take: what cannot be told from one token, or from
 * the end of one object, is let through (which of several record branches a union means,
 * what `not` and `contains` say, formats, patterns that are not regular).
 *
 * Lifetime: keeps a reference on the contract.
 * Threads:  immutable once made. */
#include "contracts/contract.h"
#include "contracts/wire/json_names.h"

/* Kinds of values, one bit each. */
enum mould_kind {
    MOULD_OBJECT = 1,
    MOULD_ARRAY = 2,
    MOULD_STRING = 4,
    MOULD_NUMBER = 8,
    MOULD_BOOL = 16,
    MOULD_NULL = 32,
    MOULD_ANY = 63,
};

struct mould_node;
struct mould_set;
struct mould_pattern;

struct mould_member {
    struct slice name;
    uint64_t hash; /* json_names_hash of it */
    const struct mould_node *node;
    bool required;
};

enum mould_bound { MOULD_LEAST, MOULD_MOST, MOULD_MIN, MOULD_MAX, MOULD_ABOVE, MOULD_BELOW, MOULD_BOUNDS };

/* What may stand at one place.  Which parts are looked at depends on the kind of the value. */
struct mould_node {
    unsigned takes; /* bits of mould_kind */

    bool numeric;      /* numbers are looked at */
    bool whole, quick; /* quick: what lies between low and high fits, and more may */
    int64_t low, high;
    struct slice bound[MOULD_BOUNDS], multiple; /* plain decimals, or empty */

    bool textual; /* strings are looked at */
    bool base64, lengths_alone;
    uint64_t min_length, max_length; /* characters */
    struct mould_set *sets;          /* of values; one of each is meant.  Numbers and words, too */
    const struct mould_pattern *patterns;

    uint64_t min_count, max_count; /* elements or members */

    struct mould_member *members;
    size_t member_count, required_count;
    const struct mould_member **quick_members; /* by hash: open addressing, NULL is free */
    size_t quick_cap;
    const struct mould_node *extra; /* other members; NULL: there are none */
    const struct mould_node *key;   /* their names; NULL: any */

    const struct mould_node *element, **items; /* items by place first */
    size_t item_count;

    const struct mould_node **branches; /* of a union; one of them besides */
    size_t branch_count;

    const struct shape_position *position;
    struct mould_node *next; /* to be filled */
};

struct mould;

struct mould *mould_new(struct contract *c);
void mould_free(struct mould **m);

/* The body of a request or response ("create:request:application/json"); NULL: there is none. */
const struct mould_node *mould_body(const struct mould *m, struct slice position);
/* By operation, status and media type (without parameters): the status's own entry, that of its class, default. */
const struct mould_node *mould_request(const struct mould *m, struct slice operation, struct slice media);
const struct mould_node *mould_response(const struct mould *m, struct slice operation, unsigned status,
                                        struct slice media);

static inline const struct mould_member *mould_member(const struct mould_node *n, struct slice name, uint64_t hash)
{
    if (n->quick_cap == 0)
        return NULL;
    for (size_t i = hash & (n->quick_cap - 1); n->quick_members[i]; i = (i + 1) & (n->quick_cap - 1))
        if (n->quick_members[i]->hash == hash && json_names_same(n->quick_members[i]->name, name))
            return n->quick_members[i];
    return NULL;
}

/* What is wrong with a value that is neither object nor array, or with the name of a member. */
enum mould_flaw_kind {
    MOULD_FITS,
    MOULD_OTHER_KIND,
    MOULD_NOT_WHOLE,
    MOULD_BOUND,
    MOULD_MULTIPLE,
    MOULD_SHORT,
    MOULD_LONG,
    MOULD_NOT_BASE64,
    MOULD_NO_VALUE,
    MOULD_PATTERN
};
struct mould_flaw {
    enum mould_flaw_kind kind;
    unsigned bound;      /* enum mould_bound */
    struct slice wanted; /* a bound, a pattern */
    uint64_t length;
};

/* Surely it fits; false: mould_judge knows.  `text` as there. */
static inline bool mould_takes_number(const struct mould_node *n, struct slice text)
{
    enum { DIGITS = 18 };
    bool minus = text.at[0] == '-', fraction = false;
    int64_t v = 0;
    if (!n->quick || text.len > DIGITS)
        return false;
    for (size_t i = minus; i < text.len && !fraction; i++) {
        fraction = text.at[i] == '.';
        if (!fraction && (unsigned char)(text.at[i] - '0') > 9)
            return false;
        v = fraction ? v : v * 10 + (text.at[i] - '0');
    }
    v = minus ? -v : v;
    /* What stands behind the point is less than one; an exponent is left to mould_judge. */
    if (fraction && (n->whole || memchr(text.at, 'e', text.len) || memchr(text.at, 'E', text.len)))
        return false;
    return v - (fraction && minus) >= n->low && v + (fraction && !minus) <= n->high;
}

static inline bool mould_takes_string(const struct mould_node *n, struct slice text)
{
    return n->lengths_alone && text.len <= n->max_length && text.len / 4 >= n->min_length;
}

/* `text` is a string without its quotes and escapes, a number or a word as it stands. */
struct mould_flaw mould_judge(const struct mould_node *n, enum mould_kind kind, struct slice text);
/* Of a union, what its branches take. */
unsigned mould_kinds(const struct mould_node *n);
/* Is the text of a string needed to judge it? */
bool mould_reads(const struct mould_node *n);
/* The node that an object or array is held against: of a union the one branch that takes its kind. */
const struct mould_node *mould_nest(const struct mould_node *n, enum mould_kind kind);

#endif
