#include "base/slim.h"

#include <openssl/ssl.h>

#include "base/check.h"

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

/* Who the peer is has been decided by the whole certificate; its key has done its one duty. */
static void drop_peer_key(SSL *ssl)
{
    X509 *leaf = SSL_get0_peer_certificate(ssl);
    EVP_PKEY *key = leaf ? X509_get_pubkey(leaf) : NULL;

    empty(key);
}

void slim_down(SSL *ssl)
{
    PRE(SSL_is_init_finished(ssl));
    drop_exchange(ssl);
    drop_peer_key(ssl);
}
