#ifndef WEFT_POLICY_SVID_SET_H
#define WEFT_POLICY_SVID_SET_H

/* svid_set - everything that a SPIFFE Workload API says at once: our identity, whom we trust, what is revoked.
 *
 * Each answer is the whole: what it does not name has been withdrawn.  Of several identities the first is ours.
 * An answer without one of the fields that must be there is no answer, and is left out whole.
 *
 * Lifetime: immutable, shared by reference.
 * Threads:  any; pure. */
#include "base/creds.h"

struct svid_set;

/* OK.  ABSENT: it is a good answer, and there is no identity for us.  INPUT: `*why` is a static sentence. */
MUST_USE enum err svid_set_read(struct slice message, struct svid_set **out, const char **why);
struct svid_set *svid_set_ref(struct svid_set *s);
void svid_set_unref(struct svid_set **s);
/* Lives as long as the set. */
const struct creds_given *svid_set_given(const struct svid_set *s);
bool svid_set_same(const struct svid_set *a, const struct svid_set *b);

#endif
