#include "base/readers.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

/* Our provider answers every question as the default one does, whose functions and context it hands out;
 * of the decoders it names the few that are asked for. */
enum { READERS_MOST = 16 };

static OSSL_PROVIDER *whole;
static OSSL_ALGORITHM readers[READERS_MOST + 1]; /* ends with an empty one */
static OSSL_LIB_CTX *context;

/* `names` is "EC:id-ecPublicKey:1.2.840.10045.2.1". */
static bool has_name(const char *names, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = names; at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL)
        if (strncasecmp(at, name, len) == 0 && (at[len] == ':' || at[len] == '\0'))
            return true;
    return false;
}

/* The keys that a certificate of a peer or of its authority may have. */
static bool is_needed(const OSSL_ALGORITHM *a)
{
    static const char *const keys[] = {"EC", "RSA", "RSA-PSS", "ED25519", "ED448"};
    const char *what = a->property_definition;
    if (!strstr(what, "input=der") || !strstr(what, "structure=SubjectPublicKeyInfo"))
        return false;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (has_name(a->algorithm_names, keys[i]))
            return true;
    return false;
}

static void choose(void)
{
    int no_cache = 0;
    const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(whole, OSSL_OP_DECODER, &no_cache);
    for (size_t n = 0; a && a->algorithm_names && n < READERS_MOST; a++)
        if (is_needed(a))
            readers[n++] = *a;
}

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    (void)provider;
    if (operation != OSSL_OP_DECODER)
        return OSSL_PROVIDER_query_operation(whole, operation, no_cache);
    *no_cache = 0;
    return readers;
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
    choose();
    if (readers[0].algorithm_names && OSSL_PROVIDER_add_builtin(made, "weft", init) == 1 &&
        OSSL_PROVIDER_load(made, "weft"))
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
