#ifndef WEFT_BASE_ARENA_H
#define WEFT_BASE_ARENA_H

/* arena - everything one exchange or one evaluation allocates, freed in one stroke.
 *
 * Lifetime: caller's memory; a zeroed arena is empty with no bound on what we take
 *           ourselves and bound 0 for arena_copy.  arena_reset keeps the first block.
 * Threads:  belongs to one. */
#include "base/slice.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used;                /* bytes handed out */
    size_t bound;               /* most bytes arena_copy may bring `used` to */
};

void arena_init(struct arena *a, size_t bound);
/* The first block is room of the caller's, at least 32 bytes, aligned for anything, that outlives the arena. */
void arena_init_in(struct arena *a, size_t bound, void *room, size_t size);
void arena_fini(struct arena *a);
void arena_reset(struct arena *a);

/* Zeroed, aligned for anything, never NULL: for objects of our own. */
void *arena_new(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t count, size_t size);
/* The same for whoever writes all of it at once: aligned, but not zeroed. */
void *arena_room(struct arena *a, size_t size);
/* A copy of a peer's bytes, followed by a NUL that is not counted.  FULL: past the bound. */
MUST_USE enum err arena_copy(struct arena *a, struct slice bytes, struct slice *copy);
/* A copy of our own bytes, followed by a NUL that is not counted. */
struct slice arena_keep(struct arena *a, struct slice bytes);
/* a, between, b in one run of our own bytes, followed by a NUL that is not counted; where much is joined arena_putf is
 * slow. */
struct slice arena_join(struct arena *a, struct slice first, const char *between, struct slice second);
struct slice arena_putf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
