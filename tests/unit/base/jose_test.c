#include "base/jose.h"

#include <stdio.h>
#include <stdlib.h>

#include <cjose/cjose.h>

#include "base/hash.h"
#include "base/mem.h"
#include "tests/kit/t.h"

enum { TEXT_BYTES = 64 << 10 };

/* A provider with one RSA and one EC key, as libcjose makes them. */
struct signer {
    cjose_jwk_t *rsa, *ec, *other;
    struct buf jwks;
};

static void put_key(struct buf *out, cjose_jwk_t *jwk, const char *kid)
{
    cjose_err e;
    char *json = cjose_jwk_to_json(jwk, false, &e);
    CHECK(json != NULL);
    size_t len = strlen(json);
    json[len - 1] = 0; /* the closing brace */
    buf_putf(out, "%s,\"kid\":\"%s\",\"use\":\"sig\"}", json, kid);
    free(json);
}

static void begin(struct signer *s)
{
    cjose_err e;
    *s = (struct signer){.rsa = cjose_jwk_create_RSA_random(2048, (const uint8_t *)"\1\0\1", 3, &e),
                         .ec = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &e),
                         .other = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &e)};
    CHECK(s->rsa && s->ec && s->other);
    buf_init(&s->jwks, TEXT_BYTES);
    buf_put(&s->jwks, SLICE("{\"keys\":["));
    put_key(&s->jwks, s->rsa, "r");
    buf_put_char(&s->jwks, ',');
    put_key(&s->jwks, s->ec, "e");
    buf_put(&s->jwks, SLICE("]}"));
}

static void end(struct signer *s)
{
    cjose_jwk_release(s->rsa);
    cjose_jwk_release(s->ec);
    cjose_jwk_release(s->other);
    buf_fini(&s->jwks);
}

static struct jose_keys *keys_of(const struct signer *s)
{
    struct diag diag;
    struct jose_keys *k = NULL;
    diag_init(&diag);
    CHECK_ERR(ERR_OK, jose_keys_read(buf_slice(&s->jwks), "jwks", JOSE_FOR_USERS, &diag, &k));
    diag_fini(&diag);
    return k;
}

/* Signed by libcjose; the caller frees it. */
static char *sign(cjose_jwk_t *key, const char *alg, const char *kid, const char *claims)
{
    cjose_err e;
    const char *compact;
    cjose_header_t *h = cjose_header_new(&e);
    CHECK(h && cjose_header_set(h, "alg", alg, &e) && (!kid || cjose_header_set(h, "kid", kid, &e)));
    cjose_jws_t *jws = cjose_jws_sign(key, h, (const uint8_t *)claims, strlen(claims), &e);
    CHECK(jws && cjose_jws_export(jws, &compact, &e));
    char *copy = strdup(compact);
    cjose_jws_release(jws);
    cjose_header_release(h);
    return copy;
}

static void put_part(struct buf *out, const char *text)
{
    hash_put_base64url(out, slice_str(text));
    buf_put_char(out, '.');
}

static enum err check(const struct jose_keys *k, struct slice token, unsigned algs, const char **why)
{
    struct arena arena;
    struct jose_token t;
    *why = "";
    arena_init(&arena, SIZE_MAX);
    enum err e = jose_open(token, &arena, &t, why);
    if (e == ERR_OK)
        e = jose_verify(&t, k, algs, why);
    arena_fini(&arena);
    return e;
}

enum { ANY_ALG = ~0 };

static void says(const struct jose_keys *k, const char *token, enum err want, const char *words)
{
    const char *why;
    CHECK_ERR(want, check(k, slice_str(token), (unsigned)ANY_ALG, &why));
    CHECK_TEXT(words, slice_str(why));
}

#define CLAIMS "{\"iss\":\"https://idp.example\",\"sub\":\"ann\"}"

TEST(what_a_key_of_the_set_has_signed_is_good)
{
    static const struct {
        const char *alg, *kid;
        bool rsa;
    } table[] = {{"RS256", "r", true}, {"RS384", "r", true},  {"RS512", "r", true},  {"PS256", "r", true},
                 {"PS512", "r", true}, {"ES256", "e", false}, {"RS256", NULL, true}, {"ES256", NULL, false}};
    struct signer s;
    begin(&s);
    struct jose_keys *k = keys_of(&s);
    CHECK_INT(2, jose_keys_count(k));
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char *token = sign(table[i].rsa ? s.rsa : s.ec, table[i].alg, table[i].kid, CLAIMS);
        says(k, token, ERR_OK, "");
        free(token);
    }
    jose_keys_free(&k);
    end(&s);
}

TEST(a_token_says_who_it_is_of_before_it_is_verified)
{
    struct signer s;
    struct arena arena;
    struct jose_token t;
    const char *why;
    begin(&s);
    arena_init(&arena, SIZE_MAX);
    char *token = sign(s.ec, "ES256", "e", CLAIMS);
    CHECK_ERR(ERR_OK, jose_open(slice_str(token), &arena, &t, &why));
    CHECK_INT(JOSE_ES256, t.alg);
    CHECK_TEXT("e", t.kid);
    CHECK_TEXT("ann", doc_get(t.claims, "sub")->text);
    free(token);
    arena_fini(&arena);
    end(&s);
}

TEST(another_key_another_name_another_algorithm)
{
    struct signer s;
    const char *why;
    begin(&s);
    struct jose_keys *k = keys_of(&s);
    char *token = sign(s.other, "ES256", "e", CLAIMS);
    says(k, token, ERR_DENIED, "its signature is not of the provider's key");
    free(token);
    token = sign(s.other, "ES256", NULL, CLAIMS);
    says(k, token, ERR_DENIED, "its signature is not of the provider's key");
    free(token);
    token = sign(s.ec, "ES256", "unknown", CLAIMS);
    says(k, token, ERR_ABSENT, "");
    free(token);
    token = sign(s.ec, "ES256", "r", CLAIMS); /* a name of a key of another type is no name of this one */
    says(k, token, ERR_ABSENT, "");
    free(token);
    token = sign(s.rsa, "RS256", "r", CLAIMS);
    CHECK_ERR(ERR_DENIED, check(k, slice_str(token), JOSE_ES256 | JOSE_PS256, &why));
    CHECK_TEXT("its algorithm is not among those allowed", slice_str(why));
    free(token);
    jose_keys_free(&k);
    end(&s);
}

/* The key is public: whoever takes it for a secret can sign with it. */
TEST(a_public_key_is_no_shared_secret)
{
    struct signer s;
    cjose_err e;
    begin(&s);
    struct jose_keys *k = keys_of(&s);
    char *public = cjose_jwk_to_json(s.rsa, false, &e);
    cjose_jwk_t *secret = cjose_jwk_create_oct_spec((const uint8_t *)public, strlen(public), &e);
    char *token = sign(secret, "HS256", "r", CLAIMS);
    says(k, token, ERR_DENIED, "its algorithm is none, symmetric or unknown");
    free(token);
    cjose_jwk_release(secret);
    free(public);
    jose_keys_free(&k);
    end(&s);
}

TEST(headers_that_ask_for_too_much_or_too_little)
{
    static const struct {
        const char *header, *why;
    } table[] = {
        {"{\"alg\":\"none\"}", "its algorithm is none, symmetric or unknown"},
        {"{\"alg\":\"None\"}", "its algorithm is none, symmetric or unknown"},
        {"{\"alg\":\"\"}", "its algorithm is none, symmetric or unknown"},
        {"{\"alg\":\"HS256\",\"kid\":\"r\"}", "its algorithm is none, symmetric or unknown"},
        {"{\"alg\":\"rs256\"}", "its algorithm is none, symmetric or unknown"},
        {"{\"alg\":\"EdDSA\"}", "its algorithm is none, symmetric or unknown"},
        {"{\"alg\":\"RSA-OAEP\",\"enc\":\"A128GCM\"}", "its algorithm is none, symmetric or unknown"},
        {"{\"alg\":[\"RS256\"]}", "its header names no algorithm"},
        {"{\"kid\":\"r\"}", "its header names no algorithm"},
        {"{\"alg\":\"RS256\",\"crit\":[\"exp\"],\"exp\":1}", "its header asks for an extension that we do not know"},
        {"{\"alg\":\"RS256\",\"crit\":[]}", "its header asks for an extension that we do not know"},
        {"{\"alg\":\"RS256\",\"b64\":false}", "its header asks for an extension that we do not know"},
        {"{\"alg\":\"RS256\",\"kid\":7}", "its key's name is no text of 1 to 255 bytes"},
        {"{\"alg\":\"RS256\",\"kid\":\"\"}", "its key's name is no text of 1 to 255 bytes"},
        {"{\"alg\":\"RS256\",\"typ\":\"secevent+jwt\"}", "it is a token of another type"},
        {"{\"alg\":\"none\",\"alg\":\"RS256\"}", "its header is no JSON object in base64url"},
        {"{\"alg\":\"RS256\"", "its header is no JSON object in base64url"},
        {"{\"alg\":\"RS256\"} x", "its header is no JSON object in base64url"},
    };
    struct signer s;
    begin(&s);
    struct jose_keys *k = keys_of(&s);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct buf token;
        buf_init(&token, TEXT_BYTES);
        put_part(&token, table[i].header);
        put_part(&token, CLAIMS);
        buf_put(&token, SLICE("AAAA"));
        says(k, buf_text(&token), ERR_DENIED, table[i].why);
        buf_fini(&token);
    }
    jose_keys_free(&k);
    end(&s);
}

/* A key that the token brings along is whose it likes. */
TEST(keys_inside_a_token_are_not_looked_at)
{
    struct signer s;
    cjose_err e;
    begin(&s);
    struct jose_keys *k = keys_of(&s);
    char *brought = cjose_jwk_to_json(s.other, false, &e), header[1024];
    snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"jwk\":%s,\"jku\":\"https://evil.example/keys\"}", brought);
    struct buf token;
    buf_init(&token, TEXT_BYTES);
    put_part(&token, header);
    put_part(&token, CLAIMS);
    hash_put_base64url(&token, SLICE("0123456789012345678901234567890123456789012345678901234567890123"));
    says(k, buf_text(&token), ERR_DENIED, "its signature is not of the provider's key");
    buf_fini(&token);
    free(brought);
    jose_keys_free(&k);
    end(&s);
}

TEST(a_token_that_was_changed_or_cut_is_refused)
{
    struct signer s;
    const char *why;
    begin(&s);
    struct jose_keys *k = keys_of(&s);
    char *token = sign(s.ec, "ES256", "e", CLAIMS);
    size_t len = strlen(token), first = (size_t)(strchr(token, '.') - token);
    for (size_t i = first + 1; i < len; i++) { /* every byte of claims and signature */
        char kept = token[i];
        if (kept == '.')
            continue;
        token[i] = kept == 'A' ? 'B' : 'A';
        CHECK(check(k, slice_str(token), (unsigned)ANY_ALG, &why) != ERR_OK);
        token[i] = kept;
    }
    for (size_t i = 0; i < len; i++)
        CHECK(check(k, slice_of(token, i), (unsigned)ANY_ALG, &why) != ERR_OK);
    CHECK_ERR(ERR_OK, check(k, slice_str(token), (unsigned)ANY_ALG, &why));
    /* A signature of zeros, which some verifiers once took. */
    struct buf zeros;
    buf_init(&zeros, TEXT_BYTES);
    buf_put(&zeros, slice_of(token, (size_t)(strrchr(token, '.') - token) + 1));
    hash_put_base64url(&zeros, slice_of((char[64]){0}, 64));
    CHECK_ERR(ERR_DENIED, check(k, buf_slice(&zeros), (unsigned)ANY_ALG, &why));
    buf_fini(&zeros);
    /* libcjose reads the first 64 bytes and would take it. */
    char longer[TEXT_BYTES];
    snprintf(longer, sizeof(longer), "%sAAAA", token);
    says(k, longer, ERR_DENIED, "its signature has not the length of its algorithm's");
    free(token);
    jose_keys_free(&k);
    end(&s);
}

TEST(what_is_no_token_of_this_kind_is_somebody_elses)
{
    static const char *const opaque[] = {"", "abc", "a.b", "a.b.c", "gho_0123456789", "ey.", "eyJh.eyJh", "ey.a.b.c.d"};
    struct signer s;
    begin(&s);
    struct jose_keys *k = keys_of(&s);
    for (size_t i = 0; i < sizeof(opaque) / sizeof(opaque[0]); i++)
        says(k, opaque[i], ERR_ABSENT, "");
    char *large = malloc(JOSE_TOKEN_MOST + 100);
    memset(large, 'A', JOSE_TOKEN_MOST + 99);
    memcpy(large, "eyJh.eyJh.", 10);
    large[JOSE_TOKEN_MOST + 99] = 0;
    says(k, large, ERR_DENIED, "it is longer than 16 KiB");
    free(large);
    jose_keys_free(&k);
    end(&s);
}

/* SPIFFE Trust Domain and Bundle, section 4.2: other uses are passed over, and each key has a name. */
TEST(of_a_bundle_only_keys_for_tokens_count)
{
#define EC                                                                                    \
    "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY\"," \
    "\"y\":\"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU\""
    static const struct {
        const char *json, *message;
        size_t count;
    } rows[] = {
        {"{\"keys\":[{" EC ",\"use\":\"jwt-svid\",\"kid\":\"a\"}]}", NULL, 1},
        {"{\"keys\":[{" EC ",\"use\":\"sig\",\"kid\":\"a\"}]}", NULL, 0},
        {"{\"keys\":[{" EC ",\"kid\":\"a\"},{" EC ",\"use\":\"x509-svid\"}]}", NULL, 0},
        {"{\"keys\":[{" EC ",\"use\":\"jwt-svid\"}]}", "a key for JWT-SVIDs has no kid", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct diag diag;
        struct jose_keys *k = NULL;
        diag_init(&diag);
        CHECK_ERR(rows[i].message ? ERR_INPUT : ERR_OK,
                  jose_keys_read(slice_str(rows[i].json), "td", JOSE_FOR_WORKLOADS, &diag, &k));
        if (rows[i].message)
            CHECK_TEXT(rows[i].message, diag.first->message);
        else
            CHECK_INT(rows[i].count, jose_keys_count(k));
        jose_keys_free(&k);
        diag_fini(&diag);
    }
#undef EC
}

static void reads(const char *json, enum err want, size_t count, const char *message)
{
    struct diag diag;
    struct jose_keys *k = NULL;
    diag_init(&diag);
    CHECK_ERR(want, jose_keys_read(slice_str(json), "jwks", JOSE_FOR_USERS, &diag, &k));
    if (message)
        CHECK_TEXT(message, diag.first->message);
    if (k)
        CHECK_INT(count, jose_keys_count(k));
    jose_keys_free(&k);
    diag_fini(&diag);
}

/* RFC 7517 appendix A.1 has this point. */
#define POINT                                                \
    "\"kty\":\"EC\",\"crv\":\"P-256\","                      \
    "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\"," \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\""

/* A modulus of 2048 bits, all of them ones. */
static void reads_exponent(const char *e, enum err expected)
{
    char json[TEXT_BYTES], n[343];
    memset(n, '_', 341);
    memcpy(n + 341, "w", 2);
    snprintf(json, sizeof(json), "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}]}", n, e);
    reads(json, expected, expected == ERR_OK ? 1 : 0,
          expected == ERR_OK ? NULL : "e is no exponent: odd and more than 1");
}

TEST(key_sets_are_read_strictly)
{
    reads("{\"keys\":[]}", ERR_OK, 0, NULL);
    reads("{\"keys\":[{" POINT "}]}", ERR_OK, 1, NULL);
    reads("{\"keys\":[{" POINT ",\"use\":\"enc\"}]}", ERR_OK, 0, NULL);
    reads("{\"keys\":[{" POINT ",\"use\":\"jwt-svid\",\"kid\":\"a\"}]}", ERR_OK, 1, NULL);
    reads("{\"keys\":[{" POINT ",\"key_ops\":[\"sign\"]}]}", ERR_OK, 0, NULL);
    reads("{\"keys\":[{" POINT ",\"alg\":\"ES384\"}]}", ERR_OK, 0, NULL);
    reads("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", ERR_OK, 0, NULL);
    reads("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}]}", ERR_OK, 0, NULL);
    reads("{\"keys\":[{" POINT ",\"d\":\"AAAA\"}]}", ERR_INPUT, 0, "a private key stands in a set of public keys");
    reads("{\"keys\":[{" POINT ",\"kid\":\"a\"},{" POINT ",\"kid\":\"a\"}]}", ERR_INPUT, 0, "two keys of one kid");
    reads("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}]}", ERR_INPUT, 0,
          "its numbers are no public key");
    reads("{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", ERR_INPUT, 0, "an RSA key below 2048 bits");
    reads_exponent("AQAB", ERR_OK);
    reads_exponent("Aw", ERR_OK);
    reads_exponent("AQ", ERR_INPUT);   /* 1 */
    reads_exponent("AA", ERR_INPUT);   /* 0 */
    reads_exponent("AQAA", ERR_INPUT); /* even */
    reads_exponent("", ERR_INPUT);
    reads("{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\"}]}", ERR_INPUT, 0, "n is no modulus of at most 8192 bits");
    reads("{\"keys\":{}}", ERR_INPUT, 0, "it has no list of keys");
    reads("[]", ERR_INPUT, 0, NULL);
    reads("{\"keys\":[7]}", ERR_INPUT, 0, "a key is an object");
}

TESTS_BEGIN()
TESTS_RUN(of_a_bundle_only_keys_for_tokens_count)
TESTS_RUN(what_a_key_of_the_set_has_signed_is_good)
TESTS_RUN(a_token_says_who_it_is_of_before_it_is_verified)
TESTS_RUN(another_key_another_name_another_algorithm)
TESTS_RUN(a_public_key_is_no_shared_secret)
TESTS_RUN(headers_that_ask_for_too_much_or_too_little)
TESTS_RUN(keys_inside_a_token_are_not_looked_at)
TESTS_RUN(a_token_that_was_changed_or_cut_is_refused)
TESTS_RUN(what_is_no_token_of_this_kind_is_somebody_elses)
TESTS_RUN(key_sets_are_read_strictly)
TESTS_END()
