#ifndef WEFT_BASE_ISSUER_H
#define WEFT_BASE_ISSUER_H

/* issuer - a small certificate authority: a root for a trust domain, short-lived SPIFFE leaves.
 *
 * The OpenSSL room of making certificates: `weft ca` and the tests use it.  ECDSA
 * P-256, serials from the system's randomness (X.509-SVID, RFC 5280). */
#include "base/buf.h"

/* A new root, as two PEM texts.  `days` 1 to 3650.  INPUT: not 1 to 255 printable characters. */
MUST_USE enum err issuer_root(struct slice trust_domain, unsigned days, struct buf *cert, struct buf *key);

struct issuer_leaf {
    struct slice id;       /* the URI SAN, verbatim: tests also ask for bad ones */
    int64_t not_before_us; /* wall */
    int64_t not_after_us;
    /* for tests of a verifier: departures from a good leaf */
    bool is_ca, no_digital_signature, key_cert_sign, crl_sign, key_usage_not_critical, no_key_usage;
    bool eku_client_only, eku_server_only;
    struct slice second_uri;
};
/* INPUT: the root's PEM is not usable. */
MUST_USE enum err issuer_sign(struct slice root_cert, struct slice root_key, const struct issuer_leaf *leaf,
                              struct buf *cert, struct buf *key);

/* A new key, and the request for a leaf of it (PKCS #10, RFC 2986), as PEM.  It names nobody: who asks is known by
 * other means, and what a request says of itself proves nothing. */
void issuer_request(struct buf *request, struct buf *key);
/* INPUT: not a request, not signed by its own key, or the key is neither EC nor RSA of 112 bits of strength. */
MUST_USE enum err issuer_request_ok(struct slice request);
/* As issuer_sign, for the key of the request; the leaf ends no later than its root.  INPUT. */
MUST_USE enum err issuer_answer(struct slice root_cert, struct slice root_key, struct slice request,
                                const struct issuer_leaf *leaf, struct buf *cert);
/* The trust domain that a root names, a zero behind it.  INPUT: it names none, or `room` is too small. */
MUST_USE enum err issuer_domain(struct slice root_cert, char *out, size_t room);

/* Does the key belong to the first certificate? */
bool issuer_fits(struct slice cert, struct slice key);

/* Adds the certificate `revoked` (empty: none) to the revocation list `before` (empty: none) of this
 * root; the new list holds until `next_us`.  Lists of other roots in `before` stay behind it.  INPUT: a PEM is not
 * usable.  DENIED: the root has not signed that certificate. */
MUST_USE enum err issuer_revoke(struct slice root_cert, struct slice root_key, struct slice before,
                                struct slice revoked, int64_t next_us, struct buf *list);

#endif
