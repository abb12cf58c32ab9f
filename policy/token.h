#ifndef WEFT_POLICY_TOKEN_H
#define WEFT_POLICY_TOKEN_H

/* token - what a verified token says, judged and made facts (RFC 7519, OpenID Connect Core 3.1.3.7).
 *
 * Its signature is somebody else's matter.  `iss` is compared byte for byte, `aud` must
 * have one of ours, `exp` must be there.
 *
 * Claims become pairs of name and value: a list gives one pair for each entry, `scope`
 * one for each word, an object dotted names (`realm_access.roles`), numbers and truth
 * values their text. */
#include "base/doc.h"
#include "policy/attrs.h"

enum { TOKEN_FACTS_MOST = 256, TOKEN_VALUE_MOST = 1024, TOKEN_NAME_MOST = 128 };

struct token_rules {
    struct slice issuer;
    struct slice trust_domain; /* instead of an issuer: tokens of its workloads (JWT-SVID) */
    const char *const *audiences;
    size_t audience_count;
    int64_t leeway_s;
};

/* The issuer it names, or empty. */
struct slice token_issuer(const struct doc_node *claims);
/* The trust domain of the workload that it names as its subject, or empty. */
struct slice token_trust_domain(const struct doc_node *claims);
/* JWT-SVID section 2: a header of such a token has nothing but alg, kid and typ (JWT or JOSE). */
bool token_header_ok(const struct doc_node *header);
/* OK: `*until_s` is when it ends, leeway and all.  DENIED: `*why` is a static sentence. */
MUST_USE enum err token_judge(const struct doc_node *claims, const struct token_rules *rules, int64_t now_s,
                              int64_t *until_s, const char **why);
/* `out` has room for TOKEN_FACTS_MOST; names that were put together live in the arena.  DENIED: there are more, or a
 * name or value is too long: leaving one out could leave out what a rule denies by. */
MUST_USE enum err token_facts(const struct doc_node *claims, struct arena *arena, struct attrs_header *out,
                              size_t *count, const char **why);

#endif
