#include "base/jose.h"

#include <cjose/cjose.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"

enum { EXPONENT_BYTES_MOST = 8, RSA_BYTES_LEAST = 256, RSA_BYTES_MOST = 1024, NAME_MOST = 255, TRIES_MOST = 8 };

struct alg_row {
    const char *name, *kty, *crv;
    unsigned bit;
};

static const struct alg_row algs[] = {
    {"RS256", "RSA", NULL, JOSE_RS256},   {"RS384", "RSA", NULL, JOSE_RS384},   {"RS512", "RSA", NULL, JOSE_RS512},
    {"PS256", "RSA", NULL, JOSE_PS256},   {"PS384", "RSA", NULL, JOSE_PS384},   {"PS512", "RSA", NULL, JOSE_PS512},
    {"ES256", "EC", "P-256", JOSE_ES256}, {"ES384", "EC", "P-384", JOSE_ES384}, {"ES512", "EC", "P-521", JOSE_ES512},
};
enum { ALGS = sizeof(algs) / sizeof(algs[0]) };

unsigned jose_alg_of(struct slice name)
{
    for (size_t i = 0; i < ALGS; i++)
        if (slice_eq(name, slice_str(algs[i].name)))
            return algs[i].bit;
    return 0;
}

/* ---- key sets ---- */

struct key {
    cjose_jwk_t *jwk;
    struct slice kid; /* empty: none */
    unsigned algs;    /* that it may verify */
};

struct jose_keys {
    struct arena arena;
    struct key v[JOSE_KEYS_MOST];
    size_t count;
};

struct reading {
    const char *file;
    struct slice text;
    struct diag *diag;
    struct jose_keys *keys;
    enum jose_use use;
};

static enum err complain(const struct reading *r, const struct doc_node *at, const char *fix, const char *what)
{
    struct diag_place place = {.file = r->file, .text = r->text, .line = at->line, .column = at->column};
    diag_add(r->diag, DIAG_ERROR, &place, fix, "%s", what);
    return ERR_INPUT;
}

static struct slice text_of(const struct doc_node *map, const char *key)
{
    const struct doc_node *n = doc_get(map, key);
    return n && n->kind == DOC_STRING ? n->text : (struct slice){0};
}

/* What a key may verify by its type; 0: it is of no type that we know. */
static unsigned algs_of(const struct doc_node *key)
{
    unsigned bits = 0;
    struct slice kty = text_of(key, "kty"), crv = text_of(key, "crv"), alg = text_of(key, "alg");
    for (size_t i = 0; i < ALGS; i++)
        if (slice_eq(kty, slice_str(algs[i].kty)) && (!algs[i].crv || slice_eq(crv, slice_str(algs[i].crv))))
            bits |= algs[i].bit;
    return alg.len ? bits & jose_alg_of(alg) : bits;
}

/* RFC 7517 section 4.2 and 4.3. */
static bool is_for_signatures(const struct doc_node *key)
{
    struct slice use = text_of(key, "use");
    const struct doc_node *ops = doc_get(key, "key_ops");
    bool verifies = !ops;
    for (const struct doc_node *op = ops && ops->kind == DOC_LIST ? ops->first : NULL; op; op = op->next)
        verifies = verifies || slice_eq(op->text, SLICE("verify"));
    return verifies && (use.len == 0 || slice_eq(use, SLICE("sig")) || slice_eq(use, SLICE("jwt-svid")));
}

/* By an exponent of 1 everybody signs; OpenSSL would not mind. */
static enum err check_exponent(const struct reading *r, const struct doc_node *key)
{
    char e[EXPONENT_BYTES_MOST];
    size_t len = 0;
    const struct doc_node *exponent = doc_get(key, "e");
    bool is_good = exponent && hash_base64url(text_of(key, "e"), e, sizeof(e), &len) == ERR_OK && len > 0 &&
                   (e[len - 1] & 1) && (len > 1 || e[0] != 1);
    return is_good ? ERR_OK : complain(r, exponent ? exponent : key, NULL, "e is no exponent: odd and more than 1");
}

static enum err check_rsa(const struct reading *r, const struct doc_node *key)
{
    char n[RSA_BYTES_MOST];
    size_t len = 0;
    const struct doc_node *modulus = doc_get(key, "n");
    if (!slice_eq(text_of(key, "kty"), SLICE("RSA")))
        return ERR_OK;
    if (!modulus || hash_base64url(text_of(key, "n"), n, sizeof(n), &len) != ERR_OK)
        return complain(r, modulus ? modulus : key, NULL, "n is no modulus of at most 8192 bits");
    if (len < RSA_BYTES_LEAST || n[0] == 0)
        return complain(r, modulus, "ask the provider for keys of 2048 bits and more", "an RSA key below 2048 bits");
    return check_exponent(r, key);
}

static cjose_jwk_t *import(const struct doc_node *key)
{
    struct buf json;
    cjose_err e;
    buf_init(&json, BUF_TEXT_BOUND);
    doc_put_json(key, &json);
    cjose_jwk_t *jwk = cjose_jwk_import(buf_slice(&json).at, buf_len(&json), &e);
    buf_fini(&json);
    return jwk;
}

static enum err read_key(struct reading *r, const struct doc_node *key)
{
    struct jose_keys *k = r->keys;
    if (key->kind != DOC_MAP)
        return complain(r, key, NULL, "a key is an object");
    unsigned bits = algs_of(key);
    bool for_workloads = slice_eq(text_of(key, "use"), SLICE("jwt-svid"));
    if (bits == 0 || !is_for_signatures(key) || (r->use == JOSE_FOR_WORKLOADS && !for_workloads))
        return ERR_OK;
    /* SPIFFE Trust Domain and Bundle, section 4.2.3. */
    if (r->use == JOSE_FOR_WORKLOADS && text_of(key, "kid").len == 0)
        return complain(r, key, NULL, "a key for JWT-SVIDs has no kid");
    if (doc_get(key, "d"))
        return complain(r, doc_get(key, "d"), "publish public keys only",
                        "a private key stands in a set of public keys");
    TRY(check_rsa(r, key));
    if (k->count == JOSE_KEYS_MOST)
        return complain(r, key, NULL, "over 64 keys");
    struct slice kid = text_of(key, "kid");
    for (size_t i = 0; i < k->count; i++)
        if (kid.len && slice_eq(k->v[i].kid, kid) && (k->v[i].algs & bits))
            return complain(r, key, NULL, "two keys of one kid");
    cjose_jwk_t *jwk = import(key);
    if (!jwk)
        return complain(r, key, NULL, "its numbers are no public key");
    k->v[k->count++] = (struct key){.jwk = jwk, .kid = arena_keep(&k->arena, kid), .algs = bits};
    return ERR_OK;
}

static enum err read_set(struct reading *r)
{
    struct arena scratch;
    struct doc_node *root;
    enum err worst = ERR_OK;
    arena_init(&scratch, SIZE_MAX);
    enum err e = doc_parse(r->text, r->file, &scratch, r->diag, &root);
    const struct doc_node *keys = e == ERR_OK ? doc_get(root, "keys") : NULL;
    if (e == ERR_OK && (!keys || keys->kind != DOC_LIST))
        e = complain(r, root, "a key set is {\"keys\": [...]}", "it has no list of keys");
    for (const struct doc_node *key = e == ERR_OK ? keys->first : NULL; key; key = key->next)
        if (read_key(r, key) != ERR_OK)
            worst = ERR_INPUT;
    arena_fini(&scratch);
    return e != ERR_OK ? e : worst;
}

enum err jose_keys_read(struct slice json, const char *file, enum jose_use use, struct diag *diag,
                        struct jose_keys **out)
{
    struct jose_keys *k = mem_new(sizeof(*k));
    struct reading r = {.file = file, .text = json, .diag = diag, .keys = k, .use = use};
    arena_init(&k->arena, SIZE_MAX);
    if (read_set(&r) != ERR_OK) {
        jose_keys_free(&k);
        return ERR_INPUT;
    }
    *out = k;
    return ERR_OK;
}

void jose_keys_free(struct jose_keys **k)
{
    struct jose_keys *keys = *k;
    *k = NULL;
    if (!keys)
        return;
    for (size_t i = 0; i < keys->count; i++)
        cjose_jwk_release(keys->v[i].jwk);
    arena_fini(&keys->arena);
    mem_free(keys);
}

size_t jose_keys_count(const struct jose_keys *k)
{
    return k->count;
}

/* ---- tokens ---- */

static enum err denied(const char **why, const char *sentence)
{
    *why = sentence;
    return ERR_DENIED;
}

/* One of the three parts, as the JSON object it must be; NULL: it is not. */
static const struct doc_node *read_part(struct slice part, struct arena *arena)
{
    struct diag ignored;
    struct doc_node *node = NULL;
    size_t len;
    char *json = arena_array(arena, part.len + 1, 1);
    if (hash_base64url(part, json, part.len, &len) != ERR_OK || len == 0 || json[0] != '{')
        return NULL;
    diag_init(&ignored);
    if (doc_parse(slice_of(json, len), "token", arena, &ignored, &node) != ERR_OK || node->kind != DOC_MAP)
        node = NULL;
    diag_fini(&ignored);
    return node;
}

static bool is_type(struct slice typ)
{
    return slice_eq_nocase(typ, SLICE("JWT")) || slice_eq_nocase(typ, SLICE("at+jwt")) ||
           slice_eq_nocase(typ, SLICE("application/at+jwt")) || slice_eq_nocase(typ, SLICE("JOSE"));
}

static enum err judge_header(struct jose_token *t, const char **why)
{
    const struct doc_node *alg = doc_get(t->header, "alg"), *kid = doc_get(t->header, "kid");
    const struct doc_node *typ = doc_get(t->header, "typ");
    if (!alg || alg->kind != DOC_STRING)
        return denied(why, "its header names no algorithm");
    t->alg = jose_alg_of(alg->text);
    if (t->alg == 0)
        return denied(why, "its algorithm is none, symmetric or unknown");
    /* RFC 7515 section 4.1.11: we understand no extension, so none may be critical. */
    if (doc_get(t->header, "crit") || doc_get(t->header, "b64"))
        return denied(why, "its header asks for an extension that we do not know");
    if (kid && (kid->kind != DOC_STRING || kid->text.len == 0 || kid->text.len > NAME_MOST))
        return denied(why, "its key's name is no text of 1 to 255 bytes");
    if (typ && (typ->kind != DOC_STRING || !is_type(typ->text)))
        return denied(why, "it is a token of another type");
    t->has_kid = kid != NULL;
    t->kid = kid ? kid->text : (struct slice){0};
    return ERR_OK;
}

/* Of a signature: R and S (RFC 7518 section 3.4).  libcjose reads as many and does not look whether there are more, or
 * fewer.  0: not by ECDSA. */
static size_t ecdsa_bytes(unsigned alg)
{
    return alg == JOSE_ES256 ? 64 : alg == JOSE_ES384 ? 96 : alg == JOSE_ES512 ? 132 : 0;
}

enum err jose_open(struct slice compact, struct arena *arena, struct jose_token *out, const char **why)
{
    struct slice rest = compact, part[3], more;
    struct jose_token t = {.whole = compact};
    for (unsigned i = 0; i < 3; i++)
        if (!slice_split(&rest, '.', &part[i]))
            return ERR_ABSENT;
    if (slice_split(&rest, '.', &more) || slice_ends(compact, SLICE(".")))
        return ERR_ABSENT;
    if (!slice_starts(compact, SLICE("ey"))) /* {" in base64url */
        return ERR_ABSENT;
    if (compact.len > JOSE_TOKEN_MOST)
        return denied(why, "it is longer than 16 KiB");
    t.header = read_part(part[0], arena);
    if (!t.header)
        return denied(why, "its header is no JSON object in base64url");
    TRY(judge_header(&t, why));
    t.claims = read_part(part[1], arena);
    if (!t.claims)
        return denied(why, "its claims are no JSON object in base64url");
    /* One signature has one spelling: a token is known again by its bytes. */
    size_t len;
    if (hash_base64url(part[2], arena_array(arena, part[2].len + 1, 1), part[2].len, &len) != ERR_OK)
        return denied(why, "its signature is no base64url");
    if (ecdsa_bytes(t.alg) > 0 && len != ecdsa_bytes(t.alg))
        return denied(why, "its signature has not the length of its algorithm's");
    *out = t;
    return ERR_OK;
}

static bool signed_by(cjose_jws_t *jws, const struct key *key)
{
    cjose_err e;
    return cjose_jws_verify(jws, key->jwk, &e);
}

/* Asks the keys that may have signed it. */
static enum err try_keys(const struct jose_token *t, const struct jose_keys *k, cjose_jws_t *jws, const char **why)
{
    unsigned tried = 0;
    for (size_t i = 0; i < k->count && tried < TRIES_MOST; i++) {
        const struct key *key = &k->v[i];
        if ((t->has_kid && !slice_eq(key->kid, t->kid)) || !(key->algs & t->alg))
            continue;
        tried++;
        if (signed_by(jws, key))
            return ERR_OK;
    }
    return tried ? denied(why, "its signature is not of the provider's key") : ERR_ABSENT;
}

enum err jose_verify(const struct jose_token *t, const struct jose_keys *k, unsigned allowed, const char **why)
{
    cjose_err e;
    if (!(t->alg & allowed))
        return denied(why, "its algorithm is not among those allowed");
    cjose_jws_t *jws = cjose_jws_import(t->whole.at, t->whole.len, &e);
    if (!jws)
        return denied(why, "it is no signed token");
    enum err result = try_keys(t, k, jws, why);
    cjose_jws_release(jws);
    return result;
}
