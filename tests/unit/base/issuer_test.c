#include "base/issuer.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/now.h"
#include "tests/kit/t.h"

enum { PEM_MAX = 64 << 10 };

static X509 *read_cert(const struct buf *pem)
{
    BIO *b = BIO_new_mem_buf(buf_slice(pem).at, (int)buf_len(pem));
    X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);

    BIO_free(b);
    CHECK(x != NULL);
    return x;
}

static void check_critical(X509 *x, int nid, bool want)
{
    int at = X509_get_ext_by_NID(x, nid, -1);

    CHECK(at >= 0);
    CHECK_INT(want, X509_EXTENSION_get_critical(X509_get_ext(x, at)));
}

/* The only URI of the subject's alternative name. */
static void check_uri(X509 *x, const char *want)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

    CHECK_INT(1, sk_GENERAL_NAME_num(names));
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
    CHECK_INT(GEN_URI, name->type);
    const ASN1_STRING *uri = name->d.uniformResourceIdentifier;
    CHECK_TEXT(want, slice_of(ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri)));
    GENERAL_NAMES_free(names);
}

static void check_days(X509 *x, int want)
{
    int days, seconds;

    CHECK_INT(1, ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(x), X509_get0_notAfter(x)));
    CHECK_INT(want, days);
}

static void start(struct buf pem[4])
{
    for (int i = 0; i < 4; i++)
        buf_init(&pem[i], PEM_MAX);
    CHECK_ERR(ERR_OK, issuer_root(SLICE("example.org"), 30, &pem[0], &pem[1]));
}

static void end(struct buf pem[4])
{
    for (int i = 0; i < 4; i++)
        buf_fini(&pem[i]);
}

TEST(a_root_is_an_authority_that_names_its_domain)
{
    struct buf pem[4];

    start(pem);
    X509 *x = read_cert(&pem[0]);
    CHECK_INT(1, X509_check_ca(x));
    CHECK_INT(1, X509_verify(x, X509_get0_pubkey(x)));
    CHECK_INT(KU_KEY_CERT_SIGN | KU_CRL_SIGN, X509_get_key_usage(x));
    check_critical(x, NID_basic_constraints, true);
    check_critical(x, NID_key_usage, true);
    check_uri(x, "spiffe://example.org");
    check_days(x, 30);
    CHECK(slice_starts(buf_slice(&pem[1]), SLICE("-----BEGIN PRIVATE KEY-----\n")));
    X509_free(x);
    end(pem);
}

TEST(a_leaf_is_what_spiffe_asks_for_and_signed_by_its_root)
{
    int64_t now = now_wall_us(&now_real);
    struct issuer_leaf leaf = {
        .id = SLICE("spiffe://example.org/a,b"), /* verbatim, a comma is no separator */
        .not_before_us = now,
        .not_after_us = now + INT64_C(86400) * NOW_US_PER_S,
    };
    struct buf pem[4];

    start(pem);
    CHECK_ERR(ERR_OK, issuer_sign(buf_slice(&pem[0]), buf_slice(&pem[1]), &leaf, &pem[2], &pem[3]));
    X509 *root = read_cert(&pem[0]), *x = read_cert(&pem[2]);
    CHECK_INT(1, X509_verify(x, X509_get0_pubkey(root)));
    CHECK_INT(X509_V_OK, X509_check_issued(root, x));
    CHECK_INT(0, X509_check_ca(x));
    CHECK_INT(KU_DIGITAL_SIGNATURE, X509_get_key_usage(x));
    CHECK_INT(XKU_SSL_SERVER | XKU_SSL_CLIENT, X509_get_extended_key_usage(x));
    CHECK_INT(0, X509_NAME_entry_count(X509_get_subject_name(x)));
    check_critical(x, NID_subject_alt_name, true);
    check_critical(x, NID_key_usage, true);
    check_uri(x, "spiffe://example.org/a,b");
    check_days(x, 1);
    CHECK_INT(16, ASN1_STRING_length(X509_get0_serialNumber(x))); /* 127 bits: positive */
    X509_free(root);
    X509_free(x);
    end(pem);
}

TEST(a_root_that_is_no_pem_or_has_another_key_is_refused)
{
    struct issuer_leaf leaf = {.id = SLICE("spiffe://example.org/a")};
    struct buf pem[4], other[4];

    start(pem);
    start(other);
    CHECK_ERR(ERR_INPUT, issuer_sign(SLICE(""), buf_slice(&pem[1]), &leaf, &pem[2], &pem[3]));
    CHECK_ERR(ERR_INPUT, issuer_sign(buf_slice(&pem[0]), SLICE("no key"), &leaf, &pem[2], &pem[3]));
    CHECK_ERR(ERR_INPUT, issuer_sign(buf_slice(&pem[0]), buf_slice(&other[1]), &leaf, &pem[2], &pem[3]));
    CHECK_INT(0, buf_len(&pem[2]));
    CHECK_ERR(ERR_INPUT, issuer_root(SLICE(""), 30, &pem[2], &pem[3]));
    CHECK_ERR(ERR_INPUT, issuer_root(SLICE("a b"), 30, &pem[2], &pem[3]));
    end(other);
    end(pem);
}

TEST(a_request_gets_a_leaf_for_its_key_and_the_name_that_the_authority_says)
{
    struct buf root, root_key, request, key, cert;
    struct buf *all[] = {&root, &root_key, &request, &key, &cert};
    char domain[256];
    for (size_t i = 0; i < 5; i++)
        buf_init(all[i], PEM_MAX);
    CHECK_ERR(ERR_OK, issuer_root(SLICE("example.org"), 1, &root, &root_key));
    CHECK_ERR(ERR_OK, issuer_domain(buf_slice(&root), domain, sizeof(domain)));
    CHECK(strcmp(domain, "example.org") == 0);
    issuer_request(&request, &key);
    CHECK_ERR(ERR_OK, issuer_request_ok(buf_slice(&request)));
    int64_t now = now_wall_us(&now_real), year = INT64_C(31536000000000);
    struct issuer_leaf leaf = {.id = SLICE("spiffe://example.org/x"), .not_before_us = now, .not_after_us = now + year};
    CHECK_ERR(ERR_OK, issuer_answer(buf_slice(&root), buf_slice(&root_key), buf_slice(&request), &leaf, &cert));
    X509 *x = read_cert(&cert), *r = read_cert(&root);
    check_uri(x, "spiffe://example.org/x");
    CHECK_INT(0, ASN1_TIME_compare(X509_get0_notAfter(r), X509_get0_notAfter(x))); /* a day, not a year */
    BIO *b = BIO_new_mem_buf(buf_slice(&key).at, (int)buf_len(&key));
    EVP_PKEY *k = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
    CHECK_INT(1, X509_check_private_key(x, k));
    CHECK_INT(1, X509_verify(x, X509_get0_pubkey(r)));
    BIO_free(b);
    EVP_PKEY_free(k);
    X509_free(x);
    X509_free(r);
    for (size_t i = 0; i < 5; i++)
        buf_fini(all[i]);
}

TEST(what_is_no_request_in_order_gets_nothing)
{
    struct buf request, key;
    buf_init(&request, PEM_MAX);
    buf_init(&key, PEM_MAX);
    issuer_request(&request, &key);
    CHECK_ERR(ERR_INPUT, issuer_request_ok(SLICE("")));
    CHECK_ERR(ERR_INPUT, issuer_request_ok(buf_slice(&key)));
    CHECK_ERR(ERR_INPUT, issuer_request_ok(slice_to(buf_slice(&request), buf_len(&request) - 60)));
    char *text = (char *)(uintptr_t)buf_slice(&request).at;
    text[120] = text[120] == 'A' ? 'B' : 'A'; /* the signature is of other bytes now, or it is no request */
    CHECK_ERR(ERR_INPUT, issuer_request_ok(buf_slice(&request)));
    buf_fini(&request);
    buf_fini(&key);
}

/* Certificates in the lists of `text`, in order. */
static void check_lists(const struct buf *text, const int *want, int count)
{
    BIO *b = BIO_new_mem_buf(buf_slice(text).at, (int)buf_len(text));
    X509_CRL *list;
    int at = 0;

    for (; (list = PEM_read_bio_X509_CRL(b, NULL, NULL, NULL)); at++) {
        CHECK(at < count);
        CHECK_INT(want[at], sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)) < 0
                                ? 0
                                : sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)));
        X509_CRL_free(list);
    }
    CHECK_INT(count, at);
    BIO_free(b);
}

static void revoke(struct buf root[4], const struct buf *before, bool leaf, struct buf *after)
{
    CHECK_ERR(ERR_OK,
              issuer_revoke(buf_slice(&root[0]), buf_slice(&root[1]), buf_slice(before),
                            leaf ? buf_slice(&root[2]) : SLICE(""), now_wall_us(&now_real) + NOW_US_PER_S, after));
}

TEST(a_list_of_one_root_leaves_that_of_another_alone)
{
    struct buf old[4], new[4], lists[4];
    int64_t now = now_wall_us(&now_real);
    struct issuer_leaf leaf = {
        .id = SLICE("spiffe://example.org/web"), .not_before_us = now, .not_after_us = now + NOW_US_PER_S};

    start(old);
    start(new);
    for (int i = 0; i < 4; i++)
        buf_init(&lists[i], PEM_MAX);
    CHECK(issuer_fits(buf_slice(&old[0]), buf_slice(&old[1])) && !issuer_fits(buf_slice(&old[0]), buf_slice(&new[1])));
    CHECK_ERR(ERR_OK, issuer_sign(buf_slice(&old[0]), buf_slice(&old[1]), &leaf, &old[2], &old[3]));
    CHECK_ERR(ERR_OK, issuer_sign(buf_slice(&new[0]), buf_slice(&new[1]), &leaf, &new[2], &new[3]));
    revoke(old, &lists[0], true, &lists[1]);
    check_lists(&lists[1], (int[]){1}, 1);
    revoke(new, &lists[1], true, &lists[2]);
    check_lists(&lists[2], (int[]){1, 1}, 2);
    revoke(new, &lists[2], false, &lists[3]);
    check_lists(&lists[3], (int[]){1, 1}, 2);
    CHECK_ERR(ERR_DENIED, issuer_revoke(buf_slice(&new[0]), buf_slice(&new[1]), buf_slice(&lists[3]),
                                        buf_slice(&old[2]), now, &lists[0]));
    end(old);
    end(new);
    end(lists);
}

TESTS_BEGIN()
TESTS_RUN(a_list_of_one_root_leaves_that_of_another_alone)
TESTS_RUN(a_request_gets_a_leaf_for_its_key_and_the_name_that_the_authority_says)
TESTS_RUN(what_is_no_request_in_order_gets_nothing)
TESTS_RUN(a_root_is_an_authority_that_names_its_domain)
TESTS_RUN(a_leaf_is_what_spiffe_asks_for_and_signed_by_its_root)
TESTS_RUN(a_root_that_is_no_pem_or_has_another_key_is_refused)
TESTS_END()
