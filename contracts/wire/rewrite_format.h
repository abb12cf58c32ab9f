#ifndef WEFT_CONTRACTS_WIRE_REWRITE_FORMAT_H
#define WEFT_CONTRACTS_WIRE_REWRITE_FORMAT_H

/* rewrite_format - what one format brings to a rewrite.
 *
 * Its own struct begins with a struct rewrite; the functions get that. */
#include "contracts/wire/rewrite.h"

struct rewrite_format {
    enum err (*feed)(struct rewrite *r, struct slice bytes, struct buf *out);
    enum err (*finish)(struct rewrite *r, struct buf *out);
    void (*fini)(struct rewrite *r);
};

/* What goes between a body and the head of its message, by step. */
struct rewrite_side {
    bool there;
    struct buf json;
};

struct rewrite {
    const struct rewrite_format *format;
    struct plan *plan;
    uint64_t *applied;
    struct rewrite_side *sides; /* NULL: no step asks for it */
    enum err stuck;
    struct buf fault;
    uint64_t offset; /* of the fault */
};

void rewrite_init(struct rewrite *r, const struct rewrite_format *format, struct plan *plan);
/* A `take` step has taken this; copied. */
void rewrite_took(struct rewrite *r, size_t step, struct slice json);

#endif
