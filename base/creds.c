#include "base/creds.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/now.h"

enum {
    FILE_MAX = 1 << 20,       /* bytes of one PEM file */
    DEPTH_MAX = 5,            /* intermediates between a leaf and its bundle */
    CERT_LIST_MAX = 64 << 10, /* bytes of certificates a peer may send */
    STRENGTH = 2,             /* OpenSSL security level: 112 bits, RSA from 2048 */
    DOMAIN_MAX = 255,         /* SPIFFE-ID section 2.1 */
};

#define CIPHERS "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "P-256:X25519:P-384"

/* A trust domain and the only authorities that may speak for it. */
struct domain {
    char *name;
    X509_STORE *store;
};

struct creds {
    atomic_uint refs;
    creds_judge_fn *judge;
    struct domain *domains;
    size_t domain_count;
    SSL_CTX *ctx;
    char *id;
    int64_t expires_us;
};

/* What is read from one certificate; the slices of `leaf` point into `names`. */
struct facts {
    struct creds_leaf leaf;
    GENERAL_NAMES *names;
};

/* Why a chain is refused, for OpenSSL's alert and for people. */
struct refusal {
    int code; /* X509_V_ERR_... */
    char *why;
    size_t room;
};

static bool PRINTF_LIKE(3, 4) refuse(struct refusal *r, int code, const char *format, ...)
{
    va_list args;

    r->code = code;
    va_start(args, format);
    (void)vsnprintf(r->why, r->room, format, args);
    va_end(args);
    return false;
}

static bool ext_critical(X509 *x, int nid)
{
    int at = X509_get_ext_by_NID(x, nid, -1);
    return at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(x, at)) == 1;
}

static void read_uris(X509 *x, struct facts *f)
{
    f->names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(f->names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(f->names, i);
        if (name->type != GEN_URI)
            continue;
        const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
        if (f->leaf.uri_count < 4)
            f->leaf.uris[f->leaf.uri_count] = slice_of(ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri));
        f->leaf.uri_count++;
    }
}

static void read_usage(X509 *x, uint32_t flags, struct creds_leaf *leaf)
{
    uint32_t usage = flags & EXFLAG_KUSAGE ? X509_get_key_usage(x) : 0;
    uint32_t extended = flags & EXFLAG_XKUSAGE ? X509_get_extended_key_usage(x) : 0;

    leaf->has_key_usage = flags & EXFLAG_KUSAGE;
    leaf->key_usage_critical = ext_critical(x, NID_key_usage);
    leaf->digital_signature = usage & KU_DIGITAL_SIGNATURE;
    leaf->key_cert_sign = usage & KU_KEY_CERT_SIGN;
    leaf->crl_sign = usage & KU_CRL_SIGN;
    leaf->has_eku = flags & EXFLAG_XKUSAGE;
    leaf->eku_server = extended & XKU_SSL_SERVER;
    leaf->eku_client = extended & XKU_SSL_CLIENT;
}

/* false: an extension is malformed or there twice. */
static bool read_facts(X509 *x, bool as_signer, struct facts *f)
{
    uint32_t flags = X509_get_extension_flags(x);

    *f = (struct facts){.leaf.as_signer = as_signer};
    if (flags & EXFLAG_INVALID)
        return false;
    f->leaf.has_basic_constraints = flags & EXFLAG_BCONS;
    f->leaf.is_ca = flags & EXFLAG_CA;
    f->leaf.subject_empty = X509_NAME_entry_count(X509_get_subject_name(x)) == 0;
    f->leaf.san_critical = ext_critical(x, NID_subject_alt_name);
    read_usage(x, flags, &f->leaf);
    read_uris(x, f);
    return true;
}

/* What a certificate says of itself, as far as the judge lets it: its trust domain, and a
 * leaf's SPIFFE ID.  A signer may be silent about both. */
struct claim {
    char domain[DOMAIN_MAX + 1];
    char *id; /* owned; NULL for a signer */
};

static bool judge(const struct creds *c, X509 *x, bool as_signer, struct claim *claim, struct refusal *r)
{
    struct facts f;
    struct slice domain = {0};
    const char *why = "it is not a SPIFFE certificate";

    *claim = (struct claim){0};
    if (!read_facts(x, as_signer, &f))
        return refuse(r, X509_V_ERR_INVALID_EXTENSION, "%s: an extension is malformed",
                      as_signer ? "signing certificate" : "certificate");
    bool good = c->judge(&f.leaf, &domain, &why) == ERR_OK && domain.len <= DOMAIN_MAX;
    if (good && domain.len > 0)
        memcpy(claim->domain, domain.at, domain.len);
    if (good && !as_signer)
        claim->id = mem_copy(f.leaf.uris[0]);
    GENERAL_NAMES_free(f.names);
    return good ||
           refuse(r, X509_V_ERR_CERT_REJECTED, "%s: %s", as_signer ? "signing certificate" : "certificate", why);
}

static const struct domain *find_domain(const struct creds *c, const char *name)
{
    for (size_t i = 0; i < c->domain_count; i++)
        if (strcmp(c->domains[i].name, name) == 0)
            return &c->domains[i];
    return NULL;
}

/* "3 s", "5 min", "2 h", "4 days": between two times, or from one to now (NULL). */
static void print_between(const ASN1_TIME *from, const ASN1_TIME *to, char *into, size_t room)
{
    int days = 0, seconds = 0;

    (void)ASN1_TIME_diff(&days, &seconds, from, to);
    if (days > 1)
        (void)snprintf(into, room, "%d days", days);
    else if (days * 24 + seconds / 3600 > 1)
        (void)snprintf(into, room, "%d h", days * 24 + seconds / 3600);
    else if (seconds >= 120 || days > 0)
        (void)snprintf(into, room, "%d min", (days * 86400 + seconds) / 60);
    else
        (void)snprintf(into, room, "%d s", seconds);
}

static bool refuse_date(struct refusal *r, const X509 *x, const char *who)
{
    char span[32];

    if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0) {
        print_between(X509_get0_notAfter(x), NULL, span, sizeof(span));
        return refuse(r, X509_V_ERR_CERT_HAS_EXPIRED, "%s expired %s ago", who, span);
    }
    print_between(NULL, X509_get0_notBefore(x), span, sizeof(span));
    return refuse(r, X509_V_ERR_CERT_NOT_YET_VALID, "%s is not valid for another %s", who, span);
}

static bool refuse_chain(struct refusal *r, X509_STORE_CTX *chain, const char *domain)
{
    int code = X509_STORE_CTX_get_error(chain);
    X509 *at = X509_STORE_CTX_get_current_cert(chain);

    switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        if (at)
            return refuse_date(r, at,
                               X509_STORE_CTX_get_error_depth(chain) == 0 ? "certificate" : "signing certificate");
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return refuse(r, code, "certificate is not signed by the bundle of \"%s\"", domain);
    }
    return refuse(r, code, "certificate chain: %s", X509_verify_cert_error_string(code));
}

/* A signer with another trust domain's name has no business in this chain. */
static bool signer_ok(const struct creds *c, X509 *x, const char *domain, struct refusal *r)
{
    struct claim claim;

    if (!judge(c, x, true, &claim, r))
        return false;
    if (claim.domain[0] != '\0' && strcmp(claim.domain, domain) != 0)
        return refuse(r, X509_V_ERR_CERT_REJECTED, "signing certificate names the trust domain \"%s\"", claim.domain);
    return true;
}

static bool signers_ok(const struct creds *c, const STACK_OF(X509) * built, const char *domain, struct refusal *r)
{
    /* The last one is of our own bundle and was judged when it was read. */
    for (int i = 1; i < sk_X509_num(built) - 1; i++)
        if (!signer_ok(c, sk_X509_value(built, i), domain, r))
            return false;
    return true;
}

/* The chain is built only against the bundle of the domain that the leaf names (V1 of
 * SPIFFE): one domain's authority can never mint a name in another. */
static bool chain_ok(const struct creds *c, const struct domain *domain, X509 *leaf, STACK_OF(X509) * others,
                     struct refusal *r)
{
    X509_STORE_CTX *chain = X509_STORE_CTX_new();

    PRE(chain && X509_STORE_CTX_init(chain, domain->store, leaf, others) == 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(chain);
    (void)X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY); /* extended key usage is the judge's */
    X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, STRENGTH);
    /* Every certificate of a bundle is an authority, self-signed or not. */
    (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    bool good = X509_verify_cert(chain) == 1 ? signers_ok(c, X509_STORE_CTX_get0_chain(chain), domain->name, r)
                                             : refuse_chain(r, chain, domain->name);
    X509_STORE_CTX_free(chain);
    return good;
}

static bool leaf_ok(const struct creds *c, X509 *leaf, STACK_OF(X509) * others, struct claim *claim, struct refusal *r)
{
    if (!judge(c, leaf, false, claim, r))
        return false;
    const struct domain *domain = find_domain(c, claim->domain);
    if (!domain)
        return refuse(r, X509_V_ERR_CERT_UNTRUSTED, "unknown trust domain \"%s\"", claim->domain);
    return chain_ok(c, domain, leaf, others, r);
}

static bool expected(const struct creds_session *s, const struct claim *claim, struct refusal *r)
{
    if (!s->expect || strcmp(s->expect, claim->id) == 0)
        return true;
    return refuse(r, X509_V_ERR_CERT_REJECTED, "not the expected identity %s but %s", s->expect, claim->id);
}

static int on_verify(X509_STORE_CTX *theirs, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(theirs, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct creds_session *s = SSL_get_app_data(ssl);
    struct refusal r = {.why = s->fault, .room = sizeof(s->fault)};
    struct claim claim;

    (void)arg;
    bool good =
        leaf_ok(s->creds, X509_STORE_CTX_get0_cert(theirs), X509_STORE_CTX_get0_untrusted(theirs), &claim, &r) &&
        expected(s, &claim, &r);
    if (!good) {
        mem_free(claim.id);
        X509_STORE_CTX_set_error(theirs, r.code);
        return 0;
    }
    mem_free(s->peer_id);
    s->peer_id = claim.id;
    X509_STORE_CTX_set_error(theirs, X509_V_OK);
    return 1;
}

/* RFC 7301 section 3.2: no protocol in common ends the handshake. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                   unsigned in_len, void *arg)
{
    const struct creds_session *s = SSL_get_app_data(ssl);
    unsigned char *chosen;

    (void)arg;
    if (s->alpn_len == 0)
        return SSL_TLSEXT_ERR_NOACK;
    if (SSL_select_next_proto(&chosen, out_len, s->alpn, (unsigned)s->alpn_len, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *new_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    PRE(ctx != NULL);
    SSL_CTX_set_security_level(ctx, STRENGTH);
    PRE(SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1);
    PRE(SSL_CTX_set_ciphersuites(ctx, CIPHERS) == 1);
    PRE(SSL_CTX_set1_groups_list(ctx, GROUPS) == 1);
    /* Our order of suites, the cheapest first, also against peers with another order. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    PRE(SSL_CTX_set_num_tickets(ctx, 0) == 1);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_read_ahead(ctx, 1); /* a record's head and body in one read */
    SSL_CTX_set_max_cert_list(ctx, CERT_LIST_MAX);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    return ctx;
}

/* The files as they are read, and where complaints go. */
struct load {
    const struct creds_conf *conf;
    struct diag *diag;
    struct creds *creds;
    STACK_OF(X509) * certs; /* our leaf, then intermediates */
    EVP_PKEY *key;
};

static void PRINTF_LIKE(4, 5) complain(const struct load *l, const char *path, const char *fix, const char *format, ...)
{
    char text[CREDS_FAULT_MAX];
    struct diag_place place = {.file = path};
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    diag_add(l->diag, DIAG_ERROR, &place, fix, "%s", text);
}

static BIO *open_pem(const struct load *l, const char *path, struct buf *text)
{
    buf_init(text, FILE_MAX);
    enum err e = file_read(path, text);
    if (e == ERR_OK)
        return BIO_new_mem_buf(buf_slice(text).at, (int)buf_len(text));
    const char *why = e == ERR_IO ? strerrordesc_np(errno) : e == ERR_FULL ? "it is larger than 1 MiB" : "no such file";
    complain(l, path, NULL, "cannot be read: %s", why ? why : "input failed");
    return NULL;
}

static void close_pem(BIO *pem, struct buf *text)
{
    BIO_free(pem);
    buf_fini(text);
    ERR_clear_error();
}

/* Adds every certificate of a file to `out`; what stands between them is skipped. */
static void read_certs(const struct load *l, const char *path, STACK_OF(X509) * out)
{
    struct buf text;
    BIO *pem = open_pem(l, path, &text);

    for (X509 *x = pem ? PEM_read_bio_X509(pem, NULL, NULL, NULL) : NULL; x;
         x = PEM_read_bio_X509(pem, NULL, NULL, NULL))
        PRE(sk_X509_push(out, x) > 0);
    if (pem && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        complain(l, path, NULL, "certificate %d is not well-formed PEM", sk_X509_num(out) + 1);
    else if (pem && sk_X509_num(out) == 0)
        complain(l, path, "put -----BEGIN CERTIFICATE----- text in it", "has no certificate");
    close_pem(pem, &text);
}

/* Never asks a terminal for a passphrase. */
static int no_passphrase(char *into, int room, int writing, void *arg)
{
    (void)into;
    (void)room;
    (void)writing;
    (void)arg;
    return -1;
}

static void check_mode(const struct load *l)
{
    struct stat st;
    char fix[256];

    if (stat(l->conf->key, &st) != 0 || (st.st_mode & (S_IRWXG | S_IRWXO)) == 0)
        return;
    (void)snprintf(fix, sizeof(fix), "chmod 600 %s", l->conf->key);
    complain(l, l->conf->key, fix, "the private key is open to others (mode %03o)", st.st_mode & 0777U);
}

static void read_key(struct load *l)
{
    struct buf text;
    BIO *pem = open_pem(l, l->conf->key, &text);

    l->key = pem ? PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL) : NULL;
    if (pem && !l->key)
        complain(l, l->conf->key, "store the key as unencrypted PEM, PKCS#8 or SEC1", "has no usable private key");
    if (pem)
        check_mode(l);
    if (text.mem)
        OPENSSL_cleanse(text.mem, text.cap);
    close_pem(pem, &text);
}

static void take_authority(const struct load *l, const struct creds_bundle *bundle, const struct domain *d, X509 *x)
{
    char why[CREDS_FAULT_MAX];
    struct refusal r = {.why = why, .room = sizeof(why)};

    if (!signer_ok(l->creds, x, d->name, &r))
        complain(l, bundle->path, NULL, "bundle of \"%s\": %s", d->name, why);
    else
        PRE(X509_STORE_add_cert(d->store, x) == 1);
}

static void read_bundle(struct load *l, const struct creds_bundle *bundle)
{
    STACK_OF(X509) *certs = sk_X509_new_null();
    struct domain d = {.name = mem_copy(slice_str(bundle->trust_domain)), .store = X509_STORE_new()};

    PRE(certs && d.store);
    if (find_domain(l->creds, d.name))
        complain(l, bundle->path, "put all authorities of a trust domain into one file",
                 "a second bundle for the trust domain \"%s\"", d.name);
    read_certs(l, bundle->path, certs);
    for (int i = 0; i < sk_X509_num(certs); i++)
        take_authority(l, bundle, &d, sk_X509_value(certs, i));
    l->creds->domains[l->creds->domain_count++] = d;
    sk_X509_pop_free(certs, X509_free);
}

static const char *cure(int code)
{
    switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "issue a new certificate, or set the clock";
    case X509_V_ERR_CERT_UNTRUSTED:
        return "name that domain's bundle as well";
    }
    return NULL;
}

/* Our own leaf has to pass what a peer will ask of it. */
static void check_own_leaf(struct load *l, X509 *leaf)
{
    char why[CREDS_FAULT_MAX];
    struct refusal r = {.why = why, .room = sizeof(why)};
    struct claim claim;

    if (!leaf_ok(l->creds, leaf, l->certs, &claim, &r))
        complain(l, l->conf->cert, cure(r.code), "%s", why);
    l->creds->id = claim.id;
}

static int64_t end_of(const X509 *x)
{
    struct tm tm = {0};

    return ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) == 1 ? (int64_t)timegm(&tm) * NOW_US_PER_S : 0;
}

static void use_own(struct load *l, X509 *leaf)
{
    SSL_CTX *ctx = l->creds->ctx = new_context();

    bool taken = SSL_CTX_use_certificate(ctx, leaf) == 1 && SSL_CTX_use_PrivateKey(ctx, l->key) == 1;
    for (int i = 1; taken && i < sk_X509_num(l->certs); i++)
        taken = SSL_CTX_add1_chain_cert(ctx, sk_X509_value(l->certs, i)) == 1;
    if (!taken)
        complain(l, l->conf->cert, "use ECDSA P-256, or RSA of 2048 bits and more", "OpenSSL refuses it: %s",
                 ERR_reason_error_string(ERR_peek_last_error()));
    ERR_clear_error();
    l->creds->expires_us = end_of(leaf);
}

static void load_all(struct load *l)
{
    l->creds->domains = mem_array(l->conf->bundle_count ? l->conf->bundle_count : 1, sizeof(*l->creds->domains));
    for (size_t i = 0; i < l->conf->bundle_count; i++)
        read_bundle(l, &l->conf->bundles[i]);
    read_certs(l, l->conf->cert, l->certs);
    read_key(l);
    X509 *leaf = sk_X509_value(l->certs, 0);
    if (leaf && l->key && X509_check_private_key(leaf, l->key) != 1)
        complain(l, l->conf->key, NULL, "the key does not belong to the certificate in %s", l->conf->cert);
    ERR_clear_error();
    if (leaf)
        check_own_leaf(l, leaf);
}

enum err creds_load(const struct creds_conf *conf, struct diag *diag, struct creds **out)
{
    struct load l = {.conf = conf, .diag = diag, .creds = mem_new(sizeof(*l.creds)), .certs = sk_X509_new_null()};
    unsigned before = diag->errors;

    atomic_init(&l.creds->refs, 1);
    l.creds->judge = conf->judge;
    load_all(&l);
    if (diag->errors == before)
        use_own(&l, sk_X509_value(l.certs, 0));
    EVP_PKEY_free(l.key);
    sk_X509_pop_free(l.certs, X509_free);
    if (diag->errors != before) {
        creds_unref(&l.creds);
        return ERR_INPUT;
    }
    *out = l.creds;
    return ERR_OK;
}

struct creds *creds_ref(struct creds *c)
{
    atomic_fetch_add(&c->refs, 1);
    return c;
}

static void creds_free(struct creds *c)
{
    for (size_t i = 0; i < c->domain_count; i++) {
        mem_free(c->domains[i].name);
        X509_STORE_free(c->domains[i].store);
    }
    mem_free(c->domains);
    mem_free(c->id);
    SSL_CTX_free(c->ctx);
    mem_free(c);
}

void creds_unref(struct creds **c)
{
    if (*c && atomic_fetch_sub(&(*c)->refs, 1) == 1)
        creds_free(*c);
    *c = NULL;
}

struct slice creds_id(const struct creds *c)
{
    return slice_str(c->id);
}

int64_t creds_expires_us(const struct creds *c)
{
    return c->expires_us;
}

struct ssl_st *creds_session_open(struct creds_session *s, bool server)
{
    SSL *ssl = SSL_new(s->creds->ctx);

    PRE(ssl && SSL_set_app_data(ssl, s) == 1);
    if (server) {
        SSL_set_accept_state(ssl);
        return ssl;
    }
    SSL_set_connect_state(ssl);
    /* Zero is success for this one alone. */
    PRE(s->alpn_len == 0 || SSL_set_alpn_protos(ssl, s->alpn, (unsigned)s->alpn_len) == 0);
    return ssl;
}
