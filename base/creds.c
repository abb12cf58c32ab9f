#include "base/creds.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/now.h"
#include "base/readers.h"
#include "base/resume.h"
#include "base/trust.h"

enum {
    CERT_LIST_MAX = 64 << 10, /* bytes of certificates a peer may send */
    STRENGTH = 2,             /* OpenSSL security level: 112 bits, RSA from 2048 */
};

#define CIPHERS "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "P-256:X25519:P-384"

/* One certificate behind the other, the leaf first, as DER: each knows its length. */
struct creds_peer {
    atomic_uint refs;
    struct hash_digest trust; /* whose verdict it is */
    int64_t until_us;         /* when its leaf ends */
    struct hash_digest leaf;  /* what trust knows it by */
    char *id;
    size_t len;
    uint8_t der[];
};

struct creds {
    atomic_uint refs;
    atomic_bool withdrawn;
    struct trust *trust;
    struct resume *resume; /* what was begun under these very credentials */
    SSL_CTX *ctx;
    char *id;
    int64_t begins_us, expires_us;
};

static bool expected(const struct creds_session *s, const struct creds_peer *p, struct trust_refusal *r)
{
    if (!s->expect || strcmp(s->expect, p->id) == 0)
        return true;
    return trust_refuse(r, X509_V_ERR_CERT_REJECTED, "not the expected identity %s but %s", s->expect, p->id);
}

static int64_t time_of(const ASN1_TIME *time)
{
    struct tm tm = {0};

    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) * NOW_US_PER_S : 0;
}

static int64_t now_s(void)
{
    return now_wall_us(&now_real) / NOW_US_PER_S;
}

/* ---- a peer ---- */

static void put_der(X509 *x, struct buf *out)
{
    unsigned char *der = NULL;
    int len = i2d_X509(x, &der);

    PRE(len > 0);
    buf_put(out, slice_of(der, (size_t)len));
    OPENSSL_free(der);
}

static struct creds_peer *keep_peer(const struct creds *c, const char *id, X509 *leaf, const STACK_OF(X509) * others)
{
    struct buf der;

    buf_init(&der, CERT_LIST_MAX * 2);
    put_der(leaf, &der);
    for (int i = 0; i < sk_X509_num(others); i++)
        if (X509_cmp(sk_X509_value(others, i), leaf) != 0)
            put_der(sk_X509_value(others, i), &der);
    struct creds_peer *p = mem_new(sizeof(*p) + buf_len(&der));
    atomic_init(&p->refs, 1);
    p->trust = *trust_digest(c->trust);
    p->id = mem_copy(slice_str(id));
    p->until_us = time_of(X509_get0_notAfter(leaf));
    p->leaf = trust_name(leaf);
    p->len = buf_len(&der);
    memcpy(p->der, buf_slice(&der).at, p->len);
    buf_fini(&der);
    return p;
}

struct creds_peer *creds_peer_ref(struct creds_peer *p)
{
    atomic_fetch_add(&p->refs, 1);
    return p;
}

void creds_peer_unref(struct creds_peer **peer)
{
    struct creds_peer *p = *peer;

    *peer = NULL;
    if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    mem_free(p->id);
    mem_free(p);
}

struct slice creds_peer_id(const struct creds_peer *p)
{
    return slice_str(p->id);
}

int64_t creds_peer_until_us(const struct creds_peer *p)
{
    return p->until_us;
}

static bool still_ours(const struct creds *c, struct trust_refusal *r)
{
    return !atomic_load(&c->withdrawn) ||
           trust_refuse(r, X509_V_ERR_APPLICATION_VERIFICATION, "our own identity has been withdrawn");
}

void creds_withdraw(struct creds *c)
{
    atomic_store(&c->withdrawn, true);
}

bool creds_takes(const struct creds *c, const struct creds_peer *p, char fault[CREDS_FAULT_MAX])
{
    struct trust_refusal r = {.why = fault, .room = CREDS_FAULT_MAX};
    struct trust_claim claim;
    const unsigned char *at = p->der;

    if (!still_ours(c, &r))
        return false;
    if (memcmp(&p->trust, trust_digest(c->trust), sizeof(p->trust)) == 0)
        return true;
    STACK_OF(X509) *certs = sk_X509_new_null();
    while (at < p->der + p->len) {
        X509 *x = d2i_X509(NULL, &at, (long)(p->der + p->len - at));
        PRE(x && sk_X509_push(certs, x) > 0);
    }
    bool good = trust_still(c->trust, sk_X509_value(certs, 0), certs, &claim, &r);
    mem_free(claim.id);
    sk_X509_pop_free(certs, X509_free);
    return good;
}

/* ---- TLS ---- */

/* Whoever is known by its leaf, byte for byte, was judged whole by these very credentials, and the time in which that
 * holds is not over: nothing of it is read again. */
static struct creds_peer *find_peer(const struct creds *c, X509 *leaf, STACK_OF(X509) * others, struct trust_refusal *r)
{
    struct hash_digest digest = trust_name(leaf);
    struct trust_claim claim = {0};
    struct creds_peer *p = trust_knows(c->trust, &digest);

    if (p)
        return p;
    if (trust_leaf(c->trust, leaf, others, &claim, r)) {
        p = keep_peer(c, claim.id, leaf, others);
        trust_remember(c->trust, &digest, p);
    }
    mem_free(claim.id);
    return p;
}

static struct creds_peer *judge_peer(const struct creds_session *s, X509_STORE_CTX *theirs, struct trust_refusal *r)
{
    struct creds_peer *p = still_ours(s->creds, r) ? find_peer(s->creds, X509_STORE_CTX_get0_cert(theirs),
                                                               X509_STORE_CTX_get0_untrusted(theirs), r)
                                                   : NULL;
    if (p && !expected(s, p, r))
        creds_peer_unref(&p);
    return p;
}

static int on_verify(X509_STORE_CTX *theirs, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(theirs, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct creds_session *s = SSL_get_app_data(ssl);
    char why[CREDS_FAULT_MAX];
    struct trust_refusal r = {.why = why, .room = sizeof(why)};

    (void)arg;
    creds_peer_unref(&s->peer);
    s->peer = judge_peer(s, theirs, &r);
    if (!s->peer)
        creds_session_blame(s, why);
    else if (SSL_is_server(ssl) && resume_wants(s->creds->resume, s->peer, now_s()))
        (void)SSL_set_num_tickets(ssl, 1);
    X509_STORE_CTX_set_error(theirs, s->peer ? X509_V_OK : r.code);
    return s->peer != NULL;
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

/* ---- sessions that are taken up again ---- */

/* Whoever would be believed again by its leaf alone: it is the same peer, its chain holds still, and so does our own
 * identity.  A reload makes other credentials, which remember neither leaf nor session. */
static bool is_believed(const struct creds *c, const struct creds_peer *p)
{
    struct trust_refusal r = {.why = (char[CREDS_FAULT_MAX]){0}, .room = CREDS_FAULT_MAX};
    struct creds_peer *known = p ? trust_knows(c->trust, &p->leaf) : NULL;
    bool same = known && known == p;

    creds_peer_unref(&known);
    return same && still_ours(c, &r);
}

static SSL_SESSION *only_believed(const struct creds *c, SSL_SESSION *session)
{
    if (session && !is_believed(c, resume_peer(session))) {
        SSL_SESSION_free(session);
        return NULL;
    }
    return session;
}

static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    const struct creds_session *s = SSL_get_app_data(ssl);

    if (s->peer && SSL_is_server(ssl))
        resume_tell(s->creds->resume, session, s->peer, now_s());
    else if (s->peer && s->place)
        resume_hear(s->creds->resume, s->place, session, s->peer, now_s());
    return 0; /* a copy is kept */
}

static SSL_SESSION *on_find_session(SSL *ssl, const unsigned char *id, int len, int *is_borrowed)
{
    const struct creds_session *s = SSL_get_app_data(ssl);

    *is_borrowed = 0;
    return only_believed(s->creds, resume_find(s->creds->resume, slice_of(id, (size_t)len), now_s()));
}

/* Tickets are numbers of sessions in our memory; both sides add fresh keys to them (psk_dhe_ke), and nothing is sent
 * before the handshake is over (RFC 8446 section 8). */
static void allow_resumption(SSL_CTX *ctx)
{
    PRE(SSL_CTX_set_num_tickets(ctx, 0) == 1); /* but for peers that are to be told */
    PRE(SSL_CTX_set_max_early_data(ctx, 0) == 1 && SSL_CTX_set_recv_max_early_data(ctx, 0) == 1);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_NO_INTERNAL |
                                                  SSL_SESS_CACHE_NO_AUTO_CLEAR);
    (void)SSL_CTX_set_timeout(ctx, RESUME_S);
    SSL_CTX_sess_set_new_cb(ctx, on_new_session);
    SSL_CTX_sess_set_get_cb(ctx, on_find_session);
}

static SSL_CTX *new_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new_ex(readers_context(), NULL, TLS_method());

    PRE(ctx != NULL);
    SSL_CTX_set_security_level(ctx, STRENGTH);
    PRE(SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1);
    PRE(SSL_CTX_set_ciphersuites(ctx, CIPHERS) == 1);
    PRE(SSL_CTX_set1_groups_list(ctx, GROUPS) == 1);
    /* Our order of suites, the cheapest first, also against peers with another order. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    allow_resumption(ctx);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_read_ahead(ctx, 1); /* a record's head and body in one read, and what stands behind it */
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

#define GIVEN "the given identity"

static void read_certs(const struct load *l)
{
    struct buf text;

    if (l->conf->given) {
        trust_read_der(l->conf->given->certs, GIVEN, l->diag, l->certs);
        return;
    }
    if (trust_read_file(l->conf->cert, l->diag, &text))
        trust_read_certs(buf_slice(&text), l->conf->cert, l->diag, l->certs);
    buf_fini(&text);
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

/* The key of this leaf, or the first: while a leaf is being renewed the file has the old key and the new one. */
static EVP_PKEY *fitting_key(BIO *pem, X509 *leaf)
{
    EVP_PKEY *first = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL), *next = first;

    while (next && leaf && X509_check_private_key(leaf, next) != 1) {
        if (next != first)
            EVP_PKEY_free(next);
        next = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL);
    }
    if (!next || next == first)
        return first;
    EVP_PKEY_free(first);
    return next;
}

static void take_given_key(struct load *l)
{
    const unsigned char *at = (const unsigned char *)l->conf->given->key.at;

    l->key = d2i_AutoPrivateKey(NULL, &at, (long)l->conf->given->key.len);
    if (!l->key)
        complain(l, GIVEN, NULL, "has no usable private key");
    ERR_clear_error();
}

static void read_key(struct load *l)
{
    struct buf text;
    BIO *pem = NULL;

    if (l->conf->given) {
        take_given_key(l);
        return;
    }
    if (trust_read_file(l->conf->key, l->diag, &text)) {
        pem = BIO_new_mem_buf(buf_slice(&text).at, (int)buf_len(&text));
        l->key = pem ? fitting_key(pem, sk_X509_value(l->certs, 0)) : NULL;
        if (!l->key)
            complain(l, l->conf->key, "store the key as unencrypted PEM, PKCS#8 or SEC1", "has no usable private key");
        check_mode(l);
    }
    if (text.mem)
        OPENSSL_cleanse(text.mem, text.cap);
    BIO_free(pem);
    buf_fini(&text);
    ERR_clear_error();
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
    struct trust_refusal r = {.why = why, .room = sizeof(why)};
    struct trust_claim claim;

    if (!trust_leaf(l->creds->trust, leaf, l->certs, &claim, &r))
        complain(l, l->conf->cert, cure(r.code), "%s", why);
    l->creds->id = claim.id;
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
    l->creds->begins_us = time_of(X509_get0_notBefore(leaf));
    l->creds->expires_us = time_of(X509_get0_notAfter(leaf));
}

static void load_all(struct load *l)
{
    l->creds->trust = trust_load(l->conf, l->diag);
    if (!l->conf->cert && !l->conf->given)
        return;
    read_certs(l);
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
    l.creds->resume = resume_new();
    load_all(&l);
    if (diag->errors == before && !conf->cert && !conf->given)
        l.creds->ctx = new_context();
    else if (diag->errors == before)
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
    resume_free(&c->resume);
    trust_free(&c->trust);
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

int64_t creds_begins_us(const struct creds *c)
{
    return c->begins_us;
}

int64_t creds_renew_us(const struct creds *c)
{
    return c->expires_us - (c->expires_us - c->begins_us) / 5;
}

/* An earlier session with whoever is expected there, if it is believed still. */
static void try_earlier(const struct creds_session *s, SSL *ssl)
{
    SSL_SESSION *earlier = s->place ? resume_try(s->creds->resume, s->place, now_s()) : NULL;

    earlier = only_believed(s->creds, earlier);
    if (earlier)
        (void)SSL_set_session(ssl, earlier);
    SSL_SESSION_free(earlier);
}

struct ssl_st *creds_session_open(struct creds_session *s, bool server)
{
    SSL *ssl = SSL_new(s->creds->ctx);

    PRE(ssl && SSL_set_app_data(ssl, s) == 1);
    if (server) {
        PRE(SSL_set_session_id_context(ssl, (const unsigned char *)"weft", 4) == 1);
        if (s->may_lack_cert)
            SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
        SSL_set_accept_state(ssl);
        return ssl;
    }
    SSL_set_connect_state(ssl);
    try_earlier(s, ssl);
    /* Zero is success for this one alone. */
    PRE(s->alpn_len == 0 || SSL_set_alpn_protos(ssl, s->alpn, (unsigned)s->alpn_len) == 0);
    return ssl;
}

/* Who it was when the session began is who it is now: nobody else has its secret. */
static void take_up(struct creds_session *s, SSL *ssl)
{
    struct creds_peer *p = resume_peer(SSL_get_session(ssl));
    struct trust_refusal r = {.why = (char[CREDS_FAULT_MAX]){0}, .room = CREDS_FAULT_MAX};

    creds_peer_unref(&s->peer);
    s->is_resumed = true;
    if (is_believed(s->creds, p) && expected(s, p, &r))
        s->peer = creds_peer_ref(p);
}

void creds_session_forget(struct creds_session *s)
{
    if (s->place)
        resume_forget(s->creds->resume, s->place);
}

bool creds_session_settle(struct creds_session *s, struct ssl_st *ssl)
{
    if (!SSL_session_reused(ssl))
        return s->peer || s->may_lack_cert;
    take_up(s, ssl);
    if (!s->peer)
        creds_session_blame(s, "its session is not believed any more");
    return s->peer != NULL;
}

void creds_session_fini(struct creds_session *s)
{
    creds_unref(&s->creds);
    creds_peer_unref(&s->peer);
    mem_free(s->expect);
    mem_free(s->place);
    mem_free(s->fault);
    *s = (struct creds_session){0};
}

const char *creds_session_fault(const struct creds_session *s)
{
    return s->fault ? s->fault : "";
}

void creds_session_blame(struct creds_session *s, const char *why)
{
    if (!s->fault)
        s->fault = mem_copy(slice_str(why));
}
