#include "policy/policy_load.h"

#include "base/file.h"
#include "policy/policy_words.h"
#include "tests/kit/t.h"

/* Loads one text and compares all complaints, one a line: level, place and message.  NULL: any. */
static void tells(const char *text, enum err want, const char *complaints)
{
    struct diag diag;
    struct authz *a = NULL;
    struct buf told;
    struct policy_text texts[] = {{.file = "p.weft", .text = slice_str(text)}};
    diag_init(&diag);
    buf_init(&told, BUF_TEXT_BOUND);
    CHECK_ERR(want, policy_load(texts, 1, &diag, &a));
    for (const struct diag_entry *e = diag.first; e; e = e->next)
        buf_putf(&told, "%c %.*s:%u:%u %.*s\n", "nwe"[e->level], SLICE_FMT(e->file), e -> line, e -> column,
                 SLICE_FMT(e->message));
    if (complaints)
        CHECK_TEXT(complaints, buf_slice(&told));
    CHECK((a != NULL) == (want == ERR_OK));
    authz_free(&a);
    buf_fini(&told);
    diag_fini(&diag);
}

TEST(a_good_policy_loads_in_silence)
{
    tells("allow :- peer_path(\"shop\", _), method(\"GET\").\ndeny :- probe().\n", ERR_OK, "");
}

TEST(a_policy_that_allows_nothing_is_warned_about)
{
    tells("deny :- method(\"PUT\").", ERR_OK, "w p.weft:0:0 nothing defines `allow`, so everything is denied\n");
    tells("", ERR_OK, "w p.weft:0:0 nothing defines `allow`, so everything is denied\n");
}

TEST(traffic_facts_load_with_a_warning_each)
{
    tells("allow :- probe().\n"
          "timeout(\"pricing\", \"*\", \"2s\").  attempt_timeout(\"pricing\", \"*\", \"500ms\").\n"
          "retry(\"pricing\", \"*\", 2).  retry_budget(\"pricing\", 20, 10).\n"
          "breaker(\"pricing\", 7, \"1s\", \"60s\").  max_pending(\"pricing\", 1000).\n"
          "rate(\"orders\", \"peer\", 100, 200).\n"
          "split(\"pricing\", \"1.4.0\", 90).\nsplit(\"pricing\", \"2.0.0\", 10).\n",
          ERR_OK,
          "w p.weft:2:1 `timeout` is not enforced yet\n"
          "w p.weft:2:33 `attempt_timeout` is not enforced yet\n"
          "w p.weft:3:1 `retry` is not enforced yet\n"
          "w p.weft:3:28 `retry_budget` is not enforced yet\n"
          "w p.weft:4:1 `breaker` is not enforced yet\n"
          "w p.weft:4:38 `max_pending` is not enforced yet\n"
          "w p.weft:5:1 `rate` is not enforced yet\n"
          "w p.weft:6:1 `split` is not enforced yet\n");
}

TEST(a_fact_that_only_a_request_can_say_is_refused)
{
    tells("allow :- method(\"GET\").\npeer(\"spiffe://example.org/web\").\n", ERR_INPUT,
          "e p.weft:2:1 `peer` is said by the request, not by a policy\n");
    tells("allow :- method(\"GET\").\nop(X) :- method(X).\nverdict(\"same\").\n", ERR_INPUT,
          "e p.weft:2:1 `op` is said by the request, not by a policy\n"
          "e p.weft:3:1 `verdict` is said by the request, not by a policy\n");
}

TEST(header_names_that_never_match_are_pointed_out)
{
    tells("allow :- header(\"X-Plan\", _).", ERR_OK,
          "w p.weft:1:10 header names arrive in lower case, so \"X-Plan\" never does\n");
}

TEST(all_errors_of_all_texts_are_told_at_once)
{
    struct diag diag;
    struct authz *a = NULL;
    unsigned in_b = 0;
    struct policy_text texts[] = {
        {.file = "a.weft", .text = SLICE("allow :- pear(\"x\").\nallow :- method(\"GET\", 2).\n")},
        {.file = "b.weft", .text = SLICE("deny :- segment(\"a\", \"b\").\nallow :- .\n")}};
    diag_init(&diag);
    CHECK_ERR(ERR_INPUT, policy_load(texts, 2, &diag, &a));
    CHECK(a == NULL);
    CHECK_INT(4, diag.errors);
    for (const struct diag_entry *e = diag.first; e; e = e->next)
        in_b += slice_eq(e->file, SLICE("b.weft"));
    CHECK_INT(2, in_b);
    diag_fini(&diag);
}

TEST(a_policy_that_fails_by_itself_is_refused)
{
    tells(".decl number(n: number)\nnumber(x) :- x = to_number(\"six\").\nallow :- number(6).\n", ERR_INPUT, NULL);
}

TEST(words_in_comments_and_strings_are_no_words)
{
    struct slice text = SLICE("a // b\n /* c \" */ \"d \\\" e\" f_1(\"g\", h) k( \"x\\n\") m(n)");
    static const char *const want[] = {"a", "f_1", "h", "k", "m", "n"};
    struct policy_word word;
    size_t at = 0, count = 0;
    while (policy_words_next(text, &at, &word)) {
        CHECK(count < 6);
        CHECK_TEXT(want[count], word.name);
        CHECK_INT(count == 1, word.has_constant);
        if (count == 1)
            CHECK_TEXT("g", word.constant);
        count++;
    }
    CHECK_INT(6, count);
}

static enum authz_answer ask(struct authz *a, struct attrs attrs)
{
    return authz_ask(a, &attrs).answer;
}

TEST(the_example_denies_by_default)
{
    struct diag diag;
    struct authz *a = NULL;
    struct buf text;
    struct slice web = SLICE("spiffe://example.org/ns/shop/sa/web"), partner = SLICE("spiffe://partner.example/desk");
    diag_init(&diag);
    buf_init(&text, BUF_TEXT_BOUND);
    CHECK_ERR(ERR_OK, file_read("examples/deny-by-default/policy.weft", &text));
    struct policy_text texts[] = {{.file = "policy.weft", .text = buf_slice(&text)}};
    CHECK_ERR(ERR_OK, policy_load(texts, 1, &diag, &a));
    CHECK_INT(0, diag.warnings);
    CHECK_INT(AUTHZ_ALLOW, ask(a, (struct attrs){.probe = true}));
    CHECK_INT(AUTHZ_ALLOW,
              ask(a, (struct attrs){.peer = web, .method = SLICE("POST"), .operation = SLICE("create_order")}));
    CHECK_INT(AUTHZ_DENY, ask(a, (struct attrs){.peer = web, .method = SLICE("POST")}));
    CHECK_INT(AUTHZ_ALLOW, ask(a, (struct attrs){.peer = web, .method = SLICE("GET"), .path = SLICE("/orders")}));
    CHECK_INT(AUTHZ_DENY, ask(a, (struct attrs){.peer = web, .method = SLICE("GET"), .path = SLICE("/internal/x")}));
    CHECK_INT(AUTHZ_ALLOW, ask(a, (struct attrs){.peer = partner, .method = SLICE("GET"), .verdict = SLICE("same")}));
    CHECK_INT(AUTHZ_DENY, ask(a, (struct attrs){.peer = partner, .method = SLICE("GET")}));
    CHECK_INT(AUTHZ_DENY, ask(a, (struct attrs){.method = SLICE("GET")}));
    authz_free(&a);
    buf_fini(&text);
    diag_fini(&diag);
}

TESTS_BEGIN()
TESTS_RUN(a_good_policy_loads_in_silence)
TESTS_RUN(a_policy_that_allows_nothing_is_warned_about)
TESTS_RUN(traffic_facts_load_with_a_warning_each)
TESTS_RUN(a_fact_that_only_a_request_can_say_is_refused)
TESTS_RUN(header_names_that_never_match_are_pointed_out)
TESTS_RUN(all_errors_of_all_texts_are_told_at_once)
TESTS_RUN(a_policy_that_fails_by_itself_is_refused)
TESTS_RUN(words_in_comments_and_strings_are_no_words)
TESTS_RUN(the_example_denies_by_default)
TESTS_END()
