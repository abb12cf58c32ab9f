#ifndef WEFT_PROXY_PRESENTED_H
#define WEFT_PROXY_PRESENTED_H

/* presented - does a request show what our contract asks of its operation: its `security`.
 *
 * An operation has alternatives; everything of one is enough.  A key is there or not: whether it is the right one is
 * for the function to say.  A bearer token must be verified, with the scopes, where providers are configured
 * (`tokens`); else it has to be there.  A scheme that we do not know is left to the function.
 *
 * Lifetime: immutable once made; borrows the contract.
 * Threads:  belongs to the loop. */
#include "contracts/contract.h"
#include "http/transit.h"
#include "policy/attrs.h"

struct presented;

/* NULL: the contract asks for nothing anywhere. */
struct presented *presented_new(const struct contract *c);
void presented_free(struct presented **p);
/* What is asked for that cannot be judged here, as a warning: schemes that we do not know, scopes without providers. */
void presented_warn(const struct presented *p, const char *file, bool has_providers, struct diag *diag);

struct presented_request {
    const struct transit *down;
    struct slice operation;
    bool has_providers, vouched; /* tokens can be verified; this one was */
    const struct attrs_header *claims;
    size_t claim_count;
};
/* OK.  ABSENT: no alternative is whole.  DENIED: only scopes are lacking.  `detail` says what would be enough. */
MUST_USE enum err presented_ask(const struct presented *p, const struct presented_request *r, struct buf *detail);

#endif
