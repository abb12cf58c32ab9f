#ifndef WEFT_TESTS_KIT_CERTS_H
#define WEFT_TESTS_KIT_CERTS_H

/* certs - throw-away identities in a temporary folder.
 *
 *     struct certs *c = certs_new();
 *     struct creds *mine = certs_good(c, "spiffe://example.org/web", judge);
 *
 * A root is made the first time its trust domain is named; every creds made here
 * trusts all the roots that were made before it.
 *
 * Lifetime: the folder goes with certs_free; creds outlive it. */
#include "base/creds.h"
#include "base/issuer.h"

enum { CERTS_ROOTS = 4, CERTS_PATH = 128 };

struct certs_root {
    char domain[64];
    char path[CERTS_PATH]; /* the bundle */
    struct buf cert, key;
};

struct certs {
    char dir[32];
    struct certs_root roots[CERTS_ROOTS];
    size_t root_count;
};

struct certs *certs_new(void);
void certs_free(struct certs **c);

struct certs_root *certs_root_of(struct certs *c, const char *domain);
/* A leaf that has nothing wrong with it, good from an hour ago to an hour hence; change it at will. */
struct issuer_leaf certs_leaf(const char *id);
/* Signs `leaf` by the root of `domain`. */
void certs_sign(struct certs *c, const char *domain, const struct issuer_leaf *leaf, struct buf *cert, struct buf *key);
/* Writes a file in the folder; `path` is filled in. */
void certs_write(struct certs *c, const char *name, struct slice text, unsigned mode, char path[CERTS_PATH]);

/* creds_load over these two texts and all roots; complaints go to `diag`. */
enum err certs_load(struct certs *c, struct slice cert, struct slice key, creds_judge_fn *judge, struct diag *diag,
                    struct creds **out);
/* A good leaf for `id`, signed by the root of its trust domain. */
struct creds *certs_good(struct certs *c, const char *id, creds_judge_fn *judge);

/* Two of OpenSSL's ends, joined in memory and shaken as far as they go; the caller frees both. */
void certs_shake(struct creds_session *client, struct creds_session *server, struct ssl_st *ends[2]);

/* A judge that asks for one URI and takes the trust domain out of it, and no more. */
enum err certs_lax_judge(const struct creds_leaf *leaf, struct slice *trust_domain, const char **why);

#endif
