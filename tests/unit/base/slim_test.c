/* slim - what is gone afterwards, and what goes on. */
#include "base/slim.h"

#include <openssl/ssl.h>

#include "tests/kit/certs.h"
#include "tests/kit/t.h"

#define WEB "spiffe://example.org/web"
#define API "spiffe://example.org/api"

/* Two of OpenSSL's ends, joined in memory. */
struct wire {
    struct certs *certs;
    struct creds_session client, server;
    SSL *c, *s;
};

static void wire_init(struct wire *w)
{
    SSL *ends[2];

    *w = (struct wire){.certs = certs_new()};
    w->client.creds = certs_good(w->certs, WEB, certs_lax_judge);
    w->server.creds = certs_good(w->certs, API, certs_lax_judge);
    certs_shake(&w->client, &w->server, ends);
    w->c = ends[0];
    w->s = ends[1];
    CHECK(w->client.peer && w->server.peer);
}

static void wire_fini(struct wire *w)
{
    SSL_free(w->c);
    SSL_free(w->s);
    creds_session_fini(&w->client);
    creds_session_fini(&w->server);
    certs_free(&w->certs);
}

static bool has_exchange(SSL *ssl)
{
    EVP_PKEY *ours = NULL, *theirs = NULL;

    CHECK_INT(1, SSL_get_tmp_key(ssl, &ours));
    CHECK_INT(1, SSL_get_peer_tmp_key(ssl, &theirs));
    bool both = EVP_PKEY_get_base_id(ours) == EVP_PKEY_EC && EVP_PKEY_get_base_id(theirs) == EVP_PKEY_EC;
    bool none = EVP_PKEY_get0_provider(ours) == NULL && EVP_PKEY_get0_provider(theirs) == NULL;
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
    CHECK(both != none);
    return both;
}

static bool has_peer(SSL *ssl)
{
    return SSL_get0_peer_certificate(ssl) || SSL_get_peer_cert_chain(ssl);
}

static void pass(SSL *from, SSL *to)
{
    char into[8];

    CHECK_INT(5, SSL_write(from, "hello", 5));
    CHECK_INT(5, SSL_read(to, into, sizeof(into)));
    CHECK_SLICE(SLICE("hello"), slice_of(into, 5));
}

TEST(the_keys_of_a_handshake_are_gone_after_it)
{
    struct wire w;

    wire_init(&w);
    CHECK(has_exchange(w.c) && has_exchange(w.s) && has_peer(w.c) && has_peer(w.s));
    slim_down(w.c);
    slim_down(w.s);
    CHECK(!has_exchange(w.c) && !has_exchange(w.s) && !has_peer(w.c) && !has_peer(w.s));
    CHECK_TEXT(API, creds_peer_id(w.client.peer));
    CHECK_TEXT(WEB, creds_peer_id(w.server.peer));
    slim_down(w.s); /* once more takes nothing */
    wire_fini(&w);
}

TEST(bytes_and_new_traffic_keys_go_on_without_them)
{
    struct wire w;

    wire_init(&w);
    slim_down(w.c);
    slim_down(w.s);
    pass(w.c, w.s);
    pass(w.s, w.c);
    CHECK_INT(1, SSL_key_update(w.c, SSL_KEY_UPDATE_REQUESTED));
    pass(w.c, w.s);
    pass(w.s, w.c);
    pass(w.c, w.s);
    CHECK_INT(0, SSL_shutdown(w.c));
    CHECK_INT(0, SSL_read(w.s, &(char){0}, 1));
    CHECK_INT(SSL_ERROR_ZERO_RETURN, SSL_get_error(w.s, 0));
    wire_fini(&w);
}

TESTS_BEGIN()
TESTS_RUN(the_keys_of_a_handshake_are_gone_after_it)
TESTS_RUN(bytes_and_new_traffic_keys_go_on_without_them)
TESTS_END()
