#ifndef WEFT_BROKER_DISPATCH_H
#define WEFT_BROKER_DISPATCH_H

/* dispatch - ready jobs of one service meet the credit of its workers.
 *
 * A worker says how many jobs and how many bytes it takes; nothing is sent beyond
 * that, so no queue of the transport ever fills.  The worker with most free slots
 * is chosen, the one that came first on a tie.
 *
 * Lifetime: caller's memory; a dispatch_worker lives inside its session and leaves
 *           before it goes.
 * Threads:  belongs to the loop; pure. */
#include "base/err.h"
#include "base/heap.h"
#include "broker/labels.h"

#include <stdint.h>

enum { DISPATCH_SLOTS = 100000 }; /* most a worker may give */
#define DISPATCH_BYTES (UINT64_C(1) << 40)

struct dispatch_worker {
    struct heap_node node;
    uint64_t id; /* its session's number, from 1 on */
    uint32_t slots;
    uint64_t bytes;
    struct slice labels; /* its owner's; may change while it has joined */
};

struct dispatch {
    struct heap workers; /* most slots first */
};

void dispatch_init(struct dispatch *d);
void dispatch_fini(struct dispatch *d);

/* Begins without credit. */
void dispatch_join(struct dispatch *d, struct dispatch_worker *w, uint64_t id);
/* Harmless when it has not joined. */
void dispatch_leave(struct dispatch *d, struct dispatch_worker *w);
/* Adds up; more than the bounds above counts as the bound. */
void dispatch_credit(struct dispatch *d, struct dispatch_worker *w, uint32_t slots, uint64_t bytes);
/* Takes back all credit: it drains. */
void dispatch_revoke(struct dispatch *d, struct dispatch_worker *w);
/* One slot and `size` bytes of `*out` are used up; it has what `needs` requires, and most of what it would
 * like.  AGAIN: nobody has all of that; try after more credit. */
MUST_USE enum err dispatch_pick(struct dispatch *d, struct slice needs, uint64_t size, struct dispatch_worker **out);
/* How many workers have what `needs` requires, with credit or without. */
size_t dispatch_fitting(const struct dispatch *d, struct slice needs);

static inline size_t dispatch_workers(const struct dispatch *d)
{
    return d->workers.count;
}

#endif
