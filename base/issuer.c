#include "base/issuer.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/now.h"

enum { SERIAL_BITS = 127, SECONDS_A_DAY = 86400, SKEW_S = 60, STRENGTH_BITS = 112 };

/* Making things from good parts fails only when memory or randomness is gone. */
static void must(bool done)
{
    PRE(done);
}

static EVP_PKEY *new_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    must(key != NULL);
    return key;
}

/* RFC 5280 section 4.1.2.2: positive and unlike any other. */
static void set_serial(X509 *x)
{
    BIGNUM *n = BN_new();

    must(n && BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1);
    must(BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL);
    BN_free(n);
}

static void set_dates(X509 *x, int64_t not_before_us, int64_t not_after_us)
{
    must(ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(not_before_us / NOW_US_PER_S)) != NULL);
    must(ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(not_after_us / NOW_US_PER_S)) != NULL);
}

static X509 *new_cert(EVP_PKEY *key, int64_t not_before_us, int64_t not_after_us)
{
    X509 *x = X509_new();

    must(x && X509_set_version(x, X509_VERSION_3) == 1 && X509_set_pubkey(x, key) == 1);
    set_serial(x);
    set_dates(x, not_before_us, not_after_us);
    return x;
}

/* An extension in the words of x509v3_config(5). */
static void add_words(X509 *x, X509 *signer, int nid, const char *words)
{
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, signer, x, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, words);
    must(ext && X509_add_ext(x, ext, -1) == 1);
    X509_EXTENSION_free(ext);
}

static void add_usage(X509 *x, const char *words, bool critical)
{
    add_words(x, x, NID_key_usage, words);
    int at = X509_get_ext_by_NID(x, NID_key_usage, -1);
    must(X509_EXTENSION_set_critical(X509_get_ext(x, at), critical) == 1);
}

static void push_uri(GENERAL_NAMES *names, struct slice uri)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();

    must(name && text && ASN1_STRING_set(text, uri.at, (int)uri.len) == 1);
    GENERAL_NAME_set0_value(name, GEN_URI, text);
    must(sk_GENERAL_NAME_push(names, name) > 0);
}

/* Byte for byte: the words of x509v3_config would trip over commas. */
static void add_uris(X509 *x, struct slice uri, struct slice second, bool critical)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();

    must(names != NULL);
    if (uri.len > 0)
        push_uri(names, uri);
    if (second.len > 0)
        push_uri(names, second);
    if (sk_GENERAL_NAME_num(names) > 0)
        must(X509_add1_ext_i2d(x, NID_subject_alt_name, names, critical, 0) == 1);
    sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
}

static void add_name(X509_NAME *name, const char *field, struct slice text)
{
    must(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)text.at, (int)text.len, -1, 0) ==
         1);
}

static void take_pem(BIO *from, struct buf *out)
{
    char *at;
    long len = BIO_get_mem_data(from, &at);

    buf_put(out, slice_of(at, (size_t)len));
    BIO_free(from);
}

static void print_both(X509 *x, EVP_PKEY *k, struct buf *cert, struct buf *key)
{
    BIO *cert_pem = BIO_new(BIO_s_mem()), *key_pem = BIO_new(BIO_s_secmem());

    must(cert_pem && key_pem && PEM_write_bio_X509(cert_pem, x) == 1);
    must(PEM_write_bio_PKCS8PrivateKey(key_pem, k, NULL, NULL, 0, NULL, NULL) == 1);
    take_pem(cert_pem, cert);
    take_pem(key_pem, key);
}

static bool is_word(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] > '~')
            return false;
    return s.len > 0 && s.len <= 255;
}

enum err issuer_root(struct slice trust_domain, unsigned days, struct buf *cert, struct buf *key)
{
    int64_t now = now_wall_us(&now_real);
    char id[9 + 255 + 1] = "spiffe://";

    PRE(days >= 1 && days <= 3650);
    if (!is_word(trust_domain))
        return ERR_INPUT;
    memcpy(id + 9, trust_domain.at, trust_domain.len);
    EVP_PKEY *k = new_key();
    X509 *x = new_cert(k, now - (int64_t)SKEW_S * NOW_US_PER_S, now + (int64_t)days * SECONDS_A_DAY * NOW_US_PER_S);
    add_name(X509_get_subject_name(x), "O", SLICE("weft"));
    add_name(X509_get_subject_name(x), "OU", slice_to(trust_domain, 64)); /* ub-organizational-unit-name */
    must(X509_set_issuer_name(x, X509_get_subject_name(x)) == 1);
    add_words(x, x, NID_basic_constraints, "critical,CA:TRUE");
    add_usage(x, "keyCertSign,cRLSign", true);
    add_words(x, x, NID_subject_key_identifier, "hash");
    add_uris(x, slice_of(id, 9 + trust_domain.len), (struct slice){0}, false);
    must(X509_sign(x, k, EVP_sha256()) > 0);
    print_both(x, k, cert, key);
    X509_free(x);
    EVP_PKEY_free(k);
    return ERR_OK;
}

static void add_leaf_usage(X509 *x, const struct issuer_leaf *leaf)
{
    struct buf words;

    if (leaf->no_key_usage)
        return;
    buf_init(&words, 128);
    buf_putf(&words, "%s%s%s", leaf->no_digital_signature ? "" : ",digitalSignature",
             leaf->key_cert_sign ? ",keyCertSign" : "", leaf->crl_sign ? ",cRLSign" : "");
    if (buf_len(&words) == 0)
        buf_putf(&words, ",keyEncipherment"); /* it may not be empty (RFC 5280 section 4.2.1.3) */
    add_usage(x, buf_text(&words) + 1, !leaf->key_usage_not_critical);
    buf_fini(&words);
}

static const char *leaf_purposes(const struct issuer_leaf *leaf)
{
    if (leaf->eku_client_only)
        return "clientAuth";
    return leaf->eku_server_only ? "serverAuth" : "serverAuth,clientAuth";
}

static void print_cert(X509 *x, struct buf *cert)
{
    BIO *pem = BIO_new(BIO_s_mem());

    must(pem && PEM_write_bio_X509(pem, x) == 1);
    take_pem(pem, cert);
}

static X509 *make_leaf(X509 *root, EVP_PKEY *k, const struct issuer_leaf *leaf)
{
    X509 *x = new_cert(k, leaf->not_before_us, leaf->not_after_us);

    must(X509_set_issuer_name(x, X509_get_subject_name(root)) == 1);
    if (leaf->is_ca) /* what signs must have a name to be found by (RFC 5280 section 4.1.2.6) */
        add_name(X509_get_subject_name(x), "O", SLICE("weft intermediate"));
    add_words(x, root, NID_basic_constraints, leaf->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_leaf_usage(x, leaf);
    add_words(x, root, NID_ext_key_usage, leaf_purposes(leaf));
    add_words(x, root, NID_subject_key_identifier, "hash");
    add_words(x, root, NID_authority_key_identifier, "keyid");
    /* RFC 5280 section 4.2.1.6: critical because the subject is empty. */
    add_uris(x, leaf->id, leaf->second_uri, !leaf->is_ca);
    return x;
}

static X509 *read_cert(struct slice pem)
{
    BIO *b = BIO_new_mem_buf(pem.at, (int)pem.len);
    X509 *x = b ? PEM_read_bio_X509(b, NULL, NULL, NULL) : NULL;

    BIO_free(b);
    return x;
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

static EVP_PKEY *read_key(struct slice pem)
{
    BIO *b = BIO_new_mem_buf(pem.at, (int)pem.len);
    EVP_PKEY *k = b ? PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL) : NULL;

    BIO_free(b);
    return k;
}

enum err issuer_sign(struct slice root_cert, struct slice root_key, const struct issuer_leaf *leaf, struct buf *cert,
                     struct buf *key)
{
    enum err e = ERR_INPUT;
    X509 *root = read_cert(root_cert);
    EVP_PKEY *root_k = read_key(root_key);

    if (root && root_k && X509_check_private_key(root, root_k) == 1) {
        EVP_PKEY *k = new_key();
        X509 *x = make_leaf(root, k, leaf);
        must(X509_sign(x, root_k, EVP_sha256()) > 0);
        print_both(x, k, cert, key);
        X509_free(x);
        EVP_PKEY_free(k);
        e = ERR_OK;
    }
    X509_free(root);
    EVP_PKEY_free(root_k);
    ERR_clear_error();
    return e;
}

bool issuer_fits(struct slice cert, struct slice key)
{
    X509 *x = read_cert(cert);
    EVP_PKEY *k = read_key(key);
    bool fits = x && k && X509_check_private_key(x, k) == 1;

    X509_free(x);
    EVP_PKEY_free(k);
    ERR_clear_error();
    return fits;
}

/* ---- requests ---- */

void issuer_request(struct buf *request, struct buf *key)
{
    EVP_PKEY *k = new_key();
    X509_REQ *q = X509_REQ_new();
    BIO *request_pem = BIO_new(BIO_s_mem()), *key_pem = BIO_new(BIO_s_secmem());

    must(q && X509_REQ_set_version(q, 0) == 1 && X509_REQ_set_pubkey(q, k) == 1);
    must(X509_REQ_sign(q, k, EVP_sha256()) > 0);
    must(request_pem && key_pem && PEM_write_bio_X509_REQ(request_pem, q) == 1);
    must(PEM_write_bio_PKCS8PrivateKey(key_pem, k, NULL, NULL, 0, NULL, NULL) == 1);
    take_pem(request_pem, request);
    take_pem(key_pem, key);
    X509_REQ_free(q);
    EVP_PKEY_free(k);
}

static bool is_strong(EVP_PKEY *k)
{
    int kind = EVP_PKEY_get_base_id(k);

    return (kind == EVP_PKEY_EC || kind == EVP_PKEY_RSA) && EVP_PKEY_get_security_bits(k) >= STRENGTH_BITS;
}

/* The key of a request that is in order, or NULL; the caller frees it. */
static EVP_PKEY *key_of_request(struct slice pem)
{
    BIO *b = BIO_new_mem_buf(pem.at, (int)pem.len);
    X509_REQ *q = b ? PEM_read_bio_X509_REQ(b, NULL, no_passphrase, NULL) : NULL;
    EVP_PKEY *k = q ? X509_REQ_get_pubkey(q) : NULL;

    if (k && (!is_strong(k) || X509_REQ_verify(q, k) != 1)) {
        EVP_PKEY_free(k);
        k = NULL;
    }
    X509_REQ_free(q);
    BIO_free(b);
    ERR_clear_error();
    return k;
}

enum err issuer_request_ok(struct slice request)
{
    EVP_PKEY *k = key_of_request(request);

    EVP_PKEY_free(k);
    return k ? ERR_OK : ERR_INPUT;
}

enum err issuer_answer(struct slice root_cert, struct slice root_key, struct slice request,
                       const struct issuer_leaf *leaf, struct buf *cert)
{
    enum err e = ERR_INPUT;
    X509 *root = read_cert(root_cert);
    EVP_PKEY *root_k = read_key(root_key), *k = key_of_request(request);

    if (root && root_k && k && X509_check_private_key(root, root_k) == 1) {
        X509 *x = make_leaf(root, k, leaf);
        if (ASN1_TIME_compare(X509_get0_notAfter(root), X509_get0_notAfter(x)) < 0)
            must(X509_set1_notAfter(x, X509_get0_notAfter(root)) == 1);
        must(X509_sign(x, root_k, EVP_sha256()) > 0);
        print_cert(x, cert);
        X509_free(x);
        e = ERR_OK;
    }
    X509_free(root);
    EVP_PKEY_free(root_k);
    EVP_PKEY_free(k);
    ERR_clear_error();
    return e;
}

static bool take_domain(const GENERAL_NAME *name, char *out, size_t room)
{
    static const char before[] = "spiffe://";
    size_t skip = sizeof(before) - 1;

    if (name->type != GEN_URI)
        return false;
    const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
    struct slice text = slice_of(ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri));
    if (!slice_starts(text, slice_str(before)) || text.len == skip || text.len - skip >= room)
        return false;
    memcpy(out, text.at + skip, text.len - skip);
    out[text.len - skip] = '\0';
    return true;
}

enum err issuer_domain(struct slice root_cert, char *out, size_t room)
{
    X509 *root = read_cert(root_cert);
    GENERAL_NAMES *names = root ? X509_get_ext_d2i(root, NID_subject_alt_name, NULL, NULL) : NULL;
    bool found = sk_GENERAL_NAME_num(names) == 1 && take_domain(sk_GENERAL_NAME_value(names, 0), out, room);

    GENERAL_NAMES_free(names);
    X509_free(root);
    ERR_clear_error();
    return found ? ERR_OK : ERR_INPUT;
}

/* ---- revocation lists (RFC 5280 section 5) ---- */

/* All lists of a text: the one of this key, and the others as text again.  False: there is none in it. */
static bool read_lists(struct slice pem, EVP_PKEY *key, X509_CRL **own, BIO *others)
{
    BIO *b = BIO_new_mem_buf(pem.at, (int)pem.len);
    X509_CRL *list;
    int count = 0;

    for (; b && (list = PEM_read_bio_X509_CRL(b, NULL, NULL, NULL)); count++) {
        bool is_own = !*own && X509_CRL_verify(list, key) == 1;
        if (is_own)
            *own = list;
        else
            must(PEM_write_bio_X509_CRL(others, list) == 1);
        if (!is_own)
            X509_CRL_free(list);
    }
    BIO_free(b);
    return count > 0;
}

static void keep_entries(X509_CRL *from, X509_CRL *to)
{
    const STACK_OF(X509_REVOKED) *entries = from ? X509_CRL_get_REVOKED(from) : NULL;

    for (int i = 0; i < sk_X509_REVOKED_num(entries); i++)
        must(X509_CRL_add0_revoked(to, X509_REVOKED_dup(sk_X509_REVOKED_value(entries, i))) == 1);
}

static void add_entry(X509_CRL *list, X509 *x, const ASN1_TIME *now)
{
    X509_REVOKED *entry = X509_REVOKED_new(), *known;

    must(entry && X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(x)) == 1);
    must(X509_REVOKED_set_revocationDate(entry, (ASN1_TIME *)(uintptr_t)now) == 1);
    if (X509_CRL_get0_by_cert(list, &known, x) == 1)
        X509_REVOKED_free(entry);
    else
        must(X509_CRL_add0_revoked(list, entry) == 1);
}

/* Section 5.2.3: each list has a greater number than the last. */
static void set_number(X509_CRL *list, X509_CRL *before)
{
    ASN1_INTEGER *number = before ? X509_CRL_get_ext_d2i(before, NID_crl_number, NULL, NULL) : NULL;
    int64_t n = 0;

    if (number)
        (void)ASN1_INTEGER_get_int64(&n, number);
    ASN1_INTEGER_free(number);
    number = ASN1_INTEGER_new();
    must(number && ASN1_INTEGER_set_int64(number, n + 1) == 1);
    must(X509_CRL_add1_ext_i2d(list, NID_crl_number, number, 0, 0) == 1);
    ASN1_INTEGER_free(number);
}

static void print_list(X509 *root, EVP_PKEY *key, X509_CRL *before, X509 *x, int64_t next_us, struct buf *out)
{
    X509_CRL *list = X509_CRL_new();
    ASN1_TIME *now = ASN1_TIME_set(NULL, (time_t)(now_wall_us(&now_real) / NOW_US_PER_S));
    ASN1_TIME *next = ASN1_TIME_set(NULL, (time_t)(next_us / NOW_US_PER_S));
    BIO *pem = BIO_new(BIO_s_mem());

    must(list && now && next && pem && X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1);
    must(X509_CRL_set_issuer_name(list, X509_get_subject_name(root)) == 1);
    must(X509_CRL_set1_lastUpdate(list, now) == 1 && X509_CRL_set1_nextUpdate(list, next) == 1);
    keep_entries(before, list);
    if (x)
        add_entry(list, x, now);
    set_number(list, before);
    must(X509_CRL_sort(list) == 1 && X509_CRL_sign(list, key, EVP_sha256()) > 0);
    must(PEM_write_bio_X509_CRL(pem, list) == 1);
    take_pem(pem, out);
    ASN1_TIME_free(now);
    ASN1_TIME_free(next);
    X509_CRL_free(list);
}

enum err issuer_revoke(struct slice root_cert, struct slice root_key, struct slice before, struct slice revoked,
                       int64_t next_us, struct buf *list)
{
    enum err e = ERR_INPUT;
    X509 *root = read_cert(root_cert), *x = revoked.len ? read_cert(revoked) : NULL;
    EVP_PKEY *key = read_key(root_key);
    X509_CRL *old = NULL;
    BIO *others = BIO_new(BIO_s_mem());
    bool has_lists = key && read_lists(before, key, &old, others);

    if (root && key && X509_check_private_key(root, key) == 1 && (x || !revoked.len) && (has_lists || !before.len))
        e = x && X509_verify(x, key) != 1 ? ERR_DENIED : ERR_OK;
    if (e == ERR_OK)
        print_list(root, key, old, x, next_us, list);
    if (e == ERR_OK)
        take_pem(others, list);
    else
        BIO_free(others);
    X509_CRL_free(old);
    X509_free(root);
    X509_free(x);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return e;
}
