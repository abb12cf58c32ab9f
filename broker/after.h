#ifndef WEFT_BROKER_AFTER_H
#define WEFT_BROKER_AFTER_H

/* after - which jobs wait for which others to end.
 *
 * Fan-in: a job waits for up to AFTER_MOST others; fan-out: any number wait for one.
 * What they wait for came before them, so there are no rings.
 *
 * Lifetime: caller's memory; a zeroed table is empty.
 * Threads:  belongs to the loop; pure. */
#include "base/list.h"
#include "base/map.h"
#include "broker/job.h"

enum { AFTER_MOST = 32 };

struct after {
    struct map waiting; /* by the job that waits */
    struct map awaited; /* by the job it waits for */
};

void after_fini(struct after *a);
/* `job` waits for `other` too.  `any_end`: however that ends. */
void after_wait(struct after *a, struct slice job, struct slice other, bool any_end);
/* How many others it waits for. */
size_t after_count(const struct after *a, struct slice job);
/* It waits no more; harmless when it did not. */
void after_drop(struct after *a, struct slice job);
/* `other` has ended: one that waited for it and now does no more (for it), or false.  Ask until false; the table may
 * change in between.  `*left` is how many others it still waits for. */
bool after_ended(struct after *a, struct slice other, char job[JOB_ID + 1], bool *any_end, size_t *left);

/* What it waits for, in the order of waiting; false from the function: enough. */
typedef bool after_each_fn(void *arg, struct slice other);
void after_each(const struct after *a, struct slice job, after_each_fn *fn, void *arg);

#endif
