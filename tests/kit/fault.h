#ifndef WEFT_TESTS_KIT_FAULT_H
#define WEFT_TESTS_KIT_FAULT_H

/* fault - fail the n-th write or flush of this process.
 *
 * Stands in front of the C library's write, writev, pwrite, pwritev, fsync and fdatasync for
 * the whole test program, libraries too.  fault_each runs a function once per
 * possible failure: the first call fails, then the second, until it gets through.
 *
 * Threads: arm before other threads write. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_kind { FAULT_WRITE, FAULT_FLUSH };

/* The `nth` (1 is the next) fails with `error`, once.  0: none does. */
void fault_arm(enum fault_kind kind, unsigned nth, int error);
/* Has it failed? */
int fault_struck(void);
/* Calls fn(arg) with the 1st, 2nd ... operation of this kind failing, until one call meets no failure.
 * Returns how many did. */
unsigned fault_each(enum fault_kind kind, int error, void (*fn)(void *arg), void *arg);

/* Hears of every write and flush that has worked, on the thread that did it.  `fn` NULL: no more. */
struct fault_call {
    int fd;
    bool flush;
    const void *bytes; /* of a write */
    size_t count;
    int64_t at;
};
void fault_hear(void (*fn)(void *arg, const struct fault_call *call), void *arg);

#endif
