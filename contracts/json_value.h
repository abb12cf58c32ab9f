#ifndef WEFT_CONTRACTS_JSON_VALUE_H
#define WEFT_CONTRACTS_JSON_VALUE_H

/* json_value - a small JSON text as a tree: defaults in contracts and witnesses.
 *
 * Lifetime: lives in the arena it was read into; scalars' text may point into the input. */
#include "base/arena.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_value {
    enum json_kind kind;
    bool truth;
    struct slice name; /* of a member */
    struct slice text; /* a string's characters, a number's spelling */
    struct json_value *first, *last, *next;
};

enum { JSON_VALUE_BYTES = 1 << 16 };

/* INPUT: not one JSON value, or over JSON_VALUE_BYTES. */
MUST_USE enum err json_value_read(struct slice text, struct arena *arena, const struct json_value **out);
/* NULL: no such member. */
const struct json_value *json_value_member(const struct json_value *object, struct slice name);

#endif
