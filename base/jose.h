#ifndef WEFT_BASE_JOSE_H
#define WEFT_BASE_JOSE_H

/* jose - THE libcjose room: sets of public keys, and signed tokens that they verify (RFC 7515, 7517, 7518).
 *
 * Compact serialisation, asymmetric algorithms only.  A token is taken apart and its
 * header judged here, strictly, before libcjose is asked for anything: what the header
 * says is a claim of whoever sent it.
 *
 * Lifetime: jose_keys_read, then jose_keys_free; a token lives in the arena it was opened in.
 * Threads:  keys are immutable once read; a token belongs to one. */
#include "base/diag.h"
#include "base/doc.h"

enum { JOSE_TOKEN_MOST = 16 << 10, JOSE_KEYS_MOST = 64 };

/* Bits of a set of algorithms. */
enum jose_alg {
    JOSE_RS256 = 1 << 0,
    JOSE_RS384 = 1 << 1,
    JOSE_RS512 = 1 << 2,
    JOSE_PS256 = 1 << 3,
    JOSE_PS384 = 1 << 4,
    JOSE_PS512 = 1 << 5,
    JOSE_ES256 = 1 << 6,
    JOSE_ES384 = 1 << 7,
    JOSE_ES512 = 1 << 8,
    JOSE_ANY = (1 << 9) - 1,
};
/* 0: not one of these; `none` and everything with a shared secret are not. */
unsigned jose_alg_of(struct slice name);

struct jose_keys;
/* What a set of keys is for: tokens of OpenID providers, or those of workloads (JWT-SVID: SPIFFE's bundles, where only
 * keys of the use `jwt-svid` count, and each has a name). */
enum jose_use { JOSE_FOR_USERS, JOSE_FOR_WORKLOADS };
/* A JWK set.  Keys that are not for signatures, or of a type that we do not know, are passed over; RSA below
 * 2048 bits and private keys are refused.  INPUT: complaints are in `diag`. */
MUST_USE enum err jose_keys_read(struct slice json, const char *file, enum jose_use use, struct diag *diag,
                                 struct jose_keys **out);
void jose_keys_free(struct jose_keys **k);
size_t jose_keys_count(const struct jose_keys *k);

struct jose_token {
    struct slice whole;
    unsigned alg;
    struct slice kid; /* empty: none */
    bool has_kid;
    const struct doc_node *header, *claims;
};
/* Takes it apart and judges its header; nothing is verified yet.  ABSENT: it does not have the shape of a signed
 * token at all (an opaque one of somebody else).  DENIED: `*why` is a static sentence. */
MUST_USE enum err jose_open(struct slice compact, struct arena *arena, struct jose_token *out, const char **why);
/* OK: a key of the set signed it with one of `algs`.  ABSENT: there is no key of that name.  DENIED: `*why`. */
MUST_USE enum err jose_verify(const struct jose_token *t, const struct jose_keys *k, unsigned algs, const char **why);

#endif
