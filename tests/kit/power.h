#ifndef WEFT_TESTS_KIT_POWER_H
#define WEFT_TESTS_KIT_POWER_H

/* power - what a disk holds when the power goes: a few files, followed write by write.
 *
 * What was flushed is there.  Of what was written since, each page of 4 KiB is there
 * or not, by the seed; a write shorter than a page is there whole or not at all.  The
 * files themselves go on undisturbed, so one run gives any number of cuts.
 *
 * Lifetime: power_off frees; one at a time.
 * Threads:  calls come from whoever writes; start before other threads write. */
#include <stddef.h>
#include <stdint.h>

struct power;

enum { POWER_FILES = 4 };
struct power_files {
    const char *folder;
    const char *names[POWER_FILES]; /* in it, there and flushed by now */
};

/* Called with every write and flush of theirs, before it counts, and after a flush has. */
typedef void power_fn(void *arg, struct power *p);
struct power *power_on(const struct power_files *files, uint64_t seed, power_fn *fn, void *arg);
void power_off(struct power **p);

/* The power goes now: what is on the disk then, as files of their own in `folder`.  From inside `fn` only. */
void power_cut(struct power *p, const char *folder);
/* Flushes so far, and writes that waited for none (O_DSYNC). */
unsigned power_flushes(const struct power *p);

#endif
