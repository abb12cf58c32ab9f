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

struct rewrite {
    const struct rewrite_format *format;
    struct plan *plan;
    uint64_t *applied;
    enum err stuck;
    struct buf fault;
    uint64_t offset; /* of the fault */
};

void rewrite_init(struct rewrite *r, const struct rewrite_format *format, struct plan *plan);

#endif
