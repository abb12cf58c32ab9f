#ifndef WEFT_CONTRACTS_JSON_VALUE_H
#define WEFT_CONTRACTS_JSON_VALUE_H

/* json_value - a small JSON text as a tree: defaults in contracts and witnesses.
 *
 * Lifetime: lives in the arena it was read into; scalars' text may point into the input. */
#include "base/arena.h"
#include "contracts/answer.h"

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
/* Characters of a string, not bytes; values of arrays and objects. */
size_t json_value_size(const struct json_value *v);
/* Equal, whatever the order of members and the spelling of numbers.  MAYBE: numbers too odd to say. */
enum answer json_value_same(const struct json_value *a, const struct json_value *b);

/* How many bytes a text in base64 stands for (RFC 4648, either alphabet, with or without its =); -1: it is none. */
long json_value_base64(struct slice text);

#endif
