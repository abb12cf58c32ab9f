#include "base/bundle.h"

#include <stdio.h>

#include "base/creds.h"
#include "base/hash.h"
#include "tests/kit/certs.h"
#include "tests/kit/t.h"

enum { TEXT_BYTES = 64 << 10 };

struct read {
    struct arena arena;
    struct diag diag;
    struct bundle bundle;
    enum err e;
};

static void begin(struct read *r, const char *text)
{
    *r = (struct read){0};
    arena_init(&r->arena, 0);
    diag_init(&r->diag);
    r->e = bundle_read(slice_str(text), "td.json", &r->arena, &r->diag, &r->bundle);
}

static void end(struct read *r)
{
    diag_fini(&r->diag);
    arena_fini(&r->arena);
}

/* "AAEC" is 00 01 02. */
#define KEY "{\"use\":\"x509-svid\",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\",\"x5c\":[\"AAEC\"]}"

TEST(authorities_come_in_order_with_their_sequence)
{
    struct read r;
    begin(&r, "{\"spiffe_sequence\":12,\"spiffe_refresh_hint\":60,\"keys\":[" KEY "," KEY "]}");
    CHECK_ERR(ERR_OK, r.e);
    CHECK_INT(2, r.bundle.authority_count);
    CHECK_SLICE(SLICE("\0\1\2"), r.bundle.authorities[1]);
    CHECK_INT(12, r.bundle.sequence);
    CHECK_INT(60, r.bundle.refresh_s);
    end(&r);
}

TEST(what_is_not_for_certificates_is_passed_over)
{
    static const char *const keys[] = {
        "",
        "{\"kty\":\"EC\",\"use\":\"jwt-svid\",\"kid\":\"a\"}",
        "{\"kty\":\"EC\"}",
        "{\"kty\":\"EC\",\"use\":\"sig\"}",
        "{\"kty\":\"OKP\",\"use\":\"x509-svid\"}",
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char text[256];
        struct read r;
        snprintf(text, sizeof(text), " \n{\"keys\":[%s],\"more\":1}", keys[i]);
        begin(&r, text);
        CHECK_ERR(ERR_OK, r.e);
        CHECK_INT(0, r.bundle.authority_count);
        end(&r);
    }
}

TEST(what_would_change_trust_in_silence_is_refused)
{
    static const struct {
        const char *text, *message;
        unsigned line, column;
    } table[] = {
        {"{\"keys\":{}}", "it has no list of keys", 1, 1},
        {"{}", "it has no list of keys", 1, 1},
        {"{\"keys\":[7]}", "a key is an object", 1, 10},
        {"{\"keys\":[{\"use\":\"x509-svid\"}]}", "a key without kty", 1, 10},
        {"{\"keys\":[\n{\"use\":\"x509-svid\",\"kty\":\"EC\"}]}",
         "a key for certificates has exactly one certificate in x5c", 2, 1},
        {"{\"keys\":[{\"use\":\"x509-svid\",\"kty\":\"EC\",\"x5c\":[]}]}",
         "a key for certificates has exactly one certificate in x5c", 1, 46},
        {"{\"keys\":[{\"use\":\"x509-svid\",\"kty\":\"EC\",\"x5c\":[\"AAEC\",\"AAEC\"]}]}",
         "a key for certificates has exactly one certificate in x5c", 1, 46},
        {"{\"keys\":[{\"use\":\"x509-svid\",\"kty\":\"EC\",\"x5c\":[\"AAE\"]}]}", "x5c is not base64 of a certificate",
         1, 47},
        {"{\"keys\":[{\"use\":\"x509-svid\",\"kty\":\"EC\",\"x5c\":[\"-_-_\"]}]}", "x5c is not base64 of a certificate",
         1, 47},
        {"{\"keys\":[{\"use\":\"x509-svid\",\"kty\":\"EC\",\"kid\":\"a\",\"x5c\":[\"AAEC\"]}]}",
         "a key for certificates has no kid", 1, 10},
        {"{\"keys\":[],\"spiffe_sequence\":-1}", "it is a whole number, 0 or more", 1, 30},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct read r;
        begin(&r, table[i].text);
        CHECK_ERR(ERR_INPUT, r.e);
        CHECK_INT(1, r.diag.errors);
        CHECK_TEXT(table[i].message, r.diag.first->message);
        CHECK_INT(table[i].line, r.diag.first->line);
        CHECK_INT(table[i].column, r.diag.first->column);
        end(&r);
    }
    struct read r;
    begin(&r, "{\"keys\":[],\"keys\":[]}");
    CHECK_ERR(ERR_INPUT, r.e);
    end(&r);
    begin(&r, "{\"keys\":[");
    CHECK_ERR(ERR_INPUT, r.e);
    end(&r);
}

/* The base64 between the lines of a PEM is what x5c wants. */
static void put_x5c(struct slice pem, struct buf *out)
{
    struct slice line;
    while (slice_split(&pem, '\n', &line))
        if (!slice_starts(line, SLICE("-----")))
            buf_put(out, line);
}

TEST(a_bundle_in_json_trusts_as_the_same_in_pem)
{
    struct certs *c = certs_new();
    struct certs_root *root = certs_root_of(c, "example.org");
    struct issuer_leaf leaf = certs_leaf("spiffe://example.org/web");
    struct buf cert, key, text;
    struct diag diag;
    struct creds *creds = NULL;
    char path[CERTS_PATH];
    buf_init(&cert, TEXT_BYTES);
    buf_init(&key, TEXT_BYTES);
    buf_init(&text, TEXT_BYTES);
    certs_sign(c, "example.org", &leaf, &cert, &key);
    static const char *const wholes[] = {NULL, "{\"keys\":[]}",
                                         "{\"keys\":[{\"use\":\"x509-svid\",\"kty\":\"EC\",\"x5c\":[\"AAEC\"]}]}"};
    static const enum err outcomes[] = {ERR_OK, ERR_INPUT, ERR_INPUT};
    static const char *const words[] = {NULL, "certificate is not signed by the bundle of \"example.org\"",
                                        "certificate 1 is not a certificate"};
    for (size_t i = 0; i < 3; i++) {
        struct buf x5c;
        buf_init(&x5c, TEXT_BYTES);
        buf_clear(&text);
        put_x5c(buf_slice(&root->cert), &x5c);
        if (i == 0)
            buf_putf(&text, "{\"keys\":[{\"use\":\"x509-svid\",\"kty\":\"EC\",\"x5c\":[\"%s\"]}]}", buf_text(&x5c));
        else
            buf_put(&text, slice_str(wholes[i]));
        buf_fini(&x5c);
        certs_write(c, "example.org.bundle", buf_slice(&text), 0644, path);
        diag_init(&diag);
        CHECK_ERR(outcomes[i], certs_load(c, buf_slice(&cert), buf_slice(&key), certs_lax_judge, &diag, &creds));
        bool said = !words[i];
        for (const struct diag_entry *e = diag.first; e; e = e->next)
            said = said || slice_eq(e->message, slice_str(words[i]));
        CHECK(said);
        creds_unref(&creds);
        diag_fini(&diag);
    }
    buf_fini(&cert);
    buf_fini(&key);
    buf_fini(&text);
    certs_free(&c);
}

TESTS_BEGIN()
TESTS_RUN(authorities_come_in_order_with_their_sequence)
TESTS_RUN(what_is_not_for_certificates_is_passed_over)
TESTS_RUN(what_would_change_trust_in_silence_is_refused)
TESTS_RUN(a_bundle_in_json_trusts_as_the_same_in_pem)
TESTS_END()
