#include "policy/spiffe.h"

#include "base/diag.h"
#include "base/loop.h"
#include "base/now.h"
#include "base/stream.h"
#include "tests/kit/certs.h"
#include "tests/kit/pair.h"
#include "tests/kit/t.h"

enum { PEM_MAX = 64 << 10, TURNS = 200 };

#define ID "spiffe://example.org/ns/shop/sa/web"

static struct spiffe_id parse(const char *text)
{
    struct spiffe_id id = {0};
    const char *why = "";

    CHECK_ERR(ERR_OK, spiffe_parse(slice_str(text), &id, &why));
    return id;
}

TEST(an_id_has_a_trust_domain_and_a_path)
{
    struct spiffe_id id = parse(ID);

    CHECK_TEXT(ID, id.whole);
    CHECK_TEXT("example.org", id.trust_domain);
    CHECK_TEXT("/ns/shop/sa/web", id.path);
    id = parse("spiffe://a-b_c.9");
    CHECK_TEXT("a-b_c.9", id.trust_domain);
    CHECK_TEXT("", id.path);
    id = parse("spiffe://10.0.0.1/A.b-c_D/...");
    CHECK_TEXT("10.0.0.1", id.trust_domain); /* never special (V17) */
    CHECK_TEXT("/A.b-c_D/...", id.path);
}

TEST(namespace_and_account_come_from_one_shape_of_path_only)
{
    struct slice ns, sa;
    struct spiffe_id id = parse(ID);

    CHECK(spiffe_ns_sa(&id, &ns, &sa));
    CHECK_TEXT("shop", ns);
    CHECK_TEXT("web", sa);
    const char *others[] = {"spiffe://a",           "spiffe://a/ns/b/sa",   "spiffe://a/ns/b/sa/c/d",
                            "spiffe://a/NS/b/sa/c", "spiffe://a/ns/b/xx/c", "spiffe://a/x/ns/b/sa/c"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        id = parse(others[i]);
        CHECK(!spiffe_ns_sa(&id, &ns, &sa));
    }
}

TEST(an_id_may_have_2048_bytes_and_a_domain_255)
{
    char text[2049];
    struct spiffe_id id;
    const char *why;

    memset(text, 'a', sizeof(text));
    memcpy(text, "spiffe://td/", 12);
    CHECK_ERR(ERR_OK, spiffe_parse(slice_of(text, 2048), &id, &why));
    CHECK_ERR(ERR_INPUT, spiffe_parse(slice_of(text, 2049), &id, &why));
    CHECK_TEXT("the SPIFFE ID is longer than 2048 bytes", slice_str(why));
    CHECK(spiffe_trust_domain_ok(slice_of(text + 12, 255)));
    CHECK(!spiffe_trust_domain_ok(slice_of(text + 12, 256)));
    CHECK(!spiffe_trust_domain_ok(SLICE("")));
}

/* A leaf to ask for, and the sentence it is refused with; NULL: it is good. */
struct question {
    struct issuer_leaf leaf;
    const char *why;
};

#define NOT_SPIFFE "certificate: the URI does not begin with spiffe://"
#define BAD_DOMAIN "certificate: the trust domain is not 1 to 255 lower-case letters, digits, '.', '-' and '_'"
#define BAD_CHAR "certificate: the SPIFFE ID's path has a character other than letters, digits, '.', '-' and '_'"
#define DOTS "certificate: the SPIFFE ID has a dot segment"
#define HOLE "certificate: the SPIFFE ID has an empty path segment"

/* As creds would be loaded with it: the same judge and the same chain as for a peer. */
static void check_question(struct certs *c, const struct question *q)
{
    struct issuer_leaf leaf = q->leaf, dates = certs_leaf("");
    struct creds *creds = NULL;
    struct buf cert, key;
    struct diag diag;

    leaf.not_before_us = dates.not_before_us;
    leaf.not_after_us = dates.not_after_us;
    buf_init(&cert, PEM_MAX);
    buf_init(&key, PEM_MAX);
    diag_init(&diag);
    certs_sign(c, "example.org", &leaf, &cert, &key);
    enum err e = certs_load(c, buf_slice(&cert), buf_slice(&key), spiffe_judge, &diag, &creds);
    CHECK_ERR(q->why ? ERR_INPUT : ERR_OK, e);
    CHECK_INT(q->why ? 1 : 0, diag.errors);
    if (q->why)
        CHECK_TEXT(q->why, diag.first->message);
    else
        CHECK_SLICE(leaf.id, creds_id(creds));
    creds_unref(&creds);
    diag_fini(&diag);
    buf_fini(&cert);
    buf_fini(&key);
}

TEST(every_bad_leaf_is_refused_with_its_reason)
{
    const struct question questions[] = {
        {{.id = SLICE(ID)}, NULL},
        {{.id = SLICE("spiffe://example.org/a")}, NULL},
        {{.id = SLICE("")}, "certificate: no SPIFFE ID"},
        {{.id = SLICE(ID), .second_uri = SLICE("spiffe://example.org/b")}, "certificate: more than one URI"},
        {{.id = SLICE(ID), .second_uri = SLICE("https://example.org/")}, "certificate: more than one URI"},
        {{.id = SLICE("https://example.org/a")}, NOT_SPIFFE},
        {{.id = SLICE("SPIFFE://example.org/a")}, NOT_SPIFFE},
        {{.id = SLICE("spiffe:/example.org/a")}, NOT_SPIFFE},
        {{.id = SLICE("spiffe://example.org")}, "certificate: the SPIFFE ID names a whole trust domain (no path)"},
        {{.id = SLICE("spiffe://example.org/")}, "certificate: the SPIFFE ID ends in a slash"},
        {{.id = SLICE("spiffe://example.org/a/")}, "certificate: the SPIFFE ID ends in a slash"},
        {{.id = SLICE("spiffe:///a")}, BAD_DOMAIN},
        {{.id = SLICE("spiffe://Example.org/a")}, BAD_DOMAIN},
        {{.id = SLICE("spiffe://user@example.org/a")}, BAD_DOMAIN},
        {{.id = SLICE("spiffe://example.org:443/a")}, BAD_DOMAIN},
        {{.id = SLICE("spiffe://example%2eorg/a")}, BAD_DOMAIN},
        {{.id = SLICE("spiffe://example.org\0.evil/a")}, BAD_DOMAIN},
        {{.id = SLICE("spiffe://example.org//a")}, HOLE},
        {{.id = SLICE("spiffe://example.org/a//b")}, HOLE},
        {{.id = SLICE("spiffe://example.org/./a")}, DOTS},
        {{.id = SLICE("spiffe://example.org/a/../b")}, DOTS},
        {{.id = SLICE("spiffe://example.org/a/..")}, DOTS},
        {{.id = SLICE("spiffe://example.org/a%2fb")}, BAD_CHAR},
        {{.id = SLICE("spiffe://example.org/a?b")}, BAD_CHAR},
        {{.id = SLICE("spiffe://example.org/a#b")}, BAD_CHAR},
        {{.id = SLICE("spiffe://example.org/a\0b")}, BAD_CHAR},
        {{.id = SLICE(ID), .is_ca = true}, "certificate: an authority's certificate may not authenticate (cA is true)"},
        {{.id = SLICE(ID), .key_cert_sign = true}, "certificate: key usage has keyCertSign"},
        {{.id = SLICE(ID), .crl_sign = true}, "certificate: key usage has cRLSign"},
        {{.id = SLICE(ID), .no_digital_signature = true}, "certificate: key usage lacks digitalSignature"},
        {{.id = SLICE(ID), .no_key_usage = true}, "certificate: no key usage"},
        {{.id = SLICE(ID), .key_usage_not_critical = true}, "certificate: key usage is not critical"},
        {{.id = SLICE(ID), .eku_client_only = true}, "certificate: extended key usage lacks serverAuth or clientAuth"},
        {{.id = SLICE(ID), .eku_server_only = true}, "certificate: extended key usage lacks serverAuth or clientAuth"},
    };
    struct certs *c = certs_new();

    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
        check_question(c, &questions[i]);
    certs_free(&c);
}

static void check_signer(const struct creds_leaf *leaf, const char *want)
{
    struct slice domain = {0};
    const char *why = NULL;

    CHECK_ERR(want ? ERR_DENIED : ERR_OK, spiffe_judge(leaf, &domain, &why));
    CHECK_SLICE(slice_str(want), slice_str(why));
}

TEST(what_signs_is_an_authority_without_a_path)
{
    struct creds_leaf signer = {.as_signer = true, .is_ca = true, .key_cert_sign = true};

    check_signer(&signer, NULL);
    signer.uri_count = 1;
    signer.uris[0] = SLICE("spiffe://example.org");
    check_signer(&signer, NULL);
    signer.uris[0] = SLICE("spiffe://example.org/a");
    check_signer(&signer, "an authority's SPIFFE ID has a path");
    signer.uri_count = 2;
    check_signer(&signer, "more than one URI");
    signer.uri_count = 0;
    signer.key_cert_sign = false;
    check_signer(&signer, "key usage lacks keyCertSign");
    signer.is_ca = false;
    check_signer(&signer, "it is no authority (cA is not true)");
}

TEST(a_leaf_with_a_named_subject_need_not_have_a_critical_alternative_name)
{
    struct creds_leaf leaf = {.uris = {SLICE(ID)},
                              .uri_count = 1,
                              .has_key_usage = true,
                              .key_usage_critical = true,
                              .digital_signature = true};
    struct slice domain;
    const char *why;

    CHECK_ERR(ERR_OK, spiffe_judge(&leaf, &domain, &why));
    leaf.subject_empty = true;
    CHECK_ERR(ERR_DENIED, spiffe_judge(&leaf, &domain, &why));
    CHECK_TEXT("the subject is empty and the alternative name not critical", slice_str(why));
}

/* Two ends of a handshake and what became of it. */
struct side {
    struct stream *stream;
    unsigned seen;
};

static void on_event(void *arg, unsigned events)
{
    ((struct side *)arg)->seen |= events;
}

static void shake(struct creds *client, struct creds *server, const char *expect, const char *want,
                  const char *want_server)
{
    struct loop *l = loop_new();
    struct stream *ends[2];
    struct side a = {0}, b = {0};
    struct stream_tls_conf conf = {.role = STREAM_CLIENT, .creds = client, .peer = slice_str(expect)};

    pair_new(l, NULL, ends);
    a.stream = stream_tls_new(l, ends[0], &conf);
    conf = (struct stream_tls_conf){.role = STREAM_SERVER, .creds = server};
    b.stream = stream_tls_new(l, ends[1], &conf);
    stream_hear(a.stream, on_event, &a);
    stream_hear(b.stream, on_event, &b);
    for (int i = 0; i < TURNS; i++)
        loop_turn(l, false);
    CHECK_INT(want ? STREAM_BROKEN : STREAM_OPEN, a.seen);
    CHECK_INT(want_server ? STREAM_BROKEN : STREAM_OPEN, b.seen);
    CHECK_TEXT(want ? want : "", slice_str(stream_fault(a.stream)));
    CHECK_TEXT(want_server ? want_server : "", slice_str(stream_fault(b.stream)));
    if (!want && !want_server) {
        CHECK_SLICE(creds_id(server), stream_peer_id(a.stream));
        CHECK_SLICE(creds_id(client), stream_peer_id(b.stream));
    }
    stream_close(&a.stream);
    stream_close(&b.stream);
    loop_free(&l);
}

TEST(two_good_leaves_of_federated_domains_meet)
{
    struct certs *c = certs_new();

    (void)certs_root_of(c, "other.org");
    struct creds *server = certs_good(c, "spiffe://example.org/b", spiffe_judge);
    struct creds *client = certs_good(c, "spiffe://other.org/a", spiffe_judge);
    shake(client, server, NULL, NULL, NULL);
    shake(client, server, "spiffe://example.org/b", NULL, NULL);
    shake(client, server, "spiffe://example.org/c",
          "not the expected identity spiffe://example.org/c but spiffe://example.org/b",
          "the other side refused us: bad certificate");
    creds_unref(&client);
    creds_unref(&server);
    certs_free(&c);
}

TEST(a_domain_without_a_bundle_is_unknown)
{
    struct certs *c = certs_new(), *elsewhere = certs_new();
    struct creds *server = certs_good(c, "spiffe://example.org/b", spiffe_judge);

    (void)certs_root_of(elsewhere, "other.org");
    elsewhere->roots[1] = *certs_root_of(c, "example.org"); /* it trusts us; we do not know it */
    elsewhere->root_count = 2;
    struct creds *client = certs_good(elsewhere, "spiffe://other.org/a", spiffe_judge);
    elsewhere->root_count = 1;
    shake(client, server, NULL, NULL, "unknown trust domain \"other.org\"");
    creds_unref(&client);
    creds_unref(&server);
    certs_free(&elsewhere);
    certs_free(&c);
}

/* The forger's own side believes him. */
static enum err forger_judge(const struct creds_leaf *leaf, struct slice *trust_domain, const char **why)
{
    if (leaf->uri_count != 1 || !slice_eq(leaf->uris[0], SLICE("spiffe://example.org/admin")))
        return spiffe_judge(leaf, trust_domain, why);
    *trust_domain = SLICE("other.org");
    return ERR_OK;
}

/* V1: other.org is trusted for its own names, and mints one of ours. */
TEST(the_authority_of_one_domain_cannot_mint_a_name_in_another)
{
    struct certs *c = certs_new();
    struct issuer_leaf leaf = certs_leaf("spiffe://example.org/admin");
    struct creds *forged = NULL;
    struct buf cert, key;
    struct diag diag;

    diag_init(&diag);
    buf_init(&cert, PEM_MAX);
    buf_init(&key, PEM_MAX);
    (void)certs_root_of(c, "other.org");
    struct creds *server = certs_good(c, "spiffe://example.org/b", spiffe_judge);
    certs_sign(c, "other.org", &leaf, &cert, &key);
    CHECK_ERR(ERR_INPUT, certs_load(c, buf_slice(&cert), buf_slice(&key), spiffe_judge, &diag, &forged));
    CHECK_TEXT("certificate is not signed by the bundle of \"example.org\"", diag.first->message);
    CHECK_ERR(ERR_OK, certs_load(c, buf_slice(&cert), buf_slice(&key), forger_judge, &diag, &forged));
    shake(forged, server, NULL, NULL, "certificate is not signed by the bundle of \"example.org\"");
    shake(server, forged, NULL, "certificate is not signed by the bundle of \"example.org\"",
          "the other side refused us: unknown CA");
    creds_unref(&forged);
    creds_unref(&server);
    diag_fini(&diag);
    buf_fini(&cert);
    buf_fini(&key);
    certs_free(&c);
}

TESTS_BEGIN()
TESTS_RUN(an_id_has_a_trust_domain_and_a_path)
TESTS_RUN(namespace_and_account_come_from_one_shape_of_path_only)
TESTS_RUN(an_id_may_have_2048_bytes_and_a_domain_255)
TESTS_RUN(every_bad_leaf_is_refused_with_its_reason)
TESTS_RUN(what_signs_is_an_authority_without_a_path)
TESTS_RUN(a_leaf_with_a_named_subject_need_not_have_a_critical_alternative_name)
TESTS_RUN(two_good_leaves_of_federated_domains_meet)
TESTS_RUN(a_domain_without_a_bundle_is_unknown)
TESTS_RUN(the_authority_of_one_domain_cannot_mint_a_name_in_another)
TESTS_END()
