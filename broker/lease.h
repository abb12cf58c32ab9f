#ifndef WEFT_BROKER_LEASE_H
#define WEFT_BROKER_LEASE_H

/* lease - who may finish a job, and until when.
 *
 * Every lease of a job has a greater token than the one before (the store keeps
 * the latest), so whoever comes late holds a smaller one and is refused: a worker
 * that was stopped and continued cannot overwrite its successor's result.
 * Renewals live in memory only; after a restart every lease gets one grace.
 *
 * Times are monotonic microseconds given by the caller; jobs are named by id.
 *
 * Lifetime: caller's memory; a lease lives until lease_drop.
 * Threads:  belongs to the loop; reads no clock, does no I/O. */
#include "broker/job.h"

enum { LEASE_US = 30 * 1000000, LEASE_BEAT_US = 10 * 1000000, LEASE_NOBODY = 0 };

struct lease {
    struct heap_node node;
    int64_t until_us;
    uint64_t token;
    uint64_t worker; /* LEASE_NOBODY: after a restart, until its worker is back */
    char job[JOB_ID + 1];
};

struct lease_table {
    struct heap by_time;
    struct map by_job;
};

void lease_table_init(struct lease_table *t);
void lease_table_fini(struct lease_table *t);

/* The token must be greater than any this job had in this table. */
void lease_grant(struct lease_table *t, const struct lease *terms);
/* Holds it until `until_us`, by `worker` from now on.  STALE: another token, expired or never leased. */
MUST_USE enum err lease_renew(struct lease_table *t, struct slice job, uint64_t token, uint64_t worker,
                              int64_t until_us);
/* May who holds `token` speak for the job?  STALE: no. */
MUST_USE enum err lease_check(const struct lease_table *t, struct slice job, uint64_t token);
/* NULL: not leased. */
const struct lease *lease_find(const struct lease_table *t, struct slice job);
/* Harmless when it is not leased. */
void lease_drop(struct lease_table *t, struct slice job);

/* When the earliest lease ends; false: there is none. */
bool lease_next_expiry(const struct lease_table *t, int64_t *until_us);
/* A lease that has ended, still in the table: drop it.  NULL: none (any more). */
const struct lease *lease_expired(const struct lease_table *t, int64_t now_us);
/* Walks them all in no particular order from `*at` = 0; the one just given may be dropped. */
const struct lease *lease_each(const struct lease_table *t, size_t *at);

static inline size_t lease_count(const struct lease_table *t)
{
    return t->by_job.count;
}

#endif
