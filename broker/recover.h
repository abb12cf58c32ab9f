#ifndef WEFT_BROKER_RECOVER_H
#define WEFT_BROKER_RECOVER_H

/* recover - store contents back to queues and leases at start.
 *
 * A job that was leased gets one grace lease under the token it had, held by
 * nobody, so that its worker may come back and go on.  If it does not, the lease
 * ends like any other. */
#include "broker/lease.h"
#include "broker/queue.h"
#include "broker/store.h"

struct recover_into {
    struct job_table *jobs;
    struct lease_table *leases;
    /* Where the job waits, made when it is new; never NULL. */
    struct queue *(*queue_of)(void *arg, const struct record_job *job);
    /* It waits for others, and so in no queue: it is the caller's now.  false: it does not.  Not asked of one that
     * is leased.  May be NULL. */
    bool (*holds)(void *arg, struct job *j);
    void *arg;
    int64_t grace_until_us; /* monotonic */
};

struct recover_count {
    size_t queued, delayed, leased;
    size_t damaged; /* left out; the log names them */
};

/* One job of a running broker comes back as the store has it; memory must not know it.  STALE: it is over. */
MUST_USE enum err recover_again(struct store *s, const struct recover_into *into, struct slice id);
void recover_all(struct store *s, const struct recover_into *into, struct recover_count *out);

#endif
