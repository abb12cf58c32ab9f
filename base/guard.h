#ifndef WEFT_BASE_GUARD_H
#define WEFT_BASE_GUARD_H

/* guard - one thread at a time: for the little that loops of several threads share.
 *
 * Held for a few instructions, never across a call back; into the kernel only by threads that may wait.
 * NULL: there is one thread alone, and nothing to do.
 *
 * Threads: any. */
struct guard;

struct guard *guard_new(void);
void guard_free(struct guard **g);
void guard_enter(struct guard *g);
void guard_leave(struct guard *g);

#endif
