#ifndef WEFT_PROXY_JOB_SHELF_H
#define WEFT_PROXY_JOB_SHELF_H

/* job_shelf - the jobs that our function has just now, whichever worker gave them to it: lease and last checkpoint.
 *
 * The function speaks of its job over any connection, so to any worker.
 *
 * Lifetime: caller's memory; a zeroed one is harmless to fini, and not yet a shelf.
 * Threads:  all of the workers'. */
#include "base/arena.h"
#include "base/err.h"
#include "base/guard.h"
#include "base/map.h"

enum { JOB_SHELF_CHECKPOINT = 256 << 10 }; /* bytes */

struct job_shelf {
    struct guard *guard;
    struct map leases; /* by job */
};

void job_shelf_init(struct job_shelf *s);
void job_shelf_fini(struct job_shelf *s);

/* A newer lease of the same job takes the place of an older one. */
void job_shelf_put(struct job_shelf *s, struct slice job, uint64_t token, struct slice checkpoint);
/* Harmless when it is another lease by now, or none. */
void job_shelf_take(struct job_shelf *s, struct slice job, uint64_t token);
/* The broker has this checkpoint of that lease; harmless as above. */
void job_shelf_keep(struct job_shelf *s, struct slice job, uint64_t token, struct slice checkpoint);

/* ABSENT: our function has no such job.  `checkpoint` is a copy in `a`, empty when there is none; NULL: not wanted. */
MUST_USE enum err job_shelf_find(struct job_shelf *s, struct slice job, struct arena *a, uint64_t *token,
                                 struct slice *checkpoint);

#endif
