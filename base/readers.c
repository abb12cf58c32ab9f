#include "base/readers.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

/* Our provider hands out functions and context of the default one, but names only what TLS 1.3 between our peers needs.
 * Whatever looks for a reader of keys walks through all that was ever named, and that is most of what a certificate
 * costs. */
enum { KINDS = 9, NAMED_MOST = 32 };

struct kind {
    int operation;
    const char *names;                     /* between spaces */
    OSSL_ALGORITHM chosen[NAMED_MOST + 1]; /* ends with an empty one */
};

/* Suites, groups, and the keys and digests that a certificate of a peer or of its authority may have. */
static struct kind kinds[KINDS] = {
    {.operation = OSSL_OP_DECODER, .names = " EC RSA RSA-PSS ED25519 ED448 "},
    {.operation = OSSL_OP_KEYMGMT, .names = " EC RSA RSA-PSS ED25519 ED448 X25519 HMAC "},
    {.operation = OSSL_OP_CIPHER, .names = " AES-128-GCM AES-256-GCM ChaCha20-Poly1305 AES-256-CTR AES-256-ECB "},
    {.operation = OSSL_OP_DIGEST,
     .names = " SHA1 SHA2-224 SHA2-256 SHA2-384 SHA2-512 SHA2-512/256 SHA3-256 SHA3-384 SHA3-512 SHAKE-256 "},
    {.operation = OSSL_OP_MAC, .names = " HMAC "},
    {.operation = OSSL_OP_KDF, .names = " HKDF TLS13-KDF "},
    {.operation = OSSL_OP_KEYEXCH, .names = " ECDH X25519 "},
    {.operation = OSSL_OP_SIGNATURE, .names = " ECDSA RSA ED25519 ED448 HMAC "},
    {.operation = OSSL_OP_ASYM_CIPHER, .names = " RSA "},
};

static OSSL_PROVIDER *whole;
static OSSL_LIB_CTX *context;

static bool is_listed(const char *list, const char *name, size_t len)
{
    for (const char *at = strchr(list, ' '); at && at[1] != '\0'; at = strchr(at + 1, ' '))
        if (strncasecmp(at + 1, name, len) == 0 && at[1 + len] == ' ')
            return true;
    return false;
}

/* The names of an algorithm are "EC:id-ecPublicKey:1.2.840.10045.2.1". */
static bool has_name(const char *names, const char *list)
{
    for (const char *at = names; at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL)
        if (is_listed(list, at, strcspn(at, ":")))
            return true;
    return false;
}

static bool is_needed(const struct kind *k, const OSSL_ALGORITHM *a)
{
    const char *what = a->property_definition;
    if (k->operation == OSSL_OP_DECODER &&
        (!strstr(what, "input=der") || !strstr(what, "structure=SubjectPublicKeyInfo")))
        return false;
    return has_name(a->algorithm_names, k->names);
}

/* false: nothing is there, or more than there is room for. */
static bool choose(struct kind *k)
{
    int no_cache = 0;
    size_t n = 0;
    const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(whole, k->operation, &no_cache);
    for (; a && a->algorithm_names && n < NAMED_MOST; a++)
        if (is_needed(k, a))
            k->chosen[n++] = *a;
    return n > 0 && !a->algorithm_names;
}

static bool choose_all(void)
{
    for (size_t i = 0; i < KINDS; i++)
        if (!choose(&kinds[i]))
            return false;
    return true;
}

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    (void)provider;
    *no_cache = 0;
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].operation == operation)
            return kinds[i].chosen;
    return OSSL_PROVIDER_query_operation(whole, operation, no_cache);
}

static int capabilities(void *provider, const char *name, OSSL_CALLBACK *found, void *arg)
{
    (void)provider;
    return OSSL_PROVIDER_get_capabilities(whole, name, found, arg);
}

static const OSSL_DISPATCH functions[] = {{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
                                          {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))capabilities},
                                          {0, NULL}};

static int init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provider)
{
    (void)handle;
    (void)in;
    *out = functions;
    *provider = OSSL_PROVIDER_get0_provider_ctx(whole);
    return 1;
}

static bool is_plain(void)
{
    return OSSL_PROVIDER_available(NULL, "default") == 1 && OSSL_PROVIDER_available(NULL, "fips") != 1 &&
           EVP_default_properties_is_fips_enabled(NULL) != 1;
}

static void make(void)
{
    whole = is_plain() ? OSSL_PROVIDER_load(NULL, "default") : NULL;
    OSSL_LIB_CTX *made = whole ? OSSL_LIB_CTX_new() : NULL;
    if (!made)
        return;
    if (choose_all() && OSSL_PROVIDER_add_builtin(made, "weft", init) == 1 && OSSL_PROVIDER_load(made, "weft"))
        context = made;
    else
        OSSL_LIB_CTX_free(made);
}

OSSL_LIB_CTX *readers_context(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make);
    return context;
}
