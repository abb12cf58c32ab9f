#include "base/slim.h"

#include <pthread.h>

#include <openssl/ssl.h>

#include "base/check.h"
#include "base/readers.h"

/* A connection is bound to its certificates by its session.  What it needs of a session from now on is the version and
 * the suite, and those it can share with every other connection: so one blank session of each suite takes the place of
 * its own.
 *
 * OpenSSL begins a connection anew when it is given a session while its context is for another method than it has
 * settled on.  So it first moves to a context for just the method that was settled on, which is empty otherwise: our
 * key leaves with the old one. */
enum { FIRST_SUITE = 0x1301, SUITES = 3 }; /* RFC 8446 appendix B.4 */

struct rest {
    SSL_CTX *ctx;
    SSL_SESSION *blanks[SUITES];
};

static SSL_SESSION *new_blank(const SSL_CIPHER *suite)
{
    SSL_SESSION *s = SSL_SESSION_new();

    PRE(s && SSL_SESSION_set_protocol_version(s, TLS1_3_VERSION) == 1 && SSL_SESSION_set_cipher(s, suite) == 1);
    return s;
}

/* Made with the first connection of each side, for the life of the process. */
static SSL_SESSION *blank_for(SSL *ssl, SSL_CTX **ctx)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct rest rests[2];
    struct rest *r = &rests[SSL_is_server(ssl)];
    const SSL_CIPHER *suite = SSL_get_current_cipher(ssl);
    unsigned i = (unsigned)SSL_CIPHER_get_protocol_id(suite) - FIRST_SUITE;

    if (i >= SUITES)
        return NULL;
    PRE(pthread_mutex_lock(&lock) == 0);
    r->ctx = r->ctx ? r->ctx : SSL_CTX_new_ex(readers_context(), NULL, SSL_get_ssl_method(ssl));
    r->blanks[i] = r->blanks[i] ? r->blanks[i] : new_blank(suite);
    PRE(pthread_mutex_unlock(&lock) == 0);
    *ctx = r->ctx;
    return r->blanks[i];
}

/* Another kind takes out of a key what it was; one of this kind has no parts that anybody could miss. */
static void empty(EVP_PKEY *key)
{
    if (key)
        (void)EVP_PKEY_set_type(key, EVP_PKEY_HMAC);
    EVP_PKEY_free(key);
}

static void drop_exchange(SSL *ssl)
{
    EVP_PKEY *ours = NULL, *theirs = NULL;

    if (SSL_get_tmp_key(ssl, &ours) == 1)
        empty(ours);
    if (SSL_get_peer_tmp_key(ssl, &theirs) == 1)
        empty(theirs);
}

static void drop_session(SSL *ssl)
{
    SSL_CTX *ctx;
    SSL_SESSION *blank = blank_for(ssl, &ctx);

    if (blank && ctx && SSL_CTX_get_ssl_method(ctx) == SSL_get_ssl_method(ssl) && SSL_set_SSL_CTX(ssl, ctx) == ctx)
        (void)SSL_set_session(ssl, blank);
}

void slim_down(SSL *ssl)
{
    PRE(SSL_is_init_finished(ssl));
    drop_exchange(ssl);
    drop_session(ssl);
    POST(SSL_is_init_finished(ssl));
}
