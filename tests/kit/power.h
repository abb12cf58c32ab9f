#ifndef WEFT_TESTS_KIT_POWER_H
#define WEFT_TESTS_KIT_POWER_H

/* power - what a disk holds when the power goes: one file, followed write by write.
 *
 * What was flushed is there.  Of what was written since, each page of 4 KiB is there
 * or not, by the seed; a write shorter than a page is there whole or not at all.  The
 * file itself goes on undisturbed, so one run gives any number of cuts.
 *
 * Lifetime: power_off frees; one at a time.
 * Threads:  calls come from whoever writes; start before other threads write. */
#include <stddef.h>
#include <stdint.h>

struct power;

/* Called with every write and flush of `path`, which is there and flushed by now, before a write counts and after a
 * flush does. */
typedef void power_fn(void *arg, struct power *p);
struct power *power_on(const char *path, uint64_t seed, power_fn *fn, void *arg);
void power_off(struct power **p);

/* The power goes now: what is on the disk then, as a file of its own.  From inside `fn` only. */
void power_cut(struct power *p, const char *to);
/* Flushes so far, and writes that waited for none (O_DSYNC). */
unsigned power_flushes(const struct power *p);

#endif
