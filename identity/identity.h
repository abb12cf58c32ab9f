#ifndef WEFT_IDENTITY_IDENTITY_H
#define WEFT_IDENTITY_IDENTITY_H

/* identity - where our own certificate comes from, how long it is good, and when another one has come.
 *
 * Files that somebody renews, files that we renew at an authority (renewal), or a Workload
 * API (workload).  The log says once that a certificate ends soon, and once that it has.
 * Of several workers the first fetches for all.
 *
 * Lifetime: outlives configurations; identity_adopt takes over a new one.
 * Threads:  belongs to the loop. */
#include "base/due.h"
#include "base/metric.h"
#include "identity/identity_conf.h"
#include "identity/svid_share.h"

struct identity;

struct identity_owner {
    void (*renewed)(void *arg);   /* time to read the configuration again; from the loop */
    void (*withdrawn)(void *arg); /* time for identity_withdraw, for every worker */
};

struct identity_start {
    struct loop *loop;
    struct due_clock *clock;
    struct metric_set *metrics;
    struct svid_share *share; /* outlives the identity */
    bool is_follower;         /* another worker fetches what we have, and says what is to be said of it */
    const struct identity_owner *owner;
    void *arg;
};

struct identity *identity_new(const struct identity_start *start);
void identity_free(struct identity **i);
/* Before `conf` is loaded.  `*given`, if it is set, is good until it is.  The first time it fetches a first identity,
 * which may take 10 s.  INPUT: the complaint is in `diag`. */
MUST_USE enum err identity_prepare(void *identity, const struct identity_conf *conf, struct diag *diag,
                                   const struct creds_given **given);
void identity_adopt(struct identity *i, const struct identity_conf *conf, struct creds *creds);
/* The current creds take nobody any more. */
void identity_withdraw(struct identity *i);
/* Now and then: says what is to be said of our certificate's age. */
void identity_watch(struct identity *i);
/* What keeps us from being ready, and what is odd, a line each. */
void identity_missing(const struct identity *i, struct buf *out);
void identity_remarks(const struct identity *i, struct buf *out);

#endif
