#include "base/creds.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/now.h"
#include "tests/kit/certs.h"
#include "tests/kit/t.h"

enum { PEM_MAX = 64 << 10 };

#define ID "spiffe://example.org/web"

/* One attempt to load, and what was said. */
struct attempt {
    struct certs *certs;
    struct buf cert, key;
    struct diag diag;
    struct creds *creds;
};

static void begin(struct attempt *a)
{
    *a = (struct attempt){.certs = certs_new()};
    buf_init(&a->cert, PEM_MAX);
    buf_init(&a->key, PEM_MAX);
    diag_init(&a->diag);
}

static void end(struct attempt *a)
{
    creds_unref(&a->creds);
    certs_free(&a->certs);
    buf_fini(&a->cert);
    buf_fini(&a->key);
    diag_fini(&a->diag);
}

static enum err load(struct attempt *a)
{
    return certs_load(a->certs, buf_slice(&a->cert), buf_slice(&a->key), certs_lax_judge, &a->diag, &a->creds);
}

static void sign(struct attempt *a, const char *domain, const struct issuer_leaf *leaf)
{
    buf_clear(&a->cert);
    buf_clear(&a->key);
    certs_sign(a->certs, domain, leaf, &a->cert, &a->key);
}

/* One complaint, about the file whose name ends so. */
static void check_complaint(const struct attempt *a, const char *file, const char *message)
{
    CHECK_INT(1, a->diag.errors);
    CHECK(slice_ends(a->diag.first->file, slice_str(file)));
    CHECK_TEXT(message, a->diag.first->message);
}

TEST(good_files_load_and_say_who_we_are_and_until_when)
{
    struct attempt a;
    struct issuer_leaf leaf = certs_leaf(ID);

    begin(&a);
    leaf.not_after_us = leaf.not_after_us / NOW_US_PER_S * NOW_US_PER_S;
    sign(&a, "example.org", &leaf);
    CHECK_ERR(ERR_OK, load(&a));
    CHECK_TEXT(ID, creds_id(a.creds));
    CHECK_INT(leaf.not_after_us, creds_expires_us(a.creds));
    struct creds *again = creds_ref(a.creds);
    creds_unref(&a.creds);
    CHECK_TEXT(ID, creds_id(again));
    a.creds = again;
    end(&a);
}

TEST(blank_lines_and_words_around_pem_are_skipped)
{
    struct attempt a;
    struct issuer_leaf leaf = certs_leaf(ID);
    struct buf text;

    begin(&a);
    buf_init(&text, PEM_MAX);
    sign(&a, "example.org", &leaf);
    buf_put(&text, SLICE("\n\nour leaf:\n"));
    buf_put(&text, buf_slice(&a.cert));
    buf_put(&text, SLICE("\n  \n\n"));
    buf_put(&a.key, SLICE("\n\n"));
    CHECK_ERR(ERR_OK, certs_load(a.certs, buf_slice(&text), buf_slice(&a.key), certs_lax_judge, &a.diag, &a.creds));
    buf_fini(&text);
    end(&a);
}

TEST(a_file_that_is_not_there_is_named)
{
    struct attempt a;
    struct creds_conf conf = {.cert = "/nowhere/leaf.pem", .key = "/nowhere/leaf.key", .judge = certs_lax_judge};

    begin(&a);
    CHECK_ERR(ERR_INPUT, creds_load(&conf, &a.diag, &a.creds));
    CHECK_INT(2, a.diag.errors); /* all at once */
    CHECK_TEXT("/nowhere/leaf.pem", a.diag.first->file);
    CHECK_TEXT("cannot be read: no such file", a.diag.first->message);
    CHECK_TEXT("/nowhere/leaf.key", a.diag.last->file);
    end(&a);
}

TEST(text_that_is_no_pem_is_refused)
{
    struct attempt a;
    struct issuer_leaf leaf = certs_leaf(ID);

    begin(&a);
    sign(&a, "example.org", &leaf);
    CHECK_ERR(ERR_INPUT, certs_load(a.certs, SLICE("hello\n"), buf_slice(&a.key), certs_lax_judge, &a.diag, &a.creds));
    check_complaint(&a, "/leaf.pem", "has no certificate");
    CHECK_TEXT("put -----BEGIN CERTIFICATE----- text in it", a.diag.first->fix);
    end(&a);
    begin(&a);
    sign(&a, "example.org", &leaf);
    struct slice cut = slice_to(buf_slice(&a.cert), buf_len(&a.cert) / 2);
    CHECK_ERR(ERR_INPUT, certs_load(a.certs, cut, buf_slice(&a.key), certs_lax_judge, &a.diag, &a.creds));
    check_complaint(&a, "/leaf.pem", "certificate 1 is not well-formed PEM");
    end(&a);
    begin(&a);
    sign(&a, "example.org", &leaf);
    CHECK_ERR(ERR_INPUT, certs_load(a.certs, buf_slice(&a.cert), SLICE(""), certs_lax_judge, &a.diag, &a.creds));
    check_complaint(&a, "/leaf.key", "has no usable private key");
    end(&a);
}

TEST(a_key_of_another_leaf_is_refused)
{
    struct attempt a;
    struct issuer_leaf leaf = certs_leaf(ID);
    struct buf other;

    begin(&a);
    buf_init(&other, PEM_MAX);
    sign(&a, "example.org", &leaf);
    buf_put(&other, buf_slice(&a.cert));
    sign(&a, "example.org", &leaf);
    CHECK_ERR(ERR_INPUT, certs_load(a.certs, buf_slice(&other), buf_slice(&a.key), certs_lax_judge, &a.diag, &a.creds));
    CHECK_INT(1, a.diag.errors);
    CHECK(slice_starts(a.diag.first->message, SLICE("the key does not belong to the certificate in /tmp/")));
    buf_fini(&other);
    end(&a);
}

TEST(a_key_that_others_may_read_is_refused_with_the_cure)
{
    struct attempt a;
    struct issuer_leaf leaf = certs_leaf(ID);
    char cert[CERTS_PATH], key[CERTS_PATH], fix[CERTS_PATH + 16];

    begin(&a);
    sign(&a, "example.org", &leaf);
    certs_write(a.certs, "c.pem", buf_slice(&a.cert), 0644, cert);
    certs_write(a.certs, "k.pem", buf_slice(&a.key), 0600, key);
    CHECK_INT(0, chmod(key, 0640));
    struct creds_bundle bundle = {.trust_domain = "example.org", .path = a.certs->roots[0].path};
    struct creds_conf conf = {
        .cert = cert, .key = key, .bundles = &bundle, .bundle_count = 1, .judge = certs_lax_judge};
    CHECK_ERR(ERR_INPUT, creds_load(&conf, &a.diag, &a.creds));
    check_complaint(&a, "/k.pem", "the private key is open to others (mode 640)");
    (void)snprintf(fix, sizeof(fix), "chmod 600 %s", key);
    CHECK_TEXT(fix, a.diag.first->fix);
    CHECK_INT(0, chmod(key, 0600));
    CHECK_ERR(ERR_OK, creds_load(&conf, &a.diag, &a.creds));
    end(&a);
}

TEST(dates_are_counted_from_now)
{
    struct attempt a;
    struct issuer_leaf leaf = certs_leaf(ID);
    int64_t day = INT64_C(86400) * NOW_US_PER_S;

    begin(&a);
    leaf.not_before_us -= 9 * day;
    leaf.not_after_us -= 3 * day; /* it was an hour ahead */
    sign(&a, "example.org", &leaf);
    CHECK_ERR(ERR_INPUT, load(&a));
    check_complaint(&a, "/leaf.pem", "certificate expired 2 days ago");
    end(&a);
    begin(&a);
    leaf = certs_leaf(ID);
    leaf.not_before_us += 5 * day; /* it was an hour back */
    leaf.not_after_us += 6 * day;
    sign(&a, "example.org", &leaf);
    CHECK_ERR(ERR_INPUT, load(&a));
    check_complaint(&a, "/leaf.pem", "certificate is not valid for another 4 days");
    end(&a);
}

TEST(our_own_trust_domain_needs_a_bundle_that_signed_us)
{
    struct attempt a;
    struct issuer_leaf leaf = certs_leaf(ID);

    begin(&a);
    sign(&a, "other.org", &leaf);
    CHECK_ERR(ERR_INPUT, load(&a));
    check_complaint(&a, "/leaf.pem", "unknown trust domain \"example.org\"");
    CHECK_TEXT("name that domain's bundle as well", a.diag.first->fix);
    end(&a);
    begin(&a);
    (void)certs_root_of(a.certs, "example.org");
    sign(&a, "other.org", &leaf);
    CHECK_ERR(ERR_INPUT, load(&a));
    check_complaint(&a, "/leaf.pem", "certificate is not signed by the bundle of \"example.org\"");
    end(&a);
}

TEST(a_bundle_holds_authorities_of_its_own_domain_once)
{
    struct attempt a;
    struct issuer_leaf leaf = certs_leaf(ID);

    begin(&a);
    sign(&a, "example.org", &leaf);
    struct certs_root *other = certs_root_of(a.certs, "other.org");
    (void)snprintf(other->domain, sizeof(other->domain), "third.org");
    CHECK_ERR(ERR_INPUT, load(&a));
    check_complaint(&a, "/other.org.bundle",
                    "bundle of \"third.org\": signing certificate names the trust domain \"other.org\"");
    end(&a);
    begin(&a);
    sign(&a, "example.org", &leaf);
    other = certs_root_of(a.certs, "other.org");
    (void)snprintf(other->domain, sizeof(other->domain), "example.org");
    (void)snprintf(other->path, sizeof(other->path), "%s", a.certs->roots[0].path);
    CHECK_ERR(ERR_INPUT, load(&a));
    check_complaint(&a, "/example.org.bundle", "a second bundle for the trust domain \"example.org\"");
    end(&a);
}

/* Root, then an intermediate of this name and shape, then a leaf: both texts in one file. */
static void sign_through(struct attempt *a, const struct issuer_leaf *middle)
{
    struct issuer_leaf leaf = certs_leaf(ID);
    struct buf cert, key;

    buf_init(&cert, PEM_MAX);
    buf_init(&key, PEM_MAX);
    certs_sign(a->certs, "example.org", middle, &cert, &key);
    CHECK_ERR(ERR_OK, issuer_sign(buf_slice(&cert), buf_slice(&key), &leaf, &a->cert, &a->key));
    buf_put(&a->cert, buf_slice(&cert));
    buf_fini(&cert);
    buf_fini(&key);
}

TEST(an_intermediate_may_stand_between_and_is_judged_too)
{
    struct attempt a;
    struct issuer_leaf middle = certs_leaf("spiffe://example.org");

    middle.is_ca = true;
    middle.key_cert_sign = true;
    middle.no_digital_signature = true;
    begin(&a);
    sign_through(&a, &middle);
    CHECK_ERR(ERR_OK, load(&a));
    end(&a);
    begin(&a);
    middle.id = SLICE("spiffe://other.org");
    sign_through(&a, &middle);
    CHECK_ERR(ERR_INPUT, load(&a));
    check_complaint(&a, "/leaf.pem", "signing certificate names the trust domain \"other.org\"");
    end(&a);
    begin(&a);
    middle.id = SLICE("spiffe://example.org");
    middle.not_after_us = middle.not_before_us + NOW_US_PER_S;
    sign_through(&a, &middle);
    CHECK_ERR(ERR_INPUT, load(&a));
    CHECK_INT(1, a.diag.errors);
    CHECK(slice_starts(a.diag.first->message, SLICE("signing certificate expired ")));
    end(&a);
}

TEST(a_leaf_signs_nothing)
{
    struct attempt a;
    struct issuer_leaf middle = certs_leaf("spiffe://example.org/middle");

    begin(&a);
    sign_through(&a, &middle);
    CHECK_ERR(ERR_INPUT, load(&a));
    check_complaint(&a, "/leaf.pem", "certificate chain: invalid CA certificate");
    end(&a);
}

TESTS_BEGIN()
TESTS_RUN(good_files_load_and_say_who_we_are_and_until_when)
TESTS_RUN(blank_lines_and_words_around_pem_are_skipped)
TESTS_RUN(a_file_that_is_not_there_is_named)
TESTS_RUN(text_that_is_no_pem_is_refused)
TESTS_RUN(a_key_of_another_leaf_is_refused)
TESTS_RUN(a_key_that_others_may_read_is_refused_with_the_cure)
TESTS_RUN(dates_are_counted_from_now)
TESTS_RUN(our_own_trust_domain_needs_a_bundle_that_signed_us)
TESTS_RUN(a_bundle_holds_authorities_of_its_own_domain_once)
TESTS_RUN(an_intermediate_may_stand_between_and_is_judged_too)
TESTS_RUN(a_leaf_signs_nothing)
TESTS_END()
