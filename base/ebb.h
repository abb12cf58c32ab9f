#ifndef WEFT_BASE_EBB_H
#define WEFT_BASE_EBB_H

/* ebb - memory goes back to the machine after a flood.
 *
 * What thousands of connections have held is free when they are gone, but malloc keeps
 * it for the next ones.  So when EBB_LEAST fewer are there than there were at most, and
 * two seconds have passed, it is given back; where as many come as go nothing is.
 *
 * Lifetime: a plain value; the clock outlives it.
 * Threads:  belongs to the loop. */
#include "base/due.h"

enum { EBB_LEAST = 256 };

struct ebb {
    struct due_clock *clock;
    struct due due;
    uint32_t there, most; /* now; since memory was given back */
    uint64_t given;       /* times */
};

void ebb_init(struct ebb *e, struct due_clock *clock);
void ebb_fini(struct ebb *e);
void ebb_came(struct ebb *e);
void ebb_went(struct ebb *e);

#endif
