#ifndef WEFT_PROXY_COMMONS_H
#define WEFT_PROXY_COMMONS_H

/* commons - the little that the workers of one sidecar share: what its bounds are counted against, and what one of
 * them knows for all.
 *
 * Everything else each worker has for itself; of a bound that need not be exact it gets
 * its share.
 *
 * Lifetime: caller's memory; outlives all workers.
 * Threads:  all of the workers'. */
#include "identity/svid_share.h"
#include "proxy/gate.h"
#include "proxy/job_shelf.h"
#include "proxy/rate.h"

/* Whose connections are shared out evenly. */
enum commons_side { COMMONS_INBOUND, COMMONS_OUTBOUND, COMMONS_SIDES };

struct commons {
    unsigned workers;                                 /* 0: nobody has said yet */
    _Atomic uint32_t exchanges;                       /* in flight */
    _Atomic uint32_t taken[COMMONS_SIDES][GATE_MOST]; /* connections, by side and worker */
    struct gate_yard yard;                            /* before our function */
    struct guard *guard;                              /* over `rate` */
    struct rate rate;                                 /* of those who call it */
    struct guard *log;                                /* over the access log: lines stay whole */
    struct svid_share svids;                          /* from the first worker to all */
    struct job_shelf jobs;                            /* that our function has */
};

void commons_init(struct commons *c, unsigned workers);
/* Harmless on a zeroed one. */
void commons_fini(struct commons *c);
/* As rate_ask. */
MUST_USE enum err commons_rate_ask(struct commons *c, struct slice identity, uint64_t all, uint64_t each,
                                   int64_t now_us);

/* Who shall have a connection that worker `index` has accepted: the one with the fewest, which now has one more. */
unsigned commons_choose(struct commons *c, enum commons_side side, unsigned index);
void commons_kept(struct commons *c, enum commons_side side, unsigned index);
void commons_left(struct commons *c, enum commons_side side, unsigned index);

/* What worker `index` of `workers` gets of `n`, so that the sum is n. */
uint32_t commons_share(uint32_t n, unsigned index, unsigned workers);
/* The same, but at least 1. */
uint32_t commons_share_some(uint32_t n, unsigned index, unsigned workers);

#endif
