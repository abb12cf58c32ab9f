#ifndef WEFT_POLICY_SPIFFE_H
#define WEFT_POLICY_SPIFFE_H

/* spiffe - SPIFFE IDs and trust domains, byte-exact; pure.
 *
 * SPIFFE-ID section 2, X509-SVID sections 2 to 5.  Where the standard leaves room
 * we take the narrow reading: upper case in scheme or trust domain is refused. */
#include "base/creds.h"

struct spiffe_id {
    struct slice whole;        /* "spiffe://example.org/ns/shop/sa/web" */
    struct slice trust_domain; /* "example.org" */
    struct slice path;         /* "/ns/shop/sa/web"; empty for a trust domain's own ID */
};

/* INPUT: `*why` is a static sentence. */
MUST_USE enum err spiffe_parse(struct slice text, struct spiffe_id *out, const char **why);
bool spiffe_trust_domain_ok(struct slice td);
/* "/ns/NS/sa/SA": false when the path has another shape. */
bool spiffe_ns_sa(const struct spiffe_id *id, struct slice *ns, struct slice *sa);

/* A creds_judge_fn: rules V2 to V16 of a good X.509-SVID. */
enum err spiffe_judge(const struct creds_leaf *leaf, struct slice *trust_domain, const char **why);

#endif
