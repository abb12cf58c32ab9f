#include "base/trust.h"

#include <errno.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/bundle.h"
#include "base/check.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/now.h"
#include "base/vouch.h"

enum {
    FILE_MAX = 1 << 20, /* bytes of one file */
    DEPTH_MAX = 5,      /* intermediates between a leaf and its bundle */
    STRENGTH = 2,       /* OpenSSL security level: 112 bits, RSA from 2048 */
};

/* A trust domain and the only authorities that may speak for it. */
struct domain {
    char *name;
    X509_STORE *store;
    STACK_OF(X509) * authorities;
};

/* What an authority has revoked. */
struct list {
    char *path;
    X509_CRL *crl;
    X509 *signer; /* the authority of a bundle that signed it; NULL: none, perhaps an intermediate did */
};

struct trust {
    creds_judge_fn *judge;
    struct domain *domains;
    size_t domain_count;
    struct list *lists;
    size_t list_count;
    struct hash_digest digest; /* of all that was read */
    struct vouch *known;       /* chains that were good */
};

/* What is read from one certificate; the slices of `leaf` point into `names`. */
struct facts {
    struct creds_leaf leaf;
    GENERAL_NAMES *names;
};

bool trust_refuse(struct trust_refusal *r, int code, const char *format, ...)
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

static bool judge(const struct trust *t, X509 *x, bool as_signer, struct trust_claim *claim, struct trust_refusal *r)
{
    struct facts f;
    struct slice domain = {0};
    const char *why = "it is not a SPIFFE certificate";

    *claim = (struct trust_claim){0};
    if (!read_facts(x, as_signer, &f))
        return trust_refuse(r, X509_V_ERR_INVALID_EXTENSION, "%s: an extension is malformed",
                            as_signer ? "signing certificate" : "certificate");
    bool good = t->judge(&f.leaf, &domain, &why) == ERR_OK && domain.len <= TRUST_DOMAIN_MAX;
    if (good && domain.len > 0)
        memcpy(claim->domain, domain.at, domain.len);
    if (good && !as_signer)
        claim->id = mem_copy(f.leaf.uris[0]);
    GENERAL_NAMES_free(f.names);
    return good ||
           trust_refuse(r, X509_V_ERR_CERT_REJECTED, "%s: %s", as_signer ? "signing certificate" : "certificate", why);
}

static const struct domain *find_domain(const struct trust *t, const char *name)
{
    for (size_t i = 0; i < t->domain_count; i++)
        if (strcmp(t->domains[i].name, name) == 0)
            return &t->domains[i];
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

static bool refuse_date(struct trust_refusal *r, const X509 *x, const char *who)
{
    char span[32];

    if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0) {
        print_between(X509_get0_notAfter(x), NULL, span, sizeof(span));
        return trust_refuse(r, X509_V_ERR_CERT_HAS_EXPIRED, "%s expired %s ago", who, span);
    }
    print_between(NULL, X509_get0_notBefore(x), span, sizeof(span));
    return trust_refuse(r, X509_V_ERR_CERT_NOT_YET_VALID, "%s is not valid for another %s", who, span);
}

static bool refuse_chain(struct trust_refusal *r, X509_STORE_CTX *chain, const char *domain)
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
        return trust_refuse(r, code, "certificate is not signed by the bundle of \"%s\"", domain);
    }
    return trust_refuse(r, code, "certificate chain: %s", X509_verify_cert_error_string(code));
}

/* A signer with another trust domain's name has no business in this chain. */
static bool signer_ok(const struct trust *t, X509 *x, const char *domain, struct trust_refusal *r)
{
    struct trust_claim claim;

    if (!judge(t, x, true, &claim, r))
        return false;
    if (claim.domain[0] != '\0' && strcmp(claim.domain, domain) != 0)
        return trust_refuse(r, X509_V_ERR_CERT_REJECTED, "signing certificate names the trust domain \"%s\"",
                            claim.domain);
    return true;
}

static bool signers_ok(const struct trust *t, const STACK_OF(X509) * built, const char *domain, struct trust_refusal *r)
{
    /* The last one is of our own bundle and was judged when it was read. */
    for (int i = 1; i < sk_X509_num(built) - 1; i++)
        if (!signer_ok(t, sk_X509_value(built, i), domain, r))
            return false;
    return true;
}

/* ---- revocation ---- */

/* Is this list of this authority?  Names may be shared; a signature is not. */
static bool list_is_of(const struct list *list, X509 *issuer)
{
    if (X509_NAME_cmp(X509_CRL_get_issuer(list->crl), X509_get_subject_name(issuer)) != 0)
        return false;
    if (list->signer && X509_cmp(list->signer, issuer) == 0)
        return true;
    bool signed_by = X509_CRL_verify(list->crl, X509_get0_pubkey(issuer)) == 1;
    ERR_clear_error();
    return signed_by;
}

static bool list_is_over(const struct list *list)
{
    return X509_cmp_current_time(X509_CRL_get0_nextUpdate(list->crl)) < 0;
}

static bool refuse_list(struct trust_refusal *r, const struct list *list)
{
    char span[32];

    print_between(X509_CRL_get0_nextUpdate(list->crl), NULL, span, sizeof(span));
    return trust_refuse(r, X509_V_ERR_CRL_HAS_EXPIRED,
                        "the revocation list %s ended %s ago: whoever it is about is refused", list->path, span);
}

/* An authority without a list revokes nothing.  With lists only of the past, what it has revoked
 * since is not known, and in doubt the answer is no. */
static bool not_revoked(const struct trust *t, X509 *x, X509 *issuer, bool is_leaf, struct trust_refusal *r)
{
    const struct list *over = NULL;
    bool current = false;
    X509_REVOKED *entry;

    for (size_t i = 0; i < t->list_count; i++) {
        const struct list *list = &t->lists[i];
        if (!list_is_of(list, issuer))
            continue;
        if (X509_CRL_get0_by_cert(list->crl, &entry, x) == 1)
            return trust_refuse(r, X509_V_ERR_CERT_REVOKED, "%s is revoked by %s",
                                is_leaf ? "certificate" : "signing certificate", list->path);
        if (list_is_over(list))
            over = list;
        else
            current = true;
    }
    return !over || current || refuse_list(r, over);
}

static bool none_revoked(const struct trust *t, const STACK_OF(X509) * built, struct trust_refusal *r)
{
    for (int i = 0; t->list_count > 0 && i + 1 < sk_X509_num(built); i++)
        if (!not_revoked(t, sk_X509_value(built, i), sk_X509_value(built, i + 1), i == 0, r))
            return false;
    return true;
}

/* ---- what was found good ---- */

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm = {0};

    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static int64_t now_s(void)
{
    return now_wall_us(&now_real) / NOW_US_PER_S;
}

struct hash_digest trust_name(X509 *leaf)
{
    unsigned char *der = NULL;
    int len = i2d_X509(leaf, &der);

    PRE(len > 0);
    struct hash_digest digest = hash_sha256(slice_of(der, (size_t)len));
    OPENSSL_free(der);
    return digest;
}

/* The verdict holds while every certificate of the chain does, and until the first list of any authority ends: whether
 * a list that is over by then is about this chain is asked again. */
static void keep_verdict(const struct trust *t, const struct hash_digest *leaf, const STACK_OF(X509) * built)
{
    int64_t from_s = 0, until_s = INT64_MAX;

    for (int i = 0; i < sk_X509_num(built); i++) {
        int64_t begins_s = seconds_of(X509_get0_notBefore(sk_X509_value(built, i)));
        int64_t ends_s = seconds_of(X509_get0_notAfter(sk_X509_value(built, i)));
        from_s = begins_s > from_s ? begins_s : from_s;
        until_s = ends_s < until_s ? ends_s : until_s;
    }
    for (size_t i = 0; i < t->list_count; i++) {
        int64_t ends_s = seconds_of(X509_CRL_get0_nextUpdate(t->lists[i].crl));
        until_s = !list_is_over(&t->lists[i]) && ends_s < until_s ? ends_s : until_s;
    }
    vouch_note(t->known, leaf, from_s, until_s);
}

/* The chain is built only against the bundle of the domain that the leaf names (V1 of
 * SPIFFE): one domain's authority can never mint a name in another. */
static bool chain_ok(const struct trust *t, const struct domain *domain, X509 *leaf, STACK_OF(X509) * others,
                     unsigned long flags, struct trust_refusal *r)
{
    struct hash_digest digest = trust_name(leaf);

    if (vouch_stands(t->known, &digest, now_s()))
        return true;
    X509_STORE_CTX *chain = X509_STORE_CTX_new();

    PRE(chain && X509_STORE_CTX_init(chain, domain->store, leaf, others) == 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(chain);
    (void)X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY); /* extended key usage is the judge's */
    X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, STRENGTH);
    /* Every certificate of a bundle is an authority, self-signed or not. */
    (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | flags);
    STACK_OF(X509) *built = NULL;
    bool good = X509_verify_cert(chain) == 1 || refuse_chain(r, chain, domain->name);
    if (good)
        built = X509_STORE_CTX_get0_chain(chain);
    good = good && signers_ok(t, built, domain->name, r) && none_revoked(t, built, r);
    if (good)
        keep_verdict(t, &digest, built);
    X509_STORE_CTX_free(chain);
    return good;
}

static bool leaf_ok(const struct trust *t, X509 *leaf, STACK_OF(X509) * others, unsigned long flags,
                    struct trust_claim *claim, struct trust_refusal *r)
{
    if (!judge(t, leaf, false, claim, r))
        return false;
    const struct domain *domain = find_domain(t, claim->domain);
    if (!domain)
        return trust_refuse(r, X509_V_ERR_CERT_UNTRUSTED, "unknown trust domain \"%s\"", claim->domain);
    return chain_ok(t, domain, leaf, others, flags, r);
}

bool trust_leaf(const struct trust *t, X509 *leaf, STACK_OF(X509) * others, struct trust_claim *claim,
                struct trust_refusal *r)
{
    return leaf_ok(t, leaf, others, 0, claim, r);
}

bool trust_still(const struct trust *t, X509 *leaf, STACK_OF(X509) * others, struct trust_claim *claim,
                 struct trust_refusal *r)
{
    return leaf_ok(t, leaf, others, X509_V_FLAG_NO_CHECK_TIME, claim, r);
}

struct creds_peer *trust_knows(const struct trust *t, const struct hash_digest *leaf)
{
    return vouch_peer(t->known, leaf, now_s());
}

void trust_remember(const struct trust *t, const struct hash_digest *leaf, struct creds_peer *peer)
{
    vouch_meet(t->known, leaf, peer);
}

const struct hash_digest *trust_digest(const struct trust *t)
{
    return &t->digest;
}

/* ---- reading ---- */

static void PRINTF_LIKE(4, 5) complain(struct diag *diag, const char *path, const char *fix, const char *format, ...)
{
    char text[CREDS_FAULT_MAX];
    struct diag_place place = {.file = path};
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    diag_add(diag, DIAG_ERROR, &place, fix, "%s", text);
}

bool trust_read_file(const char *path, struct diag *diag, struct buf *text)
{
    buf_init(text, FILE_MAX);
    enum err e = file_read(path, text);
    if (e == ERR_OK)
        return true;
    const char *why = e == ERR_IO ? strerrordesc_np(errno) : e == ERR_FULL ? "it is larger than 1 MiB" : "no such file";
    complain(diag, path, NULL, "cannot be read: %s", why ? why : "input failed");
    return false;
}

void trust_read_certs(struct slice text, const char *path, struct diag *diag, STACK_OF(X509) * out)
{
    BIO *pem = BIO_new_mem_buf(text.at, (int)text.len);

    PRE(pem != NULL);
    for (X509 *x = PEM_read_bio_X509(pem, NULL, NULL, NULL); x; x = PEM_read_bio_X509(pem, NULL, NULL, NULL))
        PRE(sk_X509_push(out, x) > 0);
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        complain(diag, path, NULL, "certificate %d is not well-formed PEM", sk_X509_num(out) + 1);
    else if (sk_X509_num(out) == 0)
        complain(diag, path, "put -----BEGIN CERTIFICATE----- text in it", "has no certificate");
    BIO_free(pem);
    ERR_clear_error();
}

void trust_read_der(struct slice der, const char *path, struct diag *diag, STACK_OF(X509) * out)
{
    const unsigned char *at = (const unsigned char *)der.at, *end = at + der.len;

    while (at < end) {
        X509 *x = d2i_X509(NULL, &at, (long)(end - at));
        if (!x) {
            complain(diag, path, NULL, "certificate %d is not well-formed DER", sk_X509_num(out) + 1);
            break;
        }
        PRE(sk_X509_push(out, x) > 0);
    }
    if (der.len == 0)
        complain(diag, path, NULL, "has no certificate");
    ERR_clear_error();
}

/* SPIFFE Trust Domain and Bundle, section 4.1.3: no keys is a domain that nobody may speak for any more. */
static void read_json(struct slice text, const char *path, struct diag *diag, STACK_OF(X509) * out)
{
    struct arena arena;
    struct bundle bundle = {0};

    arena_init(&arena, 0);
    if (bundle_read(text, path, &arena, diag, &bundle) == ERR_OK && bundle.authority_count == 0)
        diag_add(diag, DIAG_WARNING, &(struct diag_place){.file = path}, NULL,
                 "has no authority: nobody of this trust domain is trusted");
    for (size_t i = 0; i < bundle.authority_count; i++) {
        const unsigned char *at = (const unsigned char *)bundle.authorities[i].at,
                            *end = at + bundle.authorities[i].len;
        X509 *x = d2i_X509(NULL, &at, (long)bundle.authorities[i].len);
        if (x && at == end)
            PRE(sk_X509_push(out, x) > 0);
        else {
            complain(diag, path, NULL, "certificate %zu is not a certificate", i + 1);
            X509_free(x);
        }
    }
    ERR_clear_error();
    arena_fini(&arena);
}

/* Each piece by its own digest, so that no two readings run into each other. */
static void remember(struct trust *t, struct slice what)
{
    struct hash_digest both[2] = {t->digest, hash_sha256(what)};

    t->digest = hash_sha256(slice_of(both, sizeof(both)));
}

static void take_authority(const struct trust *t, const char *path, const struct domain *d, X509 *x, struct diag *diag)
{
    char why[CREDS_FAULT_MAX];
    struct trust_refusal r = {.why = why, .room = sizeof(why)};

    if (!signer_ok(t, x, d->name, &r))
        complain(diag, path, NULL, "bundle of \"%s\": %s", d->name, why);
    else
        PRE(X509_STORE_add_cert(d->store, x) == 1);
}

static bool is_der(struct slice text)
{
    return text.len > 0 && text.at[0] == 0x30; /* a SEQUENCE */
}

static void add_bundle(struct trust *t, const char *name, const char *path, struct slice text, struct diag *diag)
{
    struct domain d = {.name = mem_copy(slice_str(name)), .store = X509_STORE_new(), .authorities = sk_X509_new_null()};

    PRE(d.authorities && d.store);
    if (find_domain(t, d.name))
        complain(diag, path, "put all authorities of a trust domain into one file",
                 "a second bundle for the trust domain \"%s\"", d.name);
    remember(t, slice_str(d.name));
    remember(t, text);
    if (bundle_is_json(text))
        read_json(text, path, diag, d.authorities);
    else if (is_der(text))
        trust_read_der(text, path, diag, d.authorities);
    else
        trust_read_certs(text, path, diag, d.authorities);
    for (int i = 0; i < sk_X509_num(d.authorities); i++)
        take_authority(t, path, &d, sk_X509_value(d.authorities, i), diag);
    t->domains[t->domain_count++] = d;
}

static void read_bundle(struct trust *t, const struct creds_bundle *bundle, struct diag *diag)
{
    struct buf text;

    if (trust_read_file(bundle->path, diag, &text))
        add_bundle(t, bundle->trust_domain, bundle->path, buf_slice(&text), diag);
    buf_fini(&text);
}

static void find_signer(const struct trust *t, struct list *list)
{
    for (size_t d = 0; d < t->domain_count; d++)
        for (int i = 0; i < sk_X509_num(t->domains[d].authorities) && !list->signer; i++) {
            X509 *authority = sk_X509_value(t->domains[d].authorities, i);
            if (list_is_of(list, authority))
                list->signer = authority;
        }
}

/* RFC 5280 section 5.2: a list with a critical extension that we do not know says less, or other
 * things, than it seems to: a delta, or only some reasons or certificates. */
static bool is_plain(const X509_CRL *crl)
{
    for (int i = 0; i < X509_CRL_get_ext_count(crl); i++)
        if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, i)))
            return false;
    return X509_CRL_get0_nextUpdate(crl) != NULL;
}

static void take_list(struct trust *t, const char *path, X509_CRL *crl, struct diag *diag)
{
    struct list list = {.path = mem_copy(slice_str(path)), .crl = crl};

    find_signer(t, &list);
    if (!is_plain(crl))
        complain(diag, path, "give the authority's whole list",
                 "a revocation list is a delta or partial, or has no next update");
    if (!list.signer)
        diag_add(diag, DIAG_WARNING, &(struct diag_place){.file = path}, NULL,
                 "no authority of a bundle signed this revocation list: it is for intermediates at most");
    if (list_is_over(&list))
        diag_add(diag, DIAG_WARNING, &(struct diag_place){.file = path}, "fetch a new one: weft ca revoke, or your CA",
                 "this revocation list is out of date: all that its authority signed is refused");
    t->lists = mem_resize(t->lists, t->list_count + 1, sizeof(*t->lists));
    t->lists[t->list_count++] = list;
}

static void add_lists(struct trust *t, const char *path, struct slice text, struct diag *diag)
{
    size_t before = t->list_count;
    const unsigned char *der = (const unsigned char *)text.at;
    BIO *pem = BIO_new_mem_buf(der, (int)text.len);

    remember(t, text);
    X509_CRL *crl = is_der(text) ? d2i_X509_CRL(NULL, &der, (long)text.len) : NULL;
    if (!crl)
        crl = PEM_read_bio_X509_CRL(pem, NULL, NULL, NULL);
    for (; crl; crl = PEM_read_bio_X509_CRL(pem, NULL, NULL, NULL))
        take_list(t, path, crl, diag);
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        complain(diag, path, NULL, "revocation list %zu is not well-formed", t->list_count - before + 1);
    else if (t->list_count == before)
        complain(diag, path, "put -----BEGIN X509 CRL----- text in it", "has no revocation list");
    BIO_free(pem);
    ERR_clear_error();
}

static void read_lists(struct trust *t, const char *path, struct diag *diag)
{
    struct buf text;

    if (trust_read_file(path, diag, &text))
        add_lists(t, path, buf_slice(&text), diag);
    buf_fini(&text);
}

static void take_given(struct trust *t, const struct creds_given *given, struct diag *diag)
{
    for (size_t i = 0; i < given->bundle_count; i++)
        add_bundle(t, given->bundles[i].trust_domain, "the given bundle", given->bundles[i].certs, diag);
    for (size_t i = 0; i < given->crl_count; i++)
        add_lists(t, "the given revocation list", given->crls[i], diag);
}

struct trust *trust_load(const struct creds_conf *conf, struct diag *diag)
{
    struct trust *t = mem_new(sizeof(*t));
    size_t given = conf->given ? conf->given->bundle_count : 0;

    t->judge = conf->judge;
    t->known = vouch_new();
    t->domains = mem_array(conf->bundle_count + given + 1, sizeof(*t->domains));
    if (conf->given)
        take_given(t, conf->given, diag);
    for (size_t i = 0; i < conf->bundle_count; i++)
        read_bundle(t, &conf->bundles[i], diag);
    for (size_t i = 0; i < conf->crl_count; i++)
        read_lists(t, conf->crls[i], diag);
    return t;
}

void trust_free(struct trust **trust)
{
    struct trust *t = *trust;

    *trust = NULL;
    if (!t)
        return;
    for (size_t i = 0; i < t->domain_count; i++) {
        mem_free(t->domains[i].name);
        X509_STORE_free(t->domains[i].store);
        sk_X509_pop_free(t->domains[i].authorities, X509_free);
    }
    for (size_t i = 0; i < t->list_count; i++) {
        mem_free(t->lists[i].path);
        X509_CRL_free(t->lists[i].crl);
    }
    vouch_free(&t->known);
    mem_free(t->domains);
    mem_free(t->lists);
    mem_free(t);
}
