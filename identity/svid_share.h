#ifndef WEFT_IDENTITY_SVID_SHARE_H
#define WEFT_IDENTITY_SVID_SHARE_H

/* svid_share - what the Workload API said last, from the worker that asks it to all the others.
 *
 * Lifetime: caller's memory; a zeroed one is harmless to fini, and not yet a share.
 * Threads:  all of the workers'. */
#include "base/guard.h"
#include "policy/svid_set.h"

struct svid_share {
    struct guard *guard;
    struct svid_set *set;
    const char *withdrawn;
};

void svid_share_init(struct svid_share *s);
void svid_share_fini(struct svid_share *s);

void svid_share_put(struct svid_share *s, struct svid_set *set);
/* No identity is ours any more; `why` is a static sentence. */
void svid_share_withdraw(struct svid_share *s, const char *why);
/* A reference of the caller's own, or NULL: then `*why` says why. */
struct svid_set *svid_share_get(struct svid_share *s, const char **why);

#endif
