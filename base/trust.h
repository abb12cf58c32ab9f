#ifndef WEFT_BASE_TRUST_H
#define WEFT_BASE_TRUST_H

/* trust - whom we believe: trust domains with their authorities and what those have revoked,
 * and the verdict on a chain.
 *
 * The inside of creds: certificates are OpenSSL's, so nobody else includes this.
 * Bundles are PEM or SPIFFE's JSON; revocation lists are PEM or DER (RFC 5280 section 5).
 *
 * A chain that was good is believed again, without its signatures being looked at, as long
 * as nothing in it has ended (vouch).
 *
 * Lifetime: immutable once made, but for what it remembers.
 * Threads:  may be asked from any thread. */
#include "base/creds.h"
#include "base/hash.h"

struct trust;
struct x509_st;
struct stack_st_X509;

enum { TRUST_DOMAIN_MAX = 255 }; /* SPIFFE-ID section 2.1 */

/* What a certificate says of itself, as far as the judge lets it: its trust domain, and a
 * leaf's SPIFFE ID.  A signer may be silent about both. */
struct trust_claim {
    char domain[TRUST_DOMAIN_MAX + 1];
    char *id; /* owned; NULL for a signer */
};

/* Why a chain is refused, for OpenSSL's alert and for people. */
struct trust_refusal {
    int code; /* X509_V_ERR_... */
    char *why;
    size_t room;
};
/* false, always: for `return trust_refuse(...)`. */
bool trust_refuse(struct trust_refusal *r, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* What is wrong with the bundles and lists is in `diag`; whoever finds an error there must not use it. */
struct trust *trust_load(const struct creds_conf *conf, struct diag *diag);
void trust_free(struct trust **t);

/* Does `leaf` with `others` between lead to the authorities of the domain it names?  `claim->id` is
 * set whenever the leaf itself was good, and owned by the caller.  false: `r` says why. */
bool trust_leaf(const struct trust *t, struct x509_st *leaf, struct stack_st_X509 *others, struct trust_claim *claim,
                struct trust_refusal *r);

/* The same for a leaf that was good once: whether it has been revoked, or its authority removed, and not how old it is.
 */
bool trust_still(const struct trust *t, struct x509_st *leaf, struct stack_st_X509 *others, struct trust_claim *claim,
                 struct trust_refusal *r);
/* What a certificate is known by, whole. */
struct hash_digest trust_name(struct x509_st *leaf);
/* The peer that a leaf was good for and is still, as it was remembered; a reference, or NULL: ask trust_leaf. */
struct creds_peer *trust_knows(const struct trust *t, const struct hash_digest *leaf);
/* Keeps a reference as long as trust_leaf's verdict on that leaf holds. */
void trust_remember(const struct trust *t, const struct hash_digest *leaf, struct creds_peer *peer);

/* The same digest: the same authorities and the same lists, hence the same verdicts. */
const struct hash_digest *trust_digest(const struct trust *t);

/* Adds every certificate of a PEM text to `out`; what stands between them is skipped. */
void trust_read_certs(struct slice text, const char *path, struct diag *diag, struct stack_st_X509 *out);
/* The same for certificates one behind the other, DER. */
void trust_read_der(struct slice der, const char *path, struct diag *diag, struct stack_st_X509 *out);
/* Reads a file of at most 1 MiB.  false: the complaint is in `diag`. */
bool trust_read_file(const char *path, struct diag *diag, struct buf *text);

#endif
