#ifndef WEFT_PROXY_JOB_ENTRY_H
#define WEFT_PROXY_JOB_ENTRY_H

/* job_entry - Prefer: respond-async and the job API on the local side, over the bus.
 *
 *   any request with Prefer: respond-async[, wait=N]   202 + Location, or the answer within N s
 *   GET    /v1/jobs?state=&service=&cursor=&limit=     list
 *   POST   /v1/jobs                                    many at once
 *   GET    /v1/jobs/ID                                 state
 *   GET    /v1/jobs/ID/result                          the function's own status, headers, body
 *   GET    /v1/jobs/ID/events                          SSE, Last-Event-ID
 *   DELETE /v1/jobs/ID                                 cancel
 *   POST   /v1/jobs/ID/retry                           from dead back to queued
 *   POST   /v1/jobs/ID/callback                        given up, and tried again
 *   any request with weft-schedule and weft-cron       201: a job at every moment
 *   GET    /v1/schedules                               list
 *   GET    /v1/schedules/NAME                          one; DELETE; POST .../pause, /resume, /run
 *   POST   /v1/jobs/ID/progress                        by the running function
 *   PUT    /v1/jobs/ID/checkpoint                      for the next attempt; GET: of the one before
 *
 * RFC 7240 (Prefer), draft-ietf-httpapi-idempotency-key-header-07, WHATWG HTML 9.2 (SSE).
 * 202 is sent after the broker has said Accepted, which it says after the disk.
 *
 * Lifetime: job_entry_free answers what is under way with 503 first.
 * Threads:  belongs to the loop. */
#include "http/transit.h"
#include "proxy/job_link.h"
#include "proxy/job_runner.h"
#include "proxy/job_visit.h"

struct job_entry;

enum { JOB_ENTRY_PAYLOAD = 256 << 10 };

struct job_entry_conf {
    struct loop *loop;
    struct due_clock *clock;
    struct job_link *link;
    struct job_runner *runner; /* NULL: no job of ours runs here, so there is no progress to report */
    struct job_shelf *shelf;   /* the same */
    /* For batches: where a request goes. */
    job_visit_resolve_fn *resolve;
    void *resolve_arg;
    uint32_t wait_most_s; /* for how long a caller's connection may be silent; 0: for ever */
};
struct job_entry *job_entry_new(const struct job_entry_conf *conf);
void job_entry_free(struct job_entry **e);

/* Is the path ours: "/v1/jobs", "/v1/jobs/..." or with a query? */
bool job_entry_is_api(struct slice path);
/* Does the request ask to be a job (Prefer: respond-async; the first preference of a name wins)? */
bool job_entry_wanted(const struct message *request);

/* All become the owner of `down`. */
/* As DELETE /v1/jobs/ID. */
void job_entry_cancel(struct job_entry *e, struct transit *down, struct slice id);
void job_entry_api(struct job_entry *e, struct transit *down);
struct job_entry_target {
    struct slice service;
    struct slice operation;    /* or empty */
    struct slice path;         /* normalised, with the query */
    struct contract *consumes; /* or NULL */
    bool openfaas;             /* asked for as an OpenFaaS gateway is, and answered so */
};
void job_entry_submit(struct job_entry *e, struct transit *down, const struct job_entry_target *target);

#endif
