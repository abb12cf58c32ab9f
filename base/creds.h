#ifndef WEFT_BASE_CREDS_H
#define WEFT_BASE_CREDS_H

/* creds - our certificate and key, whom we trust, and the verdict on a peer's leaf.
 *
 * The OpenSSL room of certificates.  A leaf is judged in two steps: `judge` (the
 * rules of SPIFFE, in policy/spiffe, pure) reads its fields and names the trust
 * domain; then the chain is built only against that domain's bundle (rule V1 of
 * SPIFFE: never against the union of all).
 *
 * Lifetime: immutable once made, shared by reference: creds_ref/creds_unref.  To
 *           reload make another; connections keep the one they began with.
 * Threads:  references may be taken from any thread. */
#include "base/diag.h"

struct creds;

enum { CREDS_ALPN_MAX = 64, CREDS_FAULT_MAX = 512 };

/* What a judge may ask of a certificate.  Slices live during the call only. */
struct creds_leaf {
    struct slice uris[4]; /* URI SANs; more than 4 are counted only */
    unsigned uri_count;
    bool is_ca, has_basic_constraints;
    bool has_key_usage, key_usage_critical;
    bool digital_signature, key_cert_sign, crl_sign;
    bool has_eku, eku_server, eku_client;
    bool subject_empty, san_critical;
    bool as_signer; /* judged as an intermediate, not as the peer itself */
};

/* OK: `*trust_domain` is a slice of a URI.  DENIED: `*why` is a static sentence. */
typedef enum err creds_judge_fn(const struct creds_leaf *leaf, struct slice *trust_domain, const char **why);

struct creds_bundle {
    const char *trust_domain; /* "example.org" */
    const char *path;         /* one or more CA certificates: PEM, or SPIFFE's JSON bundle */
};

/* What did not come from files: certificates one behind the other, DER. */
struct creds_given_bundle {
    const char *trust_domain;
    struct slice certs;
};
struct creds_given {
    struct slice certs; /* our leaf, then intermediates */
    struct slice key;   /* PKCS #8 */
    struct creds_given_bundle *bundles;
    size_t bundle_count;
    struct slice *crls;
    size_t crl_count;
};

struct creds_conf {
    const char *cert; /* PEM: leaf first, intermediates after it; NULL: we show none, and only ask who others are */
    const char *key;  /* PEM, PKCS#8 or SEC1; must not be readable by group or others.  Of several the one that fits */
    const struct creds_bundle *bundles;
    size_t bundle_count;
    const char *const *crls; /* revocation lists, PEM or DER; an authority without one revokes nothing */
    size_t crl_count;
    const struct creds_given *given; /* instead of cert and key, and beside the bundles and lists; or NULL */
    creds_judge_fn *judge;
};

/* INPUT: every complaint is in `diag` (unreadable, not PEM, key does not match, expired,
 * not yet valid, no SPIFFE ID, own leaf not signed by its bundle, key readable by others). */
MUST_USE enum err creds_load(const struct creds_conf *conf, struct diag *diag, struct creds **out);
struct creds *creds_ref(struct creds *c);
void creds_unref(struct creds **c);

/* From now on nobody is taken, on either side: our identity is not ours any more.  From any thread. */
void creds_withdraw(struct creds *c);

/* Our own SPIFFE ID and trust domain. */
struct slice creds_id(const struct creds *c);
/* When our leaf ends, microseconds since 1970. */
int64_t creds_expires_us(const struct creds *c);
/* When it began. */
int64_t creds_begins_us(const struct creds *c);
/* When a new leaf should long be there: a fifth of its life is left. */
int64_t creds_renew_us(const struct creds *c);

/* What a peer has shown, kept to be judged again by later creds.
 * Immutable, shared by reference; references may be taken from any thread. */
struct creds_peer;
struct creds_peer *creds_peer_ref(struct creds_peer *p);
void creds_peer_unref(struct creds_peer **p);
/* Its SPIFFE ID. */
struct slice creds_peer_id(const struct creds_peer *p);
/* When its leaf ends, microseconds since 1970. */
int64_t creds_peer_until_us(const struct creds_peer *p);
/* Do `c` still take this peer?  Dates are not asked again: a connection does not end because a leaf has aged.  false:
 * `fault` says why. */
bool creds_takes(const struct creds *c, const struct creds_peer *p, char fault[CREDS_FAULT_MAX]);

/* One connection's view of all this, for stream_tls: who is expected, and the verdict.  A plain value with its own
 * `creds`, `expect`, `place`, `peer` and `fault`: creds_session_fini gives them up. */
struct creds_session {
    struct creds *creds;
    bool may_lack_cert;           /* server: a peer without a certificate is taken, and has no identity */
    char *place;                  /* client: where `expect` is, for an earlier session to be taken up; or NULL */
    bool is_resumed;              /* once settled: no certificate was shown this time */
    char *expect;                 /* the exact SPIFFE ID, or NULL: any trusted one */
    uint8_t alpn[CREDS_ALPN_MAX]; /* length-prefixed names in order of preference (RFC 7301) */
    size_t alpn_len;
    struct creds_peer *peer; /* once verified */
    char *fault;             /* why not, for people; NULL: nothing is wrong */
};
struct ssl_st;
/* A new SSL object that asks `s` and answers into it; `s` outlives it.  The caller frees it. */
struct ssl_st *creds_session_open(struct creds_session *s, bool server);
/* It failed: perhaps for an earlier session that was offered. */
void creds_session_forget(struct creds_session *s);
/* The handshake is over: who the peer is.  false: nobody that we take. */
bool creds_session_settle(struct creds_session *s, struct ssl_st *ssl);
void creds_session_fini(struct creds_session *s);
/* Never NULL; empty: nothing is wrong. */
const char *creds_session_fault(const struct creds_session *s);
/* The first word stands. */
void creds_session_blame(struct creds_session *s, const char *why);

#endif
