#ifndef WEFT_BROKER_DESK_H
#define WEFT_BROKER_DESK_H

/* desk - where jobs change state: queues, leases, credit and store, in one place.
 *
 * Asks the pure rooms what is next (queue, lease, dispatch, backoff), writes it to
 * the store, and tells whoever must know once it is durable.  Knows nothing of the
 * bus: workers are numbers, callers are names.
 *
 * A worker is sent a job only after the store has its lease: two workers can never
 * hold the same token, whatever dies in between.
 *
 * Lifetime: desk_free drops what waits; close the store before it.
 * Threads:  belongs to the loop. */
#include "base/buf.h"
#include "base/due.h"
#include "base/metric.h"
#include "broker/backoff.h"
#include "broker/dispatch.h"
#include "broker/lease.h"
#include "broker/queue.h"
#include "broker/recover.h"

struct desk;

struct desk_service_conf {
    struct slice name;
    uint32_t attempts;                        /* of a job that does not say */
    uint32_t concurrency;                     /* jobs leased at once; 0: as many as there is credit */
    uint32_t per_minute;                      /* leases that begin; 0: no limit */
    uint32_t key_concurrency, key_per_minute; /* the same, of each key */
    bool paused;                              /* none is leased; those that run go on */
};

struct desk_conf {
    struct loop *loop;
    struct due_clock *clock;
    struct store *store;
    struct metric_set *metrics;
    int64_t lease_us, retention_us;
    struct queue_bounds bounds;
    /* The lease is durable: send it.  STALE: the worker is gone; it is given to another.  PEER: what is stored of it
     * is damaged: no worker can run it. */
    enum err (*assign)(void *arg, uint64_t worker, const struct record_job *job);
    /* Who a worker is, for people; empty: it has gone.  Borrowed until the turn ends.  May be NULL. */
    struct slice (*name_of)(void *arg, uint64_t worker);
    /* An event of a job is durable. */
    void (*event)(void *arg, struct slice job, const struct record_event *event, bool last);
    /* A job that calls back has ended, durably: a debt is in the store.  May be NULL. */
    void (*owed)(void *arg, struct slice job, uint64_t event);
    /* A leased job is to be given up by its worker. */
    void (*cancel)(void *arg, uint64_t worker, struct slice job, uint64_t token);
    void *arg;
};

struct desk *desk_new(const struct desk_conf *conf);
void desk_free(struct desk **d);
/* A service whose jobs are taken; the same again changes its settings. */
void desk_service(struct desk *d, const struct desk_service_conf *conf);
bool desk_knows(const struct desk *d, struct slice service);
/* Everything the store has; `grace_us` for those that were leased. */
void desk_recover(struct desk *d, int64_t grace_us, struct recover_count *out);

/* `job` is empty unless `e` is OK (or EXISTS). */
typedef void desk_done_fn(void *arg, enum err e, struct slice job, bool replayed);

struct desk_submit {
    struct slice service, caller, operation;
    struct slice labels; /* as labels_ok wants them, with preferences */
    const struct record_request *request;
    uint32_t priority, attempts; /* attempts 0: the service's */
    uint64_t delay_ms, timeout_ms;
    int64_t deadline_ms; /* unix; 0: none */
};
/* FULL: the caller's bound, or too many kinds of labels, and `done` is not called; else `done` comes once, as
 * store_apply says. */
MUST_USE enum err desk_submit(struct desk *d, const struct desk_submit *s, desk_done_fn *done, void *arg);

/* All or none of them; each `done` comes with its own `arg`.  `after` of one may name an earlier one as "#0".
 * FULL, ABSENT, INPUT ("#" and no earlier one): `*which` was not taken, so none was, and no `done` is called. */
MUST_USE enum err desk_submit_all(struct desk *d, const struct desk_submit *s, size_t count, desk_done_fn *done,
                                  void *const *args, size_t *which);

/* --- workers --- */
/* ABSENT: no such service. */
MUST_USE enum err desk_join(struct desk *d, struct slice service, struct dispatch_worker *w, uint64_t id);
/* Its leases live on until they end. */
void desk_leave(struct desk *d, struct slice service, struct dispatch_worker *w);
void desk_credit(struct desk *d, struct slice service, struct dispatch_worker *w, uint32_t slots, uint64_t bytes);
/* No new job for anybody any more. */
void desk_drain(struct desk *d);

/* Is it a live job of another service?  Then whoever runs `service` has no say in it. */
bool desk_elsewhere(const struct desk *d, struct slice job, struct slice service);
/* Does `runner` (as name_of has it) run a job just now that has waited for this one, and is told what it answered? */
bool desk_shows(const struct desk *d, struct slice runner, struct slice other);
/* Is this its lease just now? */
bool desk_holds(const struct desk *d, struct slice job, uint64_t token);
/* STALE: another token, expired or over. */
MUST_USE enum err desk_renew(struct desk *d, struct slice job, uint64_t token, uint64_t worker, bool *cancelled);
/* Leases of `worker` that it does not run, by its own word: given to others, nothing is charged. */
typedef bool desk_runs_fn(void *arg, struct slice job, uint64_t token);
void desk_reclaim(struct desk *d, uint64_t worker, desk_runs_fn *runs, void *arg);

/* It never reached the worker it was leased to: another one gets it, nothing is charged.  Harmless when stale. */
void desk_return(struct desk *d, struct slice job, uint64_t token);

/* STALE at once when the token is not the lease's; otherwise `done` comes once.  `result` is NULL for a release.
 * A job that is done already under this very token is OK again. */
struct desk_outcome {
    struct slice job;
    uint64_t token;
    bool succeeded;
    enum backoff_cause cause; /* when it did not */
    struct slice reason;
    uint64_t retry_after_ms;
    const struct record_result *result; /* or NULL */
};
MUST_USE enum err desk_finish(struct desk *d, const struct desk_outcome *o, desk_done_fn *done, void *arg);
struct desk_progress {
    struct slice job;
    uint64_t token;
    struct slice type, data, checkpoint; /* checkpoint at NULL: unchanged */
};
MUST_USE enum err desk_progress(struct desk *d, const struct desk_progress *p, desk_done_fn *done, void *arg);

/* --- callers: the job is theirs; that was asked before --- */
/* STALE: it is over. */
MUST_USE enum err desk_cancel(struct desk *d, struct slice job, desk_done_fn *done, void *arg);
/* From dead back to queued, with all its attempts.  STALE: it is not dead. */
MUST_USE enum err desk_retry(struct desk *d, struct slice job, desk_done_fn *done, void *arg);

/* Leases none of its jobs from now on, or does again; until desk_service says otherwise.  ABSENT: no such service. */
MUST_USE enum err desk_pause(struct desk *d, struct slice service, bool paused);
/* Why a job that waits does not run: one sentence; nothing when it does not wait. */
void desk_why(const struct desk *d, struct slice job, struct buf *out);

/* --- numbers --- */
struct desk_count {
    struct slice service;
    size_t ready, aside, delayed, leased, workers; /* aside: of those ready, held back by their key */
    bool paused;
};
typedef void desk_count_fn(void *arg, const struct desk_count *count);
void desk_each_service(const struct desk *d, desk_count_fn *fn, void *arg);
size_t desk_leased(const struct desk *d);
/* Brings gauges up to date. */
void desk_measure(struct desk *d);

#endif
