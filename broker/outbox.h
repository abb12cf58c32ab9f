#ifndef WEFT_BROKER_OUTBOX_H
#define WEFT_BROKER_OUTBOX_H

/* outbox - tells the ends of jobs to whom their callers named, until somebody says yes.
 *
 * A job that calls back leaves a debt in the store in the same transaction as its end;
 * the debt goes when a 2xx has come, so after kill -9 it is told again: at least once,
 * under the same id.  No answer, 408, 425, 429 and 5xx are tried again, later and
 * later, Retry-After at least; after the last try, and on any other answer, the debt
 * stays as dead, with the reason, until somebody retries it or the job expires.
 *
 * Threads of their own do the asking, one for each quarter of the hosts: a host that
 * is slow delays few others.
 *
 * Lifetime: outbox_free waits for what is being asked (a look-up of a name at most).
 * Threads:  belongs to the loop. */
#include "base/due.h"
#include "base/metric.h"
#include "broker/callback.h"
#include "broker/store.h"

struct outbox;

struct outbox_conf {
    struct loop *loop;
    struct due_clock *clock;
    struct store *store;
    struct metric_set *metrics;
    /* As they are just now; borrowed for the turn. */
    const struct callback_rules *(*rules)(void *arg);
    void *arg;
};

struct outbox *outbox_new(const struct outbox_conf *conf);
/* Close the store after it. */
void outbox_free(struct outbox **o);
/* What an earlier process owed. */
void outbox_recover(struct outbox *o);
/* For the desk: a debt for this event is in the store. */
void outbox_owe(struct outbox *o, struct slice job, uint64_t event);
/* One that was given up is tried again, from the first try on; `done` comes once, as store_settle says.
 * ABSENT: nothing is owed.  STALE: it is not given up. */
MUST_USE enum err outbox_retry(struct outbox *o, struct slice job, store_done_fn *done, void *arg);
size_t outbox_count(const struct outbox *o);

#endif
