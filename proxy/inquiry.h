#ifndef WEFT_PROXY_INQUIRY_H
#define WEFT_PROXY_INQUIRY_H

/* inquiry - what is asked before an exchange may pass: contract, policy, enforcement.
 *
 * Asks accord and authz, decides, and moves nothing.  An inquiry that must wait for
 * a contract is asked again when something about its digest has changed.
 *
 * Lifetime: caller's memory; a zeroed one is safe to fini.  Slices live in the
 *           arena of the request's transit.
 * Threads:  belongs to the loop. */
#include "proxy/accord.h"
#include "proxy/reply.h"
#include "proxy/snapshot.h"

struct inquiry {
    struct slice path;      /* normalised, with the query: what is judged and forwarded */
    struct slice operation; /* by the contract, or empty */
    bool shows_digest;
    struct hash_digest digest;              /* the caller's contract */
    struct verdict *verdict;                /* kept by reference, or NULL */
    const struct verdict_operation *judged; /* of `verdict`, or NULL */
    struct plan *request, *response;        /* borrowed of `verdict`; NULL: nothing to do */
    bool audited;                           /* passes although the verdict says no */
    bool tolerated;                         /* passes although policy says no; `word` says so, too */
    bool awaits_keys;                       /* AGAIN: for a token's provider, not for `digest` */
    const struct attrs_header *claims;      /* of the caller's token, as far as somebody asks */
    size_t claim_count;
    bool vouched; /* it has a token, and that was verified */

    /* when refused */
    enum reply_word word;
    struct slice detail;
    const struct verdict_finding *finding; /* contract-mismatch */
};

void inquiry_fini(struct inquiry *q);

/* A request of `down` to our function.  OK: pass it.  AGAIN: await `digest`, or keys, and ask again.
 * DENIED: word, detail, finding say why. */
MUST_USE enum err inquiry_inbound(struct inquiry *q, struct snapshot *s, struct accord *a, struct transit *down);
/* A request of our function to `to`. */
MUST_USE enum err inquiry_outbound(struct inquiry *q, struct snapshot *s, struct accord *a, struct cluster *to,
                                   struct transit *down);

/* A request that passed: does policy still let it?  DENIED: not by `now`, which inquiry_why then explains. */
MUST_USE enum err inquiry_again(struct inquiry *q, struct snapshot *now, struct transit *down);

/* The explanation of a denial or an adaptation, for `weft why`. */
void inquiry_why(const struct inquiry *q, struct snapshot *s, struct transit *down, struct buf *out);
/* "same" ... "breaking", or empty. */
struct slice inquiry_verdict(const struct inquiry *q);

#endif
