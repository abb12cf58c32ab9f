#ifndef WEFT_BROKER_BACKOFF_H
#define WEFT_BROKER_BACKOFF_H

/* backoff - when the next attempt is due, and when to give up.
 *
 * Failures, crashes and releases are counted apart.  A failure uses up one of the
 * job's attempts; a crash uses up one of three, so that a payload which kills its
 * worker does not tour the fleet; a release costs nothing.
 *
 * Threads: pure. */
#include "broker/job.h"

enum { BACKOFF_FIRST_MS = 1000, BACKOFF_CAP_MS = 60000, BACKOFF_JITTER_PERCENT = 25, BACKOFF_CRASHES = 3 };

/* All but the last have the numbers of the bus's Failed.Kind. */
enum backoff_cause {
    BACKOFF_FAILED,
    BACKOFF_CRASHED,
    BACKOFF_REFUSED,
    BACKOFF_TIMED_OUT,
    BACKOFF_UNFIT, /* waits for a worker whose contract fits, and is counted as a release */
    BACKOFF_RELEASED
};

struct backoff {
    enum job_state next; /* JOB_QUEUED at once, JOB_DELAYED until `due_ms`, or JOB_DEAD */
    int64_t due_ms;      /* unix; only for JOB_DELAYED */
    const char *why;     /* of JOB_DEAD: a static sentence */
};

/* What becomes of a leased job that ended so, its counters as they were while it ran.
 * `retry_after_ms` > 0 is the function's own wish: the delay is at least that. */
struct backoff backoff_judge(const struct job *j, enum backoff_cause cause, uint64_t retry_after_ms, int64_t now_ms);
/* Counts the cause in the job; call it after the judgement, once. */
void backoff_count(struct job *j, enum backoff_cause cause);

/* The delay after `failures` (1 is the first): doubles from 1 s to 60 s, then 25 % either way by `seed`. */
int64_t backoff_delay_ms(unsigned failures, uint64_t seed);

#endif
