#ifndef WEFT_BROKER_DEADLINE_H
#define WEFT_BROKER_DEADLINE_H

/* deadline - when jobs that say so must have begun.
 *
 * Only they cost anything here.  Times are unix milliseconds.
 *
 * Lifetime: caller's memory; a zeroed table is empty.
 * Threads:  belongs to the loop; reads no clock. */
#include "base/heap.h"
#include "base/map.h"
#include "broker/job.h"

struct deadline_table {
    struct heap by_time;
    struct map by_job;
};

void deadline_table_init(struct deadline_table *t);
void deadline_table_fini(struct deadline_table *t);
/* The same job again: its new time. */
void deadline_put(struct deadline_table *t, struct slice job, int64_t at_ms);
/* Harmless when it has none. */
void deadline_drop(struct deadline_table *t, struct slice job);
/* When the earliest is; false: there is none. */
bool deadline_next(const struct deadline_table *t, int64_t *at_ms);
/* One that has passed, out of the table; false: none (any more). */
bool deadline_passed(struct deadline_table *t, int64_t now_ms, char job[JOB_ID + 1]);

#endif
