#ifndef WEFT_BASE_DUE_H
#define WEFT_BASE_DUE_H

/* due - many deadlines over one timer of the loop.
 *
 * Lifetime: a struct due lives inside its owner; cancel it before the owner goes.
 * Threads:  belongs to the loop. */
#include "base/heap.h"
#include "base/loop.h"

struct due {
    struct heap_node node;
    int64_t at_us; /* monotonic */
    void (*fn)(struct due *due);
};

struct due_clock;

struct due_clock *due_clock_new(struct loop *l);
void due_clock_free(struct due_clock **c);

void due_init(struct due *d, void (*fn)(struct due *due));
/* Moves it when it is set already.  `fn` runs once, from the loop, not before `at_us`. */
void due_at(struct due_clock *c, struct due *d, int64_t at_us);
void due_in(struct due_clock *c, struct due *d, int64_t delay_us);
/* Harmless when it is not set. */
void due_cancel(struct due_clock *c, struct due *d);
static inline bool due_waits(const struct due *d)
{
    return heap_holds(&d->node);
}

#endif
