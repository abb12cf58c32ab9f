/* The rules of a SPIFFE certificate, V1 to V20, by certificates: each row departs from a good leaf in
 * exactly one thing, so nothing but its rule refuses it.  What plain OpenSSL says of the same chain, with
 * all roots in one store, stands beside it: that is why it does not suffice. */
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "policy/spiffe.h"
#include "tests/kit/certs.h"
#include "tests/kit/t.h"

enum { DAY = 86400, MOST_TURNS = 16, OWN_BYTES = 64 << 10 };

#define DOMAIN "example.org"
#define ID "spiffe://example.org/ns/shop/sa/web"
#define USAGE "critical,digitalSignature"
#define PURPOSES "serverAuth,clientAuth"

enum signer { BY_ROOT, BY_PARTNER, BY_UNKNOWN, BY_MIDDLE };

/* A certificate to be made.  Every field that is 0 is as a good leaf has it; "-" leaves it out. */
struct mould {
    const char *uri, *second_uri, *dns;
    const char *constraints, *usage, *purposes, *extra_nid, *extra;
    bool subject, plain_san;
    enum signer signer;
    const struct mould *middle; /* what stands between, signed by the root */
    int from, to;               /* seconds from now */
    bool rsa1024, rsa2048;
    size_t id_len; /* the path is filled up to this */
};

struct row {
    const char *rule, *what;
    struct mould mould;
    const char *why;  /* NULL: we take it */
    bool plain_takes; /* OpenSSL takes it */
};

#define NOT_SPIFFE "certificate: the URI does not begin with spiffe://"
#define BAD_DOMAIN "certificate: the trust domain is not 1 to 255 lower-case letters, digits, '.', '-' and '_'"
#define BAD_CHAR "certificate: the SPIFFE ID's path has a character other than letters, digits, '.', '-' and '_'"
#define DOTS "certificate: the SPIFFE ID has a dot segment"
#define HOLE "certificate: the SPIFFE ID has an empty path segment"
#define NOT_SIGNED "certificate is not signed by the bundle of \"example.org\""

static const struct mould middle = {.uri = "-", .constraints = "critical,CA:TRUE", .usage = "critical,keyCertSign"};
static const struct mould middle_named = {
    .uri = "spiffe://example.org", .constraints = "critical,CA:TRUE", .usage = "critical,keyCertSign"};
static const struct mould middle_path = {
    .uri = "spiffe://example.org/ca", .constraints = "critical,CA:TRUE", .usage = "critical,keyCertSign"};
static const struct mould middle_other = {
    .uri = "spiffe://partner.example", .constraints = "critical,CA:TRUE", .usage = "critical,keyCertSign"};
static const struct mould middle_two = {.uri = "spiffe://example.org",
                                        .second_uri = "spiffe://example.org",
                                        .constraints = "critical,CA:TRUE",
                                        .usage = "critical,keyCertSign"};
static const struct mould middle_leaf = {.uri = "-"};
static const struct mould middle_no_sign = {.uri = "-", .constraints = "critical,CA:TRUE", .usage = "critical,cRLSign"};
static const struct mould middle_no_usage = {.uri = "-", .constraints = "critical,CA:TRUE", .usage = "-"};
static const struct mould middle_narrow = {.uri = "-",
                                           .constraints = "critical,CA:TRUE",
                                           .usage = "critical,keyCertSign",
                                           .extra_nid = "nameConstraints",
                                           .extra = "critical,permitted;URI:.partner.example"};

static const struct row rows[] = {
    {"good", "a plain leaf", {0}, NULL, true},
    {"good", "no extended key usage at all", {.purposes = "-"}, NULL, true},
    {"good",
     "a subject, and then an alternative name that is not critical",
     {.subject = true, .plain_san = true},
     NULL,
     true},
    {"good", "DNS names beside the URI", {.dns = "web.shop.svc.cluster.local"}, NULL, true},
    {"good", "upper case, dots and dashes in the path", {.uri = "spiffe://example.org/A.b-c_d/..."}, NULL, true},
    {"good", "more usages than are needed", {.usage = "critical,digitalSignature,keyAgreement"}, NULL, true},
    {"good", "an intermediate without a name of its own", {.signer = BY_MIDDLE, .middle = &middle}, NULL, true},
    {"good",
     "an intermediate with the trust domain's name",
     {.signer = BY_MIDDLE, .middle = &middle_named},
     NULL,
     true},
    {"good", "RSA with 2048 bits", {.rsa2048 = true}, NULL, true},
    {"V1", "a trusted partner's authority mints a name of ours", {.signer = BY_PARTNER}, NOT_SIGNED, true},
    {"V1",
     "a name of the partner, minted by us",
     {.uri = "spiffe://partner.example/admin"},
     "certificate is not signed by the bundle of \"partner.example\"",
     true},
    {"V1", "an authority that nobody knows", {.signer = BY_UNKNOWN}, NOT_SIGNED, false},
    {"V1",
     "a domain that nobody knows",
     {.uri = "spiffe://stranger.example/web"},
     "unknown trust domain \"stranger.example\"",
     true},
    {"V2", "two SPIFFE IDs", {.second_uri = "spiffe://example.org/b"}, "certificate: more than one URI", true},
    {"V2", "the same ID twice", {.second_uri = ID}, "certificate: more than one URI", true},
    {"V2", "another URI beside the ID", {.second_uri = "https://example.org/"}, "certificate: more than one URI", true},
    {"V2", "no URI", {.uri = "-", .dns = "web.example.org"}, "certificate: no SPIFFE ID", true},
    {"V2", "no alternative name at all", {.uri = "-", .subject = true}, "certificate: no SPIFFE ID", true},
    {"V3", "another scheme", {.uri = "https://example.org/ns/shop/sa/web"}, NOT_SPIFFE, true},
    {"V3", "a longer scheme", {.uri = "spiffes://example.org/web"}, NOT_SPIFFE, true},
    {"V4",
     "the trust domain itself",
     {.uri = "spiffe://example.org"},
     "certificate: the SPIFFE ID names a whole trust domain (no path)",
     true},
    {"V5",
     "an authority's constraints on a leaf",
     {.constraints = "critical,CA:TRUE"},
     "certificate: an authority's certificate may not authenticate (cA is true)",
     true},
    {"V6", "keyCertSign", {.usage = USAGE ",keyCertSign"}, "certificate: key usage has keyCertSign", true},
    {"V6", "cRLSign", {.usage = USAGE ",cRLSign"}, "certificate: key usage has cRLSign", true},
    {"V7",
     "no digitalSignature",
     {.usage = "critical,keyAgreement"},
     "certificate: key usage lacks digitalSignature",
     true},
    {"V8", "no key usage", {.usage = "-"}, "certificate: no key usage", true},
    {"V8",
     "key usage that is not critical",
     {.usage = "digitalSignature"},
     "certificate: key usage is not critical",
     true},
    {"V9",
     "for clients only",
     {.purposes = "clientAuth"},
     "certificate: extended key usage lacks serverAuth or clientAuth",
     true},
    {"V9",
     "for servers only",
     {.purposes = "serverAuth"},
     "certificate: extended key usage lacks serverAuth or clientAuth",
     false},
    {"V9",
     "for mail only",
     {.purposes = "emailProtection"},
     "certificate: extended key usage lacks serverAuth or clientAuth",
     false},
    {"V10",
     "no subject, and the alternative name not critical",
     {.plain_san = true},
     "certificate: the subject is empty and the alternative name not critical",
     true},
    {"V11",
     "an intermediate with a path",
     {.signer = BY_MIDDLE, .middle = &middle_path},
     "signing certificate: an authority's SPIFFE ID has a path",
     true},
    {"V11",
     "an intermediate of another trust domain",
     {.signer = BY_MIDDLE, .middle = &middle_other},
     "signing certificate names the trust domain \"partner.example\"",
     true},
    {"V11",
     "an intermediate with two names",
     {.signer = BY_MIDDLE, .middle = &middle_two},
     "signing certificate: more than one URI",
     true},
    {"V11",
     "an intermediate without key usage",
     {.signer = BY_MIDDLE, .middle = &middle_no_usage},
     "signing certificate: key usage lacks keyCertSign",
     true},
    {"V11",
     "an intermediate without keyCertSign",
     {.signer = BY_MIDDLE, .middle = &middle_no_sign},
     "certificate chain: invalid CA certificate",
     false},
    {"V11",
     "a leaf that signs a leaf",
     {.signer = BY_MIDDLE, .middle = &middle_leaf},
     "certificate chain: invalid CA certificate",
     false},
    {"V12",
     "a signing certificate that calls",
     {.uri = "spiffe://example.org/ca",
      .constraints = "critical,CA:TRUE",
      .usage = "critical,digitalSignature,keyCertSign"},
     "certificate: an authority's certificate may not authenticate (cA is true)",
     true},
    {"V13", "no trust domain", {.uri = "spiffe:///web"}, BAD_DOMAIN, true},
    {"V13", "a user in it", {.uri = "spiffe://admin@example.org/web"}, BAD_DOMAIN, true},
    {"V13", "a port in it", {.uri = "spiffe://example.org:443/web"}, BAD_DOMAIN, true},
    {"V13", "an escape in it", {.uri = "spiffe://example%2eorg/web"}, BAD_DOMAIN, true},
    {"V14", "an escaped slash", {.uri = "spiffe://example.org/a%2fb"}, BAD_CHAR, true},
    {"V14", "an empty segment", {.uri = "spiffe://example.org//web"}, HOLE, true},
    {"V14", "a dot segment", {.uri = "spiffe://example.org/./web"}, DOTS, true},
    {"V14", "a climb", {.uri = "spiffe://example.org/ns/../admin"}, DOTS, true},
    {"V14",
     "a slash at the end",
     {.uri = "spiffe://example.org/web/"},
     "certificate: the SPIFFE ID ends in a slash",
     true},
    {"V14", "a query", {.uri = "spiffe://example.org/web?admin"}, BAD_CHAR, true},
    {"V14", "a fragment", {.uri = "spiffe://example.org/web#admin"}, BAD_CHAR, true},
    {"V15", "2048 bytes, which is still good", {.id_len = 2048}, NULL, true},
    {"V15", "2049 bytes", {.id_len = 2049}, "certificate: the SPIFFE ID is longer than 2048 bytes", true},
    {"V16", "upper case in the trust domain", {.uri = "spiffe://Example.org/web"}, BAD_DOMAIN, true},
    {"V16", "upper case in the scheme", {.uri = "SPIFFE://example.org/web"}, NOT_SPIFFE, true},
    {"V17",
     "an address is a name like any other",
     {.uri = "spiffe://10.0.0.1/web"},
     "unknown trust domain \"10.0.0.1\"",
     true},
    {"V17",
     "a DNS name is not looked at",
     {.uri = "spiffe://partner.example/x", .dns = "example.org"},
     "certificate is not signed by the bundle of \"partner.example\"",
     true},
    {"date", "over since a minute", {.from = -9 * DAY, .to = -5 * DAY - 1800}, "certificate expired 5 days ago", false},
    {"date", "not yet", {.from = 5 * DAY + 1800, .to = 9 * DAY}, "certificate is not valid for another 5 days", false},
    {"key", "RSA with 1024 bits", {.rsa1024 = true}, "certificate chain: EE certificate key too weak", true},
    {"constraint",
     "an intermediate that may name others only",
     {.signer = BY_MIDDLE, .middle = &middle_narrow},
     "certificate chain: permitted subtree violation",
     false},
};

/* ---- making them ---- */

static EVP_PKEY *key_of(const struct mould *m)
{
    if (m->rsa1024 || m->rsa2048)
        return EVP_RSA_gen(m->rsa1024 ? 1024u : 2048u);
    return EVP_EC_gen("P-256");
}

static void add(X509 *x, X509 *signer, int nid, const char *words)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, signer, x, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, words);
    CHECK(ext && X509_add_ext(x, ext, -1) == 1);
    X509_EXTENSION_free(ext);
}

static void add_either(X509 *x, X509 *signer, int nid, const char *words, const char *preset)
{
    if (!words || strcmp(words, "-") != 0)
        add(x, signer, nid, words ? words : preset);
}

static void push(GENERAL_NAMES *names, int type, const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *ia5 = ASN1_IA5STRING_new();
    CHECK(name && ia5 && ASN1_STRING_set(ia5, text, -1) == 1);
    GENERAL_NAME_set0_value(name, type, ia5);
    CHECK(sk_GENERAL_NAME_push(names, name) > 0);
}

static void add_names(X509 *x, const struct mould *m)
{
    char id[4096];
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    snprintf(id, sizeof(id), "%s", m->uri ? m->uri : ID);
    for (size_t i = strlen(id); i < m->id_len; i++)
        memcpy(id + i, "x", 2);
    if (strcmp(id, "-") != 0)
        push(names, GEN_URI, id);
    if (m->second_uri)
        push(names, GEN_URI, m->second_uri);
    if (m->dns)
        push(names, GEN_DNS, m->dns);
    if (sk_GENERAL_NAME_num(names) > 0)
        CHECK_INT(1, X509_add1_ext_i2d(x, NID_subject_alt_name, names, m->plain_san ? 0 : 1, 0));
    sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
}

static bool signs(const struct mould *m)
{
    return m->constraints && strstr(m->constraints, "TRUE");
}

static X509 *make(const struct mould *m, EVP_PKEY *key, X509 *signer, EVP_PKEY *signer_key)
{
    static long serial = 1000;
    X509 *x = X509_new();
    CHECK(x && X509_set_version(x, X509_VERSION_3) == 1 && X509_set_pubkey(x, key) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x), m->from ? m->from : -60);
    X509_gmtime_adj(X509_getm_notAfter(x), m->to ? m->to : 3600);
    X509_set_issuer_name(x, X509_get_subject_name(signer));
    if (m->subject || signs(m) || m == &middle_leaf)
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "O", MBSTRING_ASC, (const unsigned char *)"someone", -1,
                                   -1, 0);
    add_either(x, signer, NID_basic_constraints, m->constraints, "critical,CA:FALSE");
    add_either(x, signer, NID_key_usage, m->usage, USAGE);
    if (!signs(m))
        add_either(x, signer, NID_ext_key_usage, m->purposes, PURPOSES);
    add(x, signer, NID_subject_key_identifier, "hash");
    add(x, signer, NID_authority_key_identifier, "keyid");
    add_names(x, m);
    if (m->extra)
        add(x, signer, OBJ_txt2nid(m->extra_nid), m->extra);
    CHECK(X509_sign(x, signer_key, EVP_sha256()) > 0);
    return x;
}

/* The roots, and a server that trusts two of them. */
struct world {
    struct certs *certs;
    struct creds *server;
    X509 *roots[3];
    EVP_PKEY *keys[3];
};

static void read_root(struct world *w, enum signer which, struct slice cert, struct slice key)
{
    BIO *b = BIO_new_mem_buf(cert.at, (int)cert.len);
    w->roots[which] = PEM_read_bio_X509(b, NULL, NULL, NULL);
    BIO_free(b);
    b = BIO_new_mem_buf(key.at, (int)key.len);
    w->keys[which] = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
    BIO_free(b);
    CHECK(w->roots[which] && w->keys[which]);
}

static void begin(struct world *w)
{
    struct buf cert, key;
    *w = (struct world){.certs = certs_new()};
    struct certs_root *ours = certs_root_of(w->certs, DOMAIN);
    read_root(w, BY_ROOT, buf_slice(&ours->cert), buf_slice(&ours->key));
    struct certs_root *partner = certs_root_of(w->certs, "partner.example");
    read_root(w, BY_PARTNER, buf_slice(&partner->cert), buf_slice(&partner->key));
    buf_init(&cert, OWN_BYTES);
    buf_init(&key, OWN_BYTES);
    CHECK_ERR(ERR_OK, issuer_root(SLICE(DOMAIN), 1, &cert, &key)); /* the same name, another key */
    read_root(w, BY_UNKNOWN, buf_slice(&cert), buf_slice(&key));
    buf_fini(&cert);
    buf_fini(&key);
    w->server = certs_good(w->certs, "spiffe://example.org/server", spiffe_judge);
}

static void end(struct world *w)
{
    creds_unref(&w->server);
    for (int i = 0; i < 3; i++) {
        X509_free(w->roots[i]);
        EVP_PKEY_free(w->keys[i]);
    }
    certs_free(&w->certs);
}

/* A caller with its key, and who stands between it and a root. */
struct caller {
    EVP_PKEY *key, *middle_key;
    X509 *leaf, *middle;
};

static void mint(const struct world *w, const struct mould *m, struct caller *c)
{
    *c = (struct caller){.key = key_of(m)};
    if (m->signer == BY_MIDDLE) {
        c->middle_key = EVP_EC_gen("P-256");
        c->middle = make(m->middle, c->middle_key, w->roots[BY_ROOT], w->keys[BY_ROOT]);
        c->leaf = make(m, c->key, c->middle, c->middle_key);
    } else
        c->leaf = make(m, c->key, w->roots[m->signer], w->keys[m->signer]);
}

static void drop(struct caller *c)
{
    EVP_PKEY_free(c->key);
    EVP_PKEY_free(c->middle_key);
    X509_free(c->leaf);
    X509_free(c->middle);
}

/* ---- asking ---- */

/* A whole TLS 1.3 handshake in memory, the caller being plain OpenSSL.  The server's view is left in `s`. */
static void shake(const struct caller *c, struct creds_session *s)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(ctx, 0);
    CHECK(SSL_CTX_use_certificate(ctx, c->leaf) == 1 && SSL_CTX_use_PrivateKey(ctx, c->key) == 1);
    if (c->middle)
        CHECK(SSL_CTX_add1_chain_cert(ctx, c->middle) == 1);
    SSL *server = (SSL *)creds_session_open(s, true), *client = SSL_new(ctx);
    BIO *near, *far;
    CHECK(BIO_new_bio_pair(&near, 0, &far, 0) == 1);
    SSL_set_bio(server, near, near);
    SSL_set_bio(client, far, far);
    SSL_set_connect_state(client);
    for (int i = 0; i < MOST_TURNS; i++) {
        (void)SSL_do_handshake(client);
        (void)SSL_do_handshake(server);
    }
    ERR_clear_error();
    CHECK_INT(s->peer != NULL, SSL_is_init_finished(server));
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(ctx);
}

static bool plain_takes(const struct world *w, const struct caller *c)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *chain = X509_STORE_CTX_new();
    STACK_OF(X509) *between = sk_X509_new_null();
    X509_STORE_add_cert(store, w->roots[BY_ROOT]);
    X509_STORE_add_cert(store, w->roots[BY_PARTNER]);
    if (c->middle)
        sk_X509_push(between, c->middle);
    X509_STORE_CTX_init(chain, store, c->leaf, between);
    X509_STORE_CTX_set_purpose(chain, X509_PURPOSE_SSL_CLIENT);
    bool takes = X509_verify_cert(chain) == 1;
    X509_STORE_CTX_free(chain);
    sk_X509_free(between);
    X509_STORE_free(store);
    return takes;
}

static void check_row(const struct world *w, const struct row *row)
{
    struct caller c;
    struct creds_session s = {.creds = creds_ref(w->server)};
    mint(w, &row->mould, &c);
    shake(&c, &s);
    const char *fault = creds_session_fault(&s);
    if (row->why ? strcmp(fault, row->why) != 0 || s.peer : !s.peer)
        fprintf(stderr, "%s, %s: taken %d, \"%s\"\n", row->rule, row->what, s.peer != NULL, fault);
    CHECK_TEXT(row->why ? row->why : "", slice_str(fault));
    CHECK_INT(row->why == NULL, s.peer != NULL);
    if (plain_takes(w, &c) != row->plain_takes)
        fprintf(stderr, "%s, %s: OpenSSL takes it: %d\n", row->rule, row->what, !row->plain_takes);
    CHECK_INT(row->plain_takes, plain_takes(w, &c));
    creds_session_fini(&s);
    drop(&c);
}

TEST(each_rule_refuses_a_leaf_that_only_it_refuses)
{
    struct world w;
    begin(&w);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_row(&w, &rows[i]);
    end(&w);
}

TEST(plain_openssl_takes_most_of_what_the_rules_refuse)
{
    unsigned bad = 0, taken = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bad += rows[i].why != NULL;
        taken += rows[i].why && rows[i].plain_takes;
    }
    CHECK_INT(49, bad);
    CHECK_INT(41, taken);
}

/* V19. */
TEST(a_revoked_leaf_is_refused_until_its_list_is_gone)
{
    struct world w;
    struct caller c, other;
    struct mould good = {0};
    char list_path[CERTS_PATH], cert_path[CERTS_PATH], key_path[CERTS_PATH];
    begin(&w);
    mint(&w, &good, &c);
    mint(&w, &good, &other);
    struct certs_root *root = certs_root_of(w.certs, DOMAIN);
    struct issuer_leaf own = certs_leaf("spiffe://example.org/server");
    struct buf list, cert, key, revoked;
    buf_init(&list, OWN_BYTES);
    buf_init(&cert, OWN_BYTES);
    buf_init(&key, OWN_BYTES);
    buf_init(&revoked, OWN_BYTES);
    BIO *pem = BIO_new(BIO_s_mem());
    char *at;
    PEM_write_bio_X509(pem, c.leaf);
    size_t len = (size_t)BIO_get_mem_data(pem, &at);
    buf_put(&revoked, slice_of(at, len));
    BIO_free(pem);
    certs_sign(w.certs, DOMAIN, &own, &cert, &key);
    certs_write(w.certs, "own.pem", buf_slice(&cert), 0644, cert_path);
    certs_write(w.certs, "own.key", buf_slice(&key), 0600, key_path);
    const char *crls[] = {list_path};
    struct creds_bundle bundle = {DOMAIN, root->path};
    struct creds_conf conf = {.cert = cert_path,
                              .key = key_path,
                              .bundles = &bundle,
                              .bundle_count = 1,
                              .crls = crls,
                              .crl_count = 1,
                              .judge = spiffe_judge};
    static const struct {
        int64_t ttl_us;
        bool lists_it;
        const char *why, *why_other;
    } turns[] = {
        {INT64_C(3600000000), true, "certificate is revoked by ", NULL},
        {INT64_C(3600000000), false, NULL, NULL},
        {INT64_C(-7200000000), false, "the revocation list ", "the revocation list "},
    };
    for (size_t i = 0; i < 3; i++) {
        struct diag diag;
        struct creds *creds = NULL;
        diag_init(&diag);
        buf_clear(&list);
        CHECK_ERR(ERR_OK, issuer_revoke(buf_slice(&root->cert), buf_slice(&root->key), (struct slice){0},
                                        turns[i].lists_it ? buf_slice(&revoked) : (struct slice){0},
                                        (int64_t)time(NULL) * 1000000 + turns[i].ttl_us, &list));
        certs_write(w.certs, "list.crl", buf_slice(&list), 0644, list_path);
        enum err e = creds_load(&conf, &diag, &creds);
        if (turns[i].why_other) { /* then we would be refused ourselves, and are told so at once */
            CHECK_ERR(ERR_INPUT, e);
            CHECK(diag.warnings == 1 && slice_has(diag.last->message, slice_str(turns[i].why_other)));
        } else {
            CHECK_ERR(ERR_OK, e);
            struct creds_session s = {.creds = creds_ref(creds)}, t = {.creds = creds_ref(creds)};
            shake(&c, &s);
            CHECK(slice_starts(slice_str(creds_session_fault(&s)), slice_str(turns[i].why ? turns[i].why : "")));
            CHECK_INT(turns[i].why == NULL, s.peer != NULL);
            shake(&other, &t);
            CHECK(t.peer != NULL);
            creds_session_fini(&s);
            creds_session_fini(&t);
        }
        creds_unref(&creds);
        diag_fini(&diag);
    }
    buf_fini(&list);
    buf_fini(&cert);
    buf_fini(&key);
    buf_fini(&revoked);
    drop(&c);
    drop(&other);
    end(&w);
}

/* A connection is judged again by creds that came later. */
TEST(who_was_taken_is_taken_again_while_its_domain_is_trusted)
{
    struct world w;
    struct caller c;
    struct mould good = {0};
    char own_path[CERTS_PATH], key_path[CERTS_PATH], fault[CREDS_FAULT_MAX] = "";
    begin(&w);
    mint(&w, &good, &c);
    struct creds_session s = {.creds = w.server};
    shake(&c, &s);
    CHECK(s.peer != NULL && creds_takes(w.server, s.peer, fault));
    CHECK_SLICE(SLICE(ID), creds_peer_id(s.peer));

    struct certs_root *ours = certs_root_of(w.certs, DOMAIN), *partner = certs_root_of(w.certs, "partner.example");
    struct issuer_leaf own = certs_leaf("spiffe://partner.example/server");
    struct buf cert, key;
    buf_init(&cert, OWN_BYTES);
    buf_init(&key, OWN_BYTES);
    certs_sign(w.certs, "partner.example", &own, &cert, &key);
    certs_write(w.certs, "next.pem", buf_slice(&cert), 0644, own_path);
    certs_write(w.certs, "next.key", buf_slice(&key), 0600, key_path);
    struct creds_bundle bundles[] = {{"partner.example", partner->path}, {DOMAIN, ours->path}};
    for (size_t count = 1; count <= 2; count++) {
        struct creds_conf conf = {
            .cert = own_path, .key = key_path, .bundles = bundles, .bundle_count = count, .judge = spiffe_judge};
        struct diag diag;
        struct creds *next;
        diag_init(&diag);
        CHECK_ERR(ERR_OK, creds_load(&conf, &diag, &next));
        CHECK_INT(count == 2, creds_takes(next, s.peer, fault));
        CHECK(strcmp(fault, "unknown trust domain \"example.org\"") == 0);
        creds_unref(&next);
        diag_fini(&diag);
    }
    creds_peer_unref(&s.peer);
    buf_fini(&cert);
    buf_fini(&key);
    drop(&c);
    end(&w);
}

TESTS_BEGIN()
TESTS_RUN(who_was_taken_is_taken_again_while_its_domain_is_trusted)
TESTS_RUN(each_rule_refuses_a_leaf_that_only_it_refuses)
TESTS_RUN(plain_openssl_takes_most_of_what_the_rules_refuse)
TESTS_RUN(a_revoked_leaf_is_refused_until_its_list_is_gone)
TESTS_END()
