#ifndef WEFT_CONTRACTS_SAYING_H
#define WEFT_CONTRACTS_SAYING_H

/* saying - does a value keep to a word of JSON Schema that stands in a contract as it was written?
 *
 * No rule compares such words but as text; of one value they can be judged.  What is not
 * known here, refers elsewhere or was cut short is answered MAYBE.
 *
 * Lifetime: a plain value; what is read goes into the arena.
 * Threads:  belongs to one. */
#include "contracts/answer.h"
#include "contracts/json_value.h"
#include "contracts/shape.h"

struct saying {
    struct arena *arena;
    unsigned *steps; /* left; at 0 everything is MAYBE */
    unsigned depth;
};

/* `beside` is the first of the sayings that stand together: then needs its if. */
enum answer saying_kept(struct saying *s, const struct shape_saying *one, const struct shape_saying *beside,
                        const struct json_value *v);
/* A whole schema, as JSON text. */
enum answer saying_fits(struct saying *s, struct slice schema, const struct json_value *v);

#endif
