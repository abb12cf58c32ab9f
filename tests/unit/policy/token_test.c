#include "policy/token.h"

#include <stdio.h>

#include "tests/kit/t.h"

enum { NOW = 1000000 };

static const char *const ours[] = {"orders", "https://orders.example"};
static const struct token_rules rules = {
    .issuer = {"https://idp.example/", 20}, .audiences = ours, .audience_count = 2, .leeway_s = 60};

static struct arena arena;

static const struct doc_node *parse(const char *json)
{
    struct diag diag;
    struct doc_node *n = NULL;
    diag_init(&diag);
    CHECK_ERR(ERR_OK, doc_parse(slice_str(json), "token", &arena, &diag, &n));
    diag_fini(&diag);
    return n;
}

static void judged_by(const struct token_rules *by, const char *json, const char *why_not)
{
    int64_t until = 0;
    const char *why = "";
    arena_init(&arena, SIZE_MAX);
    CHECK_ERR(why_not ? ERR_DENIED : ERR_OK, token_judge(parse(json), by, NOW, &until, &why));
    CHECK_TEXT(why_not ? why_not : "", slice_str(why));
    CHECK_INT(why_not ? 0 : 1, until > NOW);
    arena_fini(&arena);
}

static void judged(const char *json, const char *why_not)
{
    judged_by(&rules, json, why_not);
}

#define ISS "\"iss\":\"https://idp.example/\""
#define AUD "\"aud\":\"orders\""
#define EXP "\"exp\":1000100"

TEST(a_good_token_is_of_this_issuer_for_us_and_not_over)
{
    judged("{" ISS "," AUD "," EXP "}", NULL);
    judged("{" ISS ",\"aud\":[\"x\",\"https://orders.example\"]," EXP ",\"sub\":\"ann\"}", NULL);
    judged("{" ISS "," AUD ",\"exp\":1000100.75,\"nbf\":999999,\"iat\":999000}", NULL);
    judged("{" ISS "," AUD ",\"exp\":999941}", NULL); /* over by 59 s: within the leeway */
    judged("{" ISS "," AUD "," EXP ",\"nbf\":1000060,\"iat\":1000060}", NULL);
}

TEST(a_workloads_token_is_of_its_trust_domain_and_needs_no_issuer)
{
    static const struct token_rules svid = {
        .trust_domain = {"example.org", 11}, .audiences = ours, .audience_count = 2, .leeway_s = 60};
    judged_by(&svid, "{\"sub\":\"spiffe://example.org/web\"," AUD "," EXP "}", NULL);
    judged_by(&svid, "{\"sub\":\"spiffe://example.org/web\"," AUD "," EXP "," ISS "}", NULL);
    static const char *const others[] = {"spiffe://example.com/web",
                                         "spiffe://example.org",
                                         "spiffe://example.org/",
                                         "spiffe://Example.org/web",
                                         "spiffe://example.org/a/../web",
                                         "https://example.org/web",
                                         ""};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        char json[160];
        snprintf(json, sizeof(json), "{\"sub\":\"%s\"," AUD "," EXP "}", others[i]);
        judged_by(&svid, json, "its subject is no workload of the trust domain");
    }
    judged_by(&svid, "{" AUD "," EXP "}", "its subject is no workload of the trust domain");
    judged_by(&svid, "{\"sub\":\"spiffe://example.org/web\"," EXP "}", "it is not for this audience");
    judged_by(&svid, "{\"sub\":\"spiffe://example.org/web\"," AUD "}", "it has no exp, or no date in it");
    judged("{" ISS "," AUD "," EXP ",\"sub\":\"spiffe://example.org/web\"}",
           "its subject is a workload, for which only a trust domain's keys speak");
}

TEST(a_workloads_token_has_a_plain_header)
{
    static const struct {
        const char *json;
        bool good;
    } rows[] = {
        {"{\"alg\":\"ES256\"}", true},
        {"{\"alg\":\"ES256\",\"kid\":\"a\",\"typ\":\"JWT\"}", true},
        {"{\"alg\":\"ES256\",\"typ\":\"JOSE\"}", true},
        {"{\"alg\":\"ES256\",\"typ\":\"jwt\"}", false},
        {"{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}", false},
        {"{\"alg\":\"ES256\",\"jku\":\"https://x\"}", false},
        {"{\"alg\":\"ES256\",\"x5c\":[]}", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        arena_init(&arena, SIZE_MAX);
        CHECK_INT(rows[i].good, token_header_ok(parse(rows[i].json)));
        arena_fini(&arena);
    }
}

TEST(each_thing_that_can_be_wrong_is_named)
{
    judged("{" AUD "," EXP "}", "it is of another issuer");
    judged("{\"iss\":\"https://idp.example\"," AUD "," EXP "}", "it is of another issuer"); /* no slash */
    judged("{\"iss\":\"https://IDP.example/\"," AUD "," EXP "}", "it is of another issuer");
    judged("{\"iss\":[\"https://idp.example/\"]," AUD "," EXP "}", "it is of another issuer");
    judged("{" ISS "," EXP "}", "it is not for this audience");
    judged("{" ISS ",\"aud\":\"order\"," EXP "}", "it is not for this audience");
    judged("{" ISS ",\"aud\":[]," EXP "}", "it is not for this audience");
    judged("{" ISS ",\"aud\":{\"orders\":1}," EXP "}", "it is not for this audience");
    judged("{" ISS "," AUD "}", "it has no exp, or no date in it");
    judged("{" ISS "," AUD ",\"exp\":\"1000100\"}", "it has no exp, or no date in it");
    judged("{" ISS "," AUD ",\"exp\":-1}", "it has no exp, or no date in it");
    judged("{" ISS "," AUD ",\"exp\":1e99}", "it has no exp, or no date in it");
    judged("{" ISS "," AUD ",\"exp\":99999999999999999999}", "it has no exp, or no date in it");
    judged("{" ISS "," AUD ",\"exp\":999940}", "it has expired");
    judged("{" ISS "," AUD ",\"exp\":0}", "it has expired");
    judged("{" ISS "," AUD "," EXP ",\"nbf\":1000061}", "it is not valid yet (nbf)");
    judged("{" ISS "," AUD "," EXP ",\"nbf\":\"now\"}", "it is not valid yet (nbf)");
    judged("{" ISS "," AUD "," EXP ",\"iat\":1000061}", "it was issued in the future (iat)");
    judged("{" ISS "," AUD "," EXP ",\"sub\":7}", "its subject is no text");
}

TEST(claims_become_pairs)
{
    struct attrs_header v[TOKEN_FACTS_MOST];
    size_t count;
    const char *why;
    struct buf out;
    arena_init(&arena, SIZE_MAX);
    buf_init(&out, BUF_TEXT_BOUND);
    const struct doc_node *n =
        parse("{\"sub\":\"ann\",\"scope\":\"read  write\",\"roles\":[\"a\",\"b\"],\"n\":7,\"admin\":true,"
              "\"realm\":{\"roles\":[\"x\"],\"scope\":\"a b\"},\"none\":null}");
    CHECK_ERR(ERR_OK, token_facts(n, &arena, v, &count, &why));
    for (size_t i = 0; i < count; i++)
        buf_putf(&out, "%.*s=%.*s\n", SLICE_FMT(v[i].name), SLICE_FMT(v[i].value));
    CHECK_TEXT("sub=ann\nscope=read\nscope=write\nroles=a\nroles=b\nn=7\nadmin=true\nrealm.roles=x\nrealm.scope=a b\n",
               buf_slice(&out));
    buf_fini(&out);
    arena_fini(&arena);
}

TEST(a_token_with_too_much_in_it_is_refused_whole)
{
    struct attrs_header v[TOKEN_FACTS_MOST];
    size_t count;
    const char *why;
    struct buf json;
    arena_init(&arena, SIZE_MAX);
    for (unsigned entries = 256; entries <= 257; entries++) {
        buf_init(&json, BUF_TEXT_BOUND);
        buf_put(&json, SLICE("{\"a\":["));
        for (unsigned i = 0; i < entries; i++)
            buf_putf(&json, "%s%u", i ? "," : "", i);
        buf_put(&json, SLICE("]}"));
        CHECK_ERR(entries == 256 ? ERR_OK : ERR_DENIED, token_facts(parse(buf_text(&json)), &arena, v, &count, &why));
        buf_fini(&json);
    }
    CHECK_TEXT("it has over 256 claims", slice_str(why));
    CHECK_ERR(ERR_DENIED,
              token_facts(parse("{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":1}}}}}}"), &arena, v, &count, &why));
    CHECK_TEXT("its claims are nested too deeply", slice_str(why));
    char text[1200];
    snprintf(text, sizeof(text), "{\"a\":\"%01025d\"}", 0);
    CHECK_ERR(ERR_DENIED, token_facts(parse(text), &arena, v, &count, &why));
    CHECK_TEXT("one of its claims is too long", slice_str(why));
    arena_fini(&arena);
}

TESTS_BEGIN()
TESTS_RUN(a_good_token_is_of_this_issuer_for_us_and_not_over)
TESTS_RUN(a_workloads_token_is_of_its_trust_domain_and_needs_no_issuer)
TESTS_RUN(a_workloads_token_has_a_plain_header)
TESTS_RUN(each_thing_that_can_be_wrong_is_named)
TESTS_RUN(claims_become_pairs)
TESTS_RUN(a_token_with_too_much_in_it_is_refused_whole)
TESTS_END()
