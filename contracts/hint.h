#ifndef WEFT_CONTRACTS_HINT_H
#define WEFT_CONTRACTS_HINT_H

/* hint - what a contract mentions at a position and a little inside: the numbers, texts and names
 * at which readers and writers part.
 *
 * Lifetime: points into the shape and the arena. */
#include "contracts/shape.h"

enum { HINT_MOST = 24 };

struct hint_list {
    struct slice v[HINT_MOST];
    size_t count;
};

struct hint {
    struct arena *arena;
    struct hint_list numbers;  /* decimals: bounds, lengths, counts */
    struct hint_list texts;    /* symbols and strings */
    struct hint_list names;    /* of members */
    struct hint_list patterns; /* of texts and of names */
    struct hint_list values;   /* JSON */
    unsigned steps;            /* left */
};

void hint_init(struct hint *h, struct arena *arena);
void hint_learn(struct hint *h, const struct shape_position *p);
/* Once each, the first HINT_MOST of them. */
void hint_add(struct hint_list *l, struct slice text);

#endif
