/* What a token costs that was seen before, and one that is new. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cjose/cjose.h>

#include "bench/kit.h"
#include "proxy/providers.h"

enum { TOKENS = 512 };

struct asking {
    struct providers *providers;
    char *tokens[TOKENS];
    unsigned n, of;
};

static char *sign(cjose_jwk_t *key, unsigned n)
{
    cjose_err e;
    char claims[512];
    const char *compact;
    snprintf(claims, sizeof(claims),
             "{\"iss\":\"https://idp.example\",\"aud\":\"orders\",\"sub\":\"user-%u\",\"exp\":%lld,"
             "\"scope\":\"openid profile orders:read orders:write\",\"name\":\"Somebody With A Name\"}",
             n, (long long)time(NULL) + 3600);
    cjose_header_t *h = cjose_header_new(&e);
    kit_must(cjose_header_set(h, "alg", "ES256", &e) && cjose_header_set(h, "kid", "k", &e), "a header");
    cjose_jws_t *jws = cjose_jws_sign(key, h, (const uint8_t *)claims, strlen(claims), &e);
    kit_must(jws && cjose_jws_export(jws, &compact, &e), "a token");
    char *copy = strdup(compact);
    cjose_jws_release(jws);
    cjose_header_release(h);
    return copy;
}

/* With more tokens than are remembered at once every one is new again. */
static void ask(void *arg)
{
    struct asking *a = arg;
    struct providers_claims claims;
    const char *why;
    char *token = a->tokens[a->n++ % a->of];
    kit_must(providers_read(a->providers, slice_str(token), &claims, &why) == ERR_OK, "the token is good");
    kit_must(claims.count == 9, "it says nine things");
}

static void forget_and_ask(void *arg)
{
    struct asking *a = arg;
    static const char *audiences[] = {"orders"};
    struct proxy_conf_token token = {.issuer = "https://idp.example",
                                     .audience = {audiences, 1},
                                     .keys = "/tmp/weft-bench-keys.json",
                                     .alg_bits = 1 << 6,
                                     .leeway_us = 60000000,
                                     .refresh_us = 300000000};
    static const char *names[] = {"idp"};
    struct conf_map tokens = {.names = names, .items = &token, .count = 1};
    providers_adopt(a->providers, &tokens);
    for (unsigned i = 0; i < TOKENS; i++)
        ask(a);
}

int main(int argc, char **argv)
{
    struct kit k = kit_begin(argc, argv);
    cjose_err e;
    cjose_jwk_t *key = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &e);
    char *json = cjose_jwk_to_json(key, false, &e);
    FILE *keys = fopen("/tmp/weft-bench-keys.json", "w");
    kit_must(keys != NULL, "a file of keys");
    fprintf(keys, "{\"keys\":[%.*s,\"kid\":\"k\"}]}", (int)strlen(json) - 1, json);
    fclose(keys);
    struct loop *loop = loop_new();
    struct due_clock *clock = due_clock_new(loop);
    struct metric_set *metrics = metric_set_new();
    struct asking a = {.providers = providers_new(loop, clock, metrics), .of = TOKENS};
    for (unsigned i = 0; i < TOKENS; i++)
        a.tokens[i] = sign(key, i);
    forget_and_ask(&a);
    kit_run(&k, &(struct kit_case){.name = "providers/seen", .body = ask, .arg = &a});
    kit_run(&k, &(struct kit_case){.name = "providers/512 new ES256", .body = forget_and_ask, .arg = &a});
    for (unsigned i = 0; i < TOKENS; i++)
        free(a.tokens[i]);
    providers_free(&a.providers);
    metric_set_free(&metrics);
    due_clock_free(&clock);
    loop_free(&loop);
    unlink("/tmp/weft-bench-keys.json");
    free(json);
    cjose_jwk_release(key);
    return 0;
}
