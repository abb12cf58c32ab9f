#ifndef WEFT_CONTRACTS_WITNESS_H
#define WEFT_CONTRACTS_WITNESS_H

/* witness - a value that a writer may send and a reader refuses.
 *
 * Small values of the writer's position are made until one satisfies the writer
 * and not the reader; both are checked, so a witness never lies.  Around it stands
 * the smallest body that has it. */
#include "contracts/shape.h"

/* A way into a body: from a position to the one the finding is about, from outside in. */
struct witness_step {
    enum { WITNESS_MEMBER, WITNESS_ITEM, WITNESS_VALUE, WITNESS_SAME } kind;
    struct slice position; /* of the writer, to which the step leads */
};

/* The ends of one comparison; each is a position or a type. */
struct witness_pair {
    const struct shape *writer, *reader;
    struct slice from, to;
    struct slice hint; /* a string that is tried first, or empty */
    uint64_t *budget;  /* bytes that may still be made; at 0 nothing more is found */
};

/* Puts the refused value alone.  ABSENT: none was found. */
MUST_USE enum err witness_find(const struct witness_pair *pair, struct buf *out);
/* Puts the body with `value` at the end of the way.  ABSENT: no finite body. */
MUST_USE enum err witness_wrap(const struct shape *writer, const struct witness_step *way, size_t count,
                               struct slice value, struct buf *out);

#endif
