#include "policy/authz.h"

#include <stdio.h>

#include "policy/policy_load.h"
#include "tests/kit/t.h"

#define WEB "spiffe://example.org/ns/shop/sa/web"

static struct authz *load(const char *text)
{
    struct diag diag;
    struct authz *a = NULL;
    struct policy_text texts[] = {{.file = "p.weft", .text = slice_str(text)}};
    diag_init(&diag);
    CHECK_ERR(ERR_OK, policy_load(texts, 1, &diag, &a));
    diag_fini(&diag);
    return a;
}

static void answers(struct authz *a, struct attrs attrs, enum authz_answer answer, const char *reason)
{
    struct authz_decision first = authz_ask(a, &attrs), again = authz_ask(a, &attrs);
    CHECK_TEXT(reason, slice_str(first.reason));
    CHECK_INT(answer, first.answer);
    /* Asked again it comes from the cache, and is the same. */
    CHECK(again.cached);
    CHECK_INT(first.answer, again.answer);
    CHECK_INT(first.by_default, again.by_default);
    CHECK(first.reason == again.reason);
}

static void allows(struct authz *a, struct attrs attrs, const char *reason)
{
    answers(a, attrs, AUTHZ_ALLOW, reason);
}

static void denies(struct authz *a, struct attrs attrs, const char *reason)
{
    answers(a, attrs, AUTHZ_DENY, reason);
}

static void why_is(struct authz *a, struct attrs attrs, const char *want)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    authz_why(a, &attrs, &out);
    CHECK_TEXT(want, buf_slice(&out));
    buf_fini(&out);
}

static void why_has(struct authz *a, struct attrs attrs, const char *part)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    authz_why(a, &attrs, &out);
    if (!slice_has(buf_slice(&out), slice_str(part)))
        CHECK_TEXT(part, buf_slice(&out));
    buf_fini(&out);
}

#define ASK(...) ((struct attrs){__VA_ARGS__})

TEST(with_no_policy_a_known_caller_is_allowed)
{
    struct diag diag;
    struct authz *a;
    diag_init(&diag);
    CHECK_ERR(ERR_OK, policy_load(NULL, 0, &diag, &a));
    struct attrs known = ASK(.peer = SLICE(WEB), .job = SLICE("submit")), unknown = ASK(.method = SLICE("GET")),
                 probe = ASK(.probe = true);
    CHECK_INT(AUTHZ_ALLOW, authz_ask(a, &known).answer);
    CHECK_INT(AUTHZ_DENY, authz_ask(a, &unknown).answer);
    CHECK(authz_ask(a, &unknown).by_default);
    CHECK_INT(AUTHZ_DENY, authz_ask(a, &probe).answer);
    CHECK_INT(0, authz_rule_count(a));
    why_is(a, known, "Allowed: there is no policy, and the caller is known.\n");
    authz_free(&a);
    diag_fini(&diag);
}

TEST(each_fact_of_a_request_can_be_asked_for)
{
    static const struct {
        const char *rule;
        struct attrs yes, no;
    } table[] = {
        {"allow :- peer(\"" WEB "\").", {.peer = {WEB, 35}}, {.peer = {WEB "2", 36}}},
        {"allow :- peer_domain(\"example.org\").", {.peer = {WEB, 35}}, {.peer = {"spiffe://example.com/a", 22}}},
        {"allow :- peer_path(\"shop\", _).", {.peer = {WEB, 35}}, {.peer = {"spiffe://example.org/shop", 25}}},
        {"allow :- service(\"orders\").", {.service = {"orders", 6}}, {.service = {"order", 5}}},
        {"allow :- op(\"create\").", {.operation = {"create", 6}}, {.method = {"create", 6}}},
        {"allow :- method(\"GET\").", {.method = {"GET", 3}}, {.method = {"get", 3}}},
        {"allow :- path(\"/a/b\").", {.path = {"/a/b", 4}}, {.path = {"/a/b/", 5}}},
        {"allow :- segment(1, \"b\").", {.path = {"/a/b", 4}}, {.path = {"/b/a", 4}}},
        {"allow :- job(\"submit\").", {.job = {"submit", 6}}, {.job = {"run", 3}}},
        {"allow :- probe().", {.probe = true}, {.peer = {WEB, 35}}},
        {"allow :- verdict(\"same\").", {.verdict = {"same", 4}}, {.verdict = {"breaking", 8}}},
        {"allow :- contract(\"orders\", \"2.0.0\").",
         {.contract_name = {"orders", 6}, .contract_version = {"2.0.0", 5}},
         {.contract_name = {"orders", 6}, .contract_version = {"2.0.1", 5}}},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct authz *a = load(table[i].rule);
        allows(a, table[i].yes, "allowed by p.weft:1");
        denies(a, table[i].no, "nothing allows it");
        denies(a, ASK(.service = SLICE("nothing of it")), "nothing allows it");
        CHECK_INT(1, authz_rule_count(a));
        authz_free(&a);
    }
}

TEST(deny_wins_over_allow)
{
    struct authz *a = load("allow :- method(\"GET\").\n"
                           "deny :- peer_domain(\"partner.example\"), !verdict(\"same\").\n");
    struct attrs partner = ASK(.peer = SLICE("spiffe://partner.example/x"), .method = SLICE("GET"));
    denies(a, partner, "denied by p.weft:2");
    partner.verdict = SLICE("same");
    allows(a, partner, "allowed by p.weft:1");
    CHECK_INT(2, authz_rule_count(a));
    authz_free(&a);
}

TEST(a_policy_may_have_relations_of_its_own)
{
    struct authz *a = load(".decl friend(id: symbol)\n"
                           "friend(\"" WEB "\").\n"
                           "allow :- peer(Who), friend(Who).\n");
    allows(a, ASK(.peer = SLICE(WEB)), "allowed by p.weft:3");
    denies(a, ASK(.peer = SLICE("spiffe://example.org/x")), "nothing allows it");
    authz_free(&a);
}

TEST(headers_are_facts_only_when_a_rule_names_them)
{
    struct authz *a = load("allow :- header(\"x-plan\", \"gold\").\n");
    struct attrs_header gold[] = {{SLICE("x-request-id"), SLICE("1")}, {SLICE("x-plan"), SLICE("gold")}};
    struct attrs_header same[] = {{SLICE("x-request-id"), SLICE("2")}, {SLICE("x-plan"), SLICE("gold")}};
    struct attrs_header lead[] = {{SLICE("x-plan"), SLICE("lead")}};
    struct attrs ask = ASK(.headers = gold, .header_count = 2);
    CHECK_INT(AUTHZ_ALLOW, authz_ask(a, &ask).answer);
    /* A header that no rule names does not make it another question. */
    ask.headers = same;
    CHECK(authz_ask(a, &ask).cached);
    denies(a, ASK(.headers = lead, .header_count = 1), "nothing allows it");
    authz_free(&a);
}

TEST(it_is_known_beforehand_whether_headers_are_asked_for)
{
    struct authz *with = load("allow() :- header(\"x-team\", \"shop\")."),
                 *without = load("allow() :- method(\"GET\").");
    CHECK(authz_asks(with, QUESTION_HEADER));
    CHECK(!authz_asks(without, QUESTION_HEADER));
    authz_free(&with);
    authz_free(&without);
}

TEST(a_header_is_found_behind_every_kind_of_comment)
{
    struct authz *a = load("// /*\n/* \" */ allow :- method(\"GET\").\n"
                           "deny :- header( \"x-plan\" , \"lead\").\n");
    struct attrs_header lead[] = {{SLICE("x-plan"), SLICE("lead")}};
    denies(a, ASK(.method = SLICE("GET"), .headers = lead, .header_count = 1), "denied by p.weft:3");
    authz_free(&a);
}

TEST(a_header_asked_by_a_variable_gives_them_all)
{
    struct authz *a = load("allow :- header(_, Value), Value = \"gold\".\n");
    struct attrs_header gold[] = {{SLICE("x-request-id"), SLICE("1")}, {SLICE("x-plan"), SLICE("gold")}};
    allows(a, ASK(.headers = gold, .header_count = 2), "allowed by p.weft:1");
    authz_free(&a);
}

TEST(what_no_rule_asks_for_does_not_split_the_cache)
{
    struct authz *a = load("allow :- method(\"GET\").");
    struct attrs one = ASK(.method = SLICE("GET"), .path = SLICE("/1"), .peer = SLICE("a")),
                 other = ASK(.method = SLICE("GET"), .path = SLICE("/2"), .peer = SLICE("b"));
    CHECK(!authz_ask(a, &one).cached);
    CHECK(authz_ask(a, &other).cached);
    authz_free(&a);
}

TEST(the_cache_stays_right_when_it_overflows)
{
    struct authz *a = load("allow :- path(\"/7\").");
    char path[16];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 5000; i++) {
            int len = snprintf(path, sizeof(path), "/%d", i);
            struct attrs ask = ASK(.path = slice_of(path, (size_t)len));
            CHECK_INT(i == 7 ? AUTHZ_ALLOW : AUTHZ_DENY, authz_ask(a, &ask).answer);
        }
    authz_free(&a);
}

TEST(questions_in_turn_each_keep_their_own_answer)
{
    struct authz *a = load("allow :- path(\"/7\").");
    char path[16];
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 64; i++) {
            int len = snprintf(path, sizeof(path), "/%d", i);
            struct attrs ask = ASK(.path = slice_of(path, (size_t)len));
            for (int again = 0; again < 2; again++) {
                struct authz_decision d = authz_ask(a, &ask);
                CHECK_INT(i == 7 ? AUTHZ_ALLOW : AUTHZ_DENY, d.answer);
                CHECK_INT(round > 0 || again > 0, d.cached);
            }
        }
    authz_free(&a);
}

TEST(a_policy_that_runs_out_of_its_bound_denies)
{
    struct authz *a = load(".decl triple(a: symbol, b: symbol, c: symbol)\n"
                           "triple(A, B, C) :- segment(_, A), segment(_, B), segment(_, C).\n"
                           "allow :- triple(_, _, _).\n");
    struct buf path;
    allows(a, ASK(.path = SLICE("/a/b")), "allowed by p.weft:3");
    buf_init(&path, 10000);
    for (int i = 0; i < 40; i++)
        buf_putf(&path, "/%d", i);
    struct attrs ask = ASK(.path = buf_slice(&path));
    struct authz_decision d = authz_ask(a, &ask);
    CHECK_INT(AUTHZ_DENY, d.answer);
    CHECK(!d.by_default);
    CHECK(slice_starts(slice_str(d.reason), SLICE("the policy ran out of its bound: ")));
    why_has(a, ask, "Denied, because the policy ran out of its bound: ");
    /* And the next question is answered as if nothing had been. */
    allows(a, ASK(.path = SLICE("/a/c")), "allowed by p.weft:3");
    buf_fini(&path);
    authz_free(&a);
}

TEST(a_rule_that_fails_denies)
{
    struct authz *a = load("allow :- segment(0, Text), to_number(Text) > 5.\n");
    allows(a, ASK(.path = SLICE("/6")), "allowed by p.weft:1");
    struct attrs ask = ASK(.path = SLICE("/six"));
    struct authz_decision d = authz_ask(a, &ask);
    CHECK_INT(AUTHZ_DENY, d.answer);
    CHECK(slice_starts(slice_str(d.reason), SLICE("the policy failed: ")));
    authz_free(&a);
}

TEST(why_says_which_rule_decided_and_what_it_stood_on)
{
    struct authz *a = load("allow :-\n    peer_path(\"shop\", Who),\n    method(\"GET\").\ndeny :- op(\"drop\").\n");
    struct attrs ask = ASK(.peer = SLICE(WEB), .method = SLICE("GET"));
    why_has(a, ask,
            "Allowed by p.weft:1:\n    allow :- peer_path(\"shop\", Who), method(\"GET\").\nIt holds because:\n");
    why_has(a, ask, "peer_path(\"shop\", \"web\")");
    ask.operation = SLICE("drop");
    why_has(a, ask, "Denied by p.weft:4:\n    deny :- op(\"drop\").\n");
    authz_free(&a);
}

TEST(why_not_names_the_nearest_rule_and_what_failed)
{
    struct authz *a = load("allow :- op(\"ping\").\n"
                           "allow :- peer_path(\"shop\", _), method(\"GET\").\n");
    struct attrs ask = ASK(.peer = SLICE(WEB), .method = SLICE("POST"));
    why_has(a, ask, "Denied, because nothing allows it.\nThe nearest is p.weft:2:\n");
    why_has(a, ask, "1 of its 2 conditions hold; it fails at method(\"GET\")\n");
    why_has(a, ask, "p.weft:1 fails at op(\"ping\")\n");
    authz_free(&a);
}

TESTS_BEGIN()
TESTS_RUN(with_no_policy_a_known_caller_is_allowed)
TESTS_RUN(each_fact_of_a_request_can_be_asked_for)
TESTS_RUN(deny_wins_over_allow)
TESTS_RUN(a_policy_may_have_relations_of_its_own)
TESTS_RUN(headers_are_facts_only_when_a_rule_names_them)
TESTS_RUN(it_is_known_beforehand_whether_headers_are_asked_for)
TESTS_RUN(a_header_is_found_behind_every_kind_of_comment)
TESTS_RUN(a_header_asked_by_a_variable_gives_them_all)
TESTS_RUN(what_no_rule_asks_for_does_not_split_the_cache)
TESTS_RUN(the_cache_stays_right_when_it_overflows)
TESTS_RUN(questions_in_turn_each_keep_their_own_answer)
TESTS_RUN(a_policy_that_runs_out_of_its_bound_denies)
TESTS_RUN(a_rule_that_fails_denies)
TESTS_RUN(why_says_which_rule_decided_and_what_it_stood_on)
TESTS_RUN(why_not_names_the_nearest_rule_and_what_failed)
TESTS_END()
