#ifndef WEFT_PROXY_JOB_RUNNER_H
#define WEFT_PROXY_JOB_RUNNER_H

/* job_runner - takes jobs for the local function, plays them as requests, renews, reports.
 *
 * Each assigned job becomes an inbound exchange: the runner is the carrier of a
 * server-side transit whose peer is the job's submitter, and hands it to the relay,
 * so policy, contract and adaptation apply as to any call.  The request carries
 * weft-job, weft-attempt, weft-deadline besides what the caller sent.
 *
 *   2xx, 3xx, 4xx but 408 and 429   done, with the function's own answer
 *   408, 429, 5xx                   failed: another attempt (Retry-After is honoured)
 *   the function went away          failed as a crash
 *   policy or contract refuse       failed for good
 *   the function is not there       released, and no new job for a second
 *
 * Renews every beat for all it runs; the answer may cancel one, which resets the
 * request.  On drain what has not begun is released.
 *
 * Lifetime: job_runner_close cuts what runs (released, not charged).
 * Threads:  belongs to the loop. */
#include "http/transit.h"
#include "proxy/job_link.h"
#include "proxy/job_shelf.h"

struct job_runner;

enum { JOB_RUNNER_RESULT = 256 << 10 }; /* bytes of a result; a longer one goes to the broker as it comes */

struct job_runner_conf {
    struct loop *loop;
    struct due_clock *clock;
    uint32_t slots;          /* jobs at once; 0: none here, but maybe at another worker */
    struct job_shelf *shelf; /* outlives the runner */
    /* Starts the exchange: sets t->owner and goes on as for any inbound request. */
    void (*play)(void *arg, struct transit *t);
    /* Does accord know this contract already? */
    bool (*knows)(void *arg, const uint8_t digest[32]);
    /* A contract the broker kept for us. */
    void (*learn)(void *arg, struct slice peer, const uint8_t digest[32], struct slice text);
    void *arg;
};

struct job_runner *job_runner_new(const struct job_runner_conf *conf);
void job_runner_close(struct job_runner **r);
/* The link must be told of the runner's callbacks below and the runner of the link. */
void job_runner_bind(struct job_runner *r, struct job_link *l);

void job_runner_hello(void *runner, Weft__Bus__V1__Hello *hello);
void job_runner_welcome(void *runner, const Weft__Bus__V1__Welcome *welcome);
void job_runner_assign(void *runner, const Weft__Bus__V1__Assign *assign);
void job_runner_beat(void *runner, const Weft__Bus__V1__Beat *beat);
void job_runner_lost(void *runner, const char *why);

/* No new jobs; `idle` when none is left, once. */
void job_runner_drain(struct job_runner *r, void (*idle)(void *arg), void *arg);
uint32_t job_runner_running(const struct job_runner *r);

/* The function says how far it is.  ABSENT: it has no such job. */
MUST_USE enum err job_runner_progress(struct job_runner *r, struct slice job, struct slice type, struct slice data);

#endif
