/* trust - what is remembered of a chain, and by whom.  What is refused, and why, is in creds_test and stream_tls_test.
 */
#include "base/trust.h"

#include <openssl/x509.h>

#include "base/mem.h"
#include "base/readers.h"
#include "tests/kit/certs.h"
#include "tests/kit/t.h"

enum { PEM_MAX = 64 << 10 };

#define WEB "spiffe://example.org/web"

/* A leaf behind an intermediate, and the root's bundle. */
struct chain {
    struct certs *certs;
    struct diag diag;
    STACK_OF(X509) * leaf, *middle;
};

static void chain_init(struct chain *c)
{
    struct issuer_leaf middle = certs_leaf("spiffe://example.org"), leaf = certs_leaf(WEB);
    struct buf middle_cert, middle_key, cert, key;
    struct buf *bufs[] = {&middle_cert, &middle_key, &cert, &key};

    for (int i = 0; i < 4; i++)
        buf_init(bufs[i], PEM_MAX);
    *c = (struct chain){.certs = certs_new(), .leaf = sk_X509_new_null(), .middle = sk_X509_new_null()};
    diag_init(&c->diag);
    middle.is_ca = middle.key_cert_sign = middle.no_digital_signature = true;
    certs_sign(c->certs, "example.org", &middle, &middle_cert, &middle_key);
    CHECK_ERR(ERR_OK, issuer_sign(buf_slice(&middle_cert), buf_slice(&middle_key), &leaf, &cert, &key));
    trust_read_certs(buf_slice(&cert), "leaf", &c->diag, c->leaf);
    trust_read_certs(buf_slice(&middle_cert), "middle", &c->diag, c->middle);
    for (int i = 0; i < 4; i++)
        buf_fini(bufs[i]);
}

static void chain_fini(struct chain *c)
{
    CHECK_INT(0, c->diag.errors);
    sk_X509_pop_free(c->leaf, X509_free);
    sk_X509_pop_free(c->middle, X509_free);
    diag_fini(&c->diag);
    certs_free(&c->certs);
}

static struct trust *load(struct chain *c)
{
    struct creds_bundle bundle = {"example.org", certs_root_of(c->certs, "example.org")->path};
    struct creds_conf conf = {.bundles = &bundle, .bundle_count = 1, .judge = certs_lax_judge};

    return trust_load(&conf, &c->diag);
}

static bool is_taken(const struct trust *t, const struct chain *c, STACK_OF(X509) * others)
{
    char why[CREDS_FAULT_MAX] = "";
    struct trust_refusal r = {.why = why, .room = sizeof(why)};
    struct trust_claim claim;
    bool good = trust_leaf(t, sk_X509_value(c->leaf, 0), others, &claim, &r);

    CHECK_TEXT(WEB, slice_str(claim.id));
    mem_free(claim.id);
    return good;
}

TEST(a_chain_that_was_good_is_known_by_its_leaf_to_those_who_saw_it)
{
    struct chain c;

    chain_init(&c);
    struct trust *seen = load(&c), *fresh = load(&c);
    CHECK(!is_taken(seen, &c, NULL)); /* a refusal is not remembered */
    CHECK(is_taken(seen, &c, c.middle));
    CHECK(is_taken(seen, &c, NULL));
    CHECK(!is_taken(fresh, &c, NULL)); /* as after a reload */
    trust_free(&seen);
    trust_free(&fresh);
    chain_fini(&c);
}

/* What the handshake does with a peer's certificate. */
TEST(few_readers_read_the_keys_of_certificates)
{
    struct chain c;
    unsigned char *der = NULL;

    chain_init(&c);
    int len = i2d_X509(sk_X509_value(c.leaf, 0), &der);
    const unsigned char *at = der;
    X509 *x = X509_new_ex(readers_context(), NULL);
    CHECK(x && d2i_X509(&x, &at, len) == x && at == der + len);
    CHECK(X509_get0_pubkey(x) != NULL);
    CHECK_INT(1, X509_verify(x, X509_get0_pubkey(sk_X509_value(c.middle, 0))));
    X509_free(x);
    OPENSSL_free(der);
    chain_fini(&c);
}

TESTS_BEGIN()
TESTS_RUN(a_chain_that_was_good_is_known_by_its_leaf_to_those_who_saw_it)
TESTS_RUN(few_readers_read_the_keys_of_certificates)
TESTS_END()
