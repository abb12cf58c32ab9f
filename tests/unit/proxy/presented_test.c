#include "proxy/presented.h"

#include <stdio.h>

#include "tests/kit/t.h"

/* What a contract asks for `op`, and one request. */
struct scene {
    struct contract *contract;
    struct presented *presented;
    struct transit down;
    struct attrs_header claims[2];
    struct presented_request r;
    struct buf detail;
};

static const struct transit_carrier nobody = {0};

static void begin(struct scene *s, const char *security)
{
    struct buf text;
    struct diag diag;
    *s = (struct scene){0};
    buf_init(&text, 1 << 16);
    diag_init(&diag);
    buf_putf(&text,
             "record(\"R\"). response(\"op\", \"200\", \"application/json\", \"R\").\ncontract(\"shop\", "
             "\"1.0.0\").\noperation(\"op\"). http(\"op\", \"GET\", \"/op\").\n%s\n",
             security);
    enum err e = contract_parse(buf_slice(&text), "shop.weft", &diag, &s->contract);
    CHECK_ERR(ERR_OK, e);
    s->presented = presented_new(s->contract);
    transit_init(&s->down, &nobody, NULL);
    s->down.in.path = SLICE("/op?key=1&empty=");
    s->r = (struct presented_request){.down = &s->down, .operation = SLICE("op"), .claims = s->claims};
    buf_init(&s->detail, 1024);
    buf_fini(&text);
    diag_fini(&diag);
}

static void show(struct scene *s, const char *name, const char *value)
{
    CHECK_ERR(ERR_OK, headers_add(&s->down.in.headers, slice_str(name), slice_str(value)));
}

static void ends(struct scene *s, enum err want, const char *detail)
{
    buf_clear(&s->detail);
    CHECK_ERR(want, presented_ask(s->presented, &s->r, &s->detail));
    if (detail)
        CHECK_TEXT(detail, buf_slice(&s->detail));
    presented_free(&s->presented);
    contract_unref(&s->contract);
    transit_fini(&s->down);
    buf_fini(&s->detail);
}

TEST(a_contract_that_asks_for_nothing_has_nothing_to_judge)
{
    struct scene s;
    begin(&s, "");
    CHECK(s.presented == NULL);
    contract_unref(&s.contract);
    transit_fini(&s.down);
    buf_fini(&s.detail);
}

TEST(a_key_has_to_be_there_in_its_place)
{
    static const struct {
        const char *scheme, *header, *value;
        enum err want;
    } rows[] = {
        {"apiKey header X-Key", "x-key", "1", ERR_OK},
        {"apiKey header X-Key", "x-key", "", ERR_ABSENT},
        {"apiKey header X-Key", "x-keys", "1", ERR_ABSENT},
        {"apiKey query key", "x", "1", ERR_OK},
        {"apiKey query empty", "x", "1", ERR_ABSENT},
        {"apiKey query ke", "x", "1", ERR_ABSENT},
        {"apiKey cookie sid", "cookie", "a=1; sid=2", ERR_OK},
        {"apiKey cookie sid", "cookie", "xsid=2", ERR_ABSENT},
        {"http basic", "authorization", "Basic eA==", ERR_OK},
        {"http basic", "authorization", "Basi x", ERR_ABSENT},
        {"http bearer", "authorization", "bearer x", ERR_OK},
        {"http bearer", "authorization", "Basic x", ERR_ABSENT},
        {"oauth2", "authorization", "Bearer x", ERR_OK},
        {"oauth2", "x", "1", ERR_ABSENT},
        {"openIdConnect https://idp", "authorization", "Bearer x", ERR_OK},
        {"mutualTLS", "x", "1", ERR_ABSENT},
        {"web: apiKey header X-Key", "x-key", "1", ERR_OK},
        {"a handshake", "x", "1", ERR_OK},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scene s;
        char fact[128];
        snprintf(fact, sizeof(fact), "security(\"op\", 0, \"%s\", \"\").", rows[i].scheme);
        begin(&s, fact);
        show(&s, rows[i].header, rows[i].value);
        ends(&s, rows[i].want, NULL);
    }
}

TEST(a_certificate_is_what_mutual_tls_asks_for)
{
    struct scene s;
    begin(&s, "security(\"op\", 0, \"mutualTLS\", \"\").");
    s.down.peer_id = SLICE("spiffe://example.org/web");
    ends(&s, ERR_OK, NULL);
}

#define ALTERNATIVES                                                                             \
    "security(\"op\", 0, \"oauth2\", \"\"). security(\"op\", 0, \"oauth2\", \"orders:write\"). " \
    "security(\"op\", 1, \"apiKey header X-Key\", \"\"). security(\"op\", 1, \"http basic\", \"\"). "
#define ASKS "It asks for oauth2 with scope orders:write, or apiKey header X-Key and http basic."

TEST(everything_of_one_alternative_is_enough_and_less_is_not)
{
    struct scene s;
    begin(&s, ALTERNATIVES);
    s.r.has_providers = true;
    ends(&s, ERR_ABSENT, ASKS);
    begin(&s, ALTERNATIVES);
    show(&s, "x-key", "1");
    ends(&s, ERR_ABSENT, ASKS);
    begin(&s, ALTERNATIVES);
    show(&s, "x-key", "1");
    show(&s, "authorization", "Basic eA==");
    ends(&s, ERR_OK, NULL);
    begin(&s, ALTERNATIVES "security(\"op\", 2, \"\", \"\").");
    ends(&s, ERR_OK, NULL);
}

TEST(a_token_counts_when_it_was_verified_and_has_the_scope)
{
    struct scene s;
    begin(&s, ALTERNATIVES);
    s.r.has_providers = true;
    show(&s, "authorization", "Bearer x"); /* of nobody that we know */
    ends(&s, ERR_ABSENT, ASKS);
    begin(&s, ALTERNATIVES);
    s.r.has_providers = s.r.vouched = true;
    ends(&s, ERR_DENIED, ASKS);
    begin(&s, ALTERNATIVES);
    s.r.has_providers = s.r.vouched = true;
    s.claims[0] = (struct attrs_header){SLICE("scope"), SLICE("orders:read")};
    s.claims[1] = (struct attrs_header){SLICE("scp"), SLICE("orders:write")};
    s.r.claim_count = 2;
    ends(&s, ERR_OK, NULL);
}

TEST(another_operation_is_not_asked)
{
    struct scene s;
    begin(&s, ALTERNATIVES);
    s.r.operation = SLICE("other");
    ends(&s, ERR_OK, NULL);
}

TESTS_BEGIN()
TESTS_RUN(a_contract_that_asks_for_nothing_has_nothing_to_judge)
TESTS_RUN(a_key_has_to_be_there_in_its_place)
TESTS_RUN(a_certificate_is_what_mutual_tls_asks_for)
TESTS_RUN(everything_of_one_alternative_is_enough_and_less_is_not)
TESTS_RUN(a_token_counts_when_it_was_verified_and_has_the_scope)
TESTS_RUN(another_operation_is_not_asked)
TESTS_END()
