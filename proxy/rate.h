#ifndef WEFT_PROXY_RATE_H
#define WEFT_PROXY_RATE_H

/* rate - at most so many requests a second, of everybody and of each identity.
 *
 * A bucket is the moment at which it is empty again; a second's worth may come at once.
 * More than 4096 identities at a time share one bucket.
 *
 * Lifetime: caller's memory.
 * Threads:  belongs to one; reads no clock. */
#include "base/arena.h"
#include "base/map.h"

struct rate_bucket {
    int64_t empty_us;
};

/* OK, or FULL.  `per_second` 0: no limit. */
MUST_USE enum err rate_take(struct rate_bucket *b, uint64_t per_second, int64_t now_us);

enum { RATE_IDENTITIES = 4096 };

struct rate {
    struct rate_bucket all, others;
    struct map identities; /* to struct rate_bucket */
    struct arena arena;
};

void rate_init(struct rate *r);
void rate_fini(struct rate *r);
/* One request of `identity`, which may be empty.  FULL: over either rate; then nothing is counted for the other. */
MUST_USE enum err rate_ask(struct rate *r, struct slice identity, uint64_t all, uint64_t each, int64_t now_us);

#endif
