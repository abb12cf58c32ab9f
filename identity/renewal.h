#ifndef WEFT_IDENTITY_RENEWAL_H
#define WEFT_IDENTITY_RENEWAL_H

/* renewal - our own leaf, asked of the authority (`weft ca serve`) before it ends.
 *
 * At two thirds of its life, a little earlier by chance so that a fleet does not ask at
 * once, a new key is made here and a request for it sent under the old leaf.  The key
 * leaves this host never.  What fails is tried again after a pause that doubles.
 *
 * With the leaf come the authorities of its trust domain, into the file that identity.trust names:
 * so a root can be followed by another one without anybody doing anything here.
 *
 * The files are written so that they fit at every moment: the key file first has both
 * keys, then the certificate changes, then the old key goes.
 *
 * Lifetime: outlives configurations; renewal_adopt takes over a new one.
 * Threads:  belongs to the loop; files are written by a thread. */
#include "base/due.h"
#include "base/metric.h"
#include "identity/identity_conf.h"

struct renewal;

/* Stands in the authority's answer between the leaf and those whom to trust; a comment to readers of PEM. */
#define RENEWAL_ROOTS "# authorities\n"

/* `renewed`: new files are there; from the loop. */
struct renewal *renewal_new(struct loop *l, struct due_clock *clock, struct metric_set *metrics,
                            void (*renewed)(void *arg), void *arg);
void renewal_free(struct renewal **r);
/* When our leaf is due follows from `creds`; without identity.ca nothing is.  `conf` is copied as far as it is needed.
 */
void renewal_adopt(struct renewal *r, const struct identity_conf *conf, struct creds *creds);

/* For start-up, when there is no certificate yet: asks with the token that identity.ca names.  OK: the files are there,
 * or were, or there is no identity.ca.  INPUT: the complaint is in `diag`.  Blocking, for at most 10 s. */
MUST_USE enum err renewal_enroll(const struct identity_conf *conf, struct diag *diag);

#endif
