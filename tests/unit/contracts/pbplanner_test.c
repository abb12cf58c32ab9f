/* Plans between the messages of two .proto files. */
#include "contracts/facts.h"
#include "contracts/import.h"
#include "contracts/pb/pbplanner.h"
#include "contracts/verdict.h"
#include "tests/kit/t.h"

#define THREE "syntax = \"proto3\"; package p; "
#define TWO "syntax = \"proto2\"; package p; "
#define CALL "service S { rpc Get(A) returns (B); } "

static struct contract *read_proto(const char *text)
{
    struct diag diag;
    struct contract *c = NULL;
    struct import_input in = {.format = IMPORT_PROTO, .name = "p.proto", .text = slice_str(text)};
    diag_init(&diag);
    CHECK_ERR(ERR_OK, import_contract(&in, &diag, &c));
    diag_fini(&diag);
    return c;
}

static struct verdict *judged(const char *old, const char *new)
{
    struct contract *a = read_proto(old), *b = read_proto(new);
    struct verdict *v = verdict_compute(a, b);
    contract_unref(&a);
    contract_unref(&b);
    return v;
}

static void is_plan(const struct plan *plan, const char *lines)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    if (plan)
        plan_put(plan, &text);
    CHECK_TEXT(lines, buf_slice(&text));
    buf_fini(&text);
}

TEST(the_embedded_rules_load)
{
    CHECK(facts_program() != NULL);
}

/* The one call is adaptable, by these plans. */
static void plans(const char *old, const char *new, const char *request, const char *response)
{
    struct verdict *v = judged(old, new);
    CHECK_INT(VERDICT_ADAPTABLE, verdict_level(v));
    is_plan(verdict_operation(v, 0)->request, request);
    is_plan(verdict_operation(v, 0)->response, response);
    verdict_unref(&v);
}

static void no_plan(const char *old, const char *new, const char *why)
{
    struct verdict *v = judged(old, new);
    CHECK(verdict_level(v) > VERDICT_ADAPTABLE);
    bool said = false;
    for (size_t i = 0; i < verdict_finding_count(v); i++)
        said = said || slice_has(verdict_finding(v, i)->message, slice_str(why));
    for (size_t i = 0; i < verdict_finding_count(v) && !said; i++)
        print_error("%.*s\n", SLICE_FMT(verdict_finding(v, i)->message));
    CHECK(said);
    CHECK(!verdict_operation(v, 0)->request && !verdict_operation(v, 0)->response);
    verdict_unref(&v);
}

TEST(a_number_that_moves_is_renamed_both_ways)
{
    plans(THREE CALL "message A { int32 n = 1; } message B { int32 n = 1; }",
          THREE CALL "message A { int32 n = 2; } message B { int32 n = 2; }",
          "protobuf\t/\tp.A\tlossless\nrename\t/\t1 -> 2\tlossless\tn has number 2 here\n",
          "protobuf\t/\tp.B\tlossless\nrename\t/\t2 -> 1\tlossless\tn has number 1 here\n");
}

/* The request's plan alone, whatever else is said of the pair. */
static void makes(const char *old, const char *new, const char *lines)
{
    struct contract *a = read_proto(old), *b = read_proto(new);
    struct arena arena;
    struct pbtype writer, reader;
    struct plan *plan;
    const char *why;
    arena_init(&arena, 0);
    pbtype_init(&writer, a, a, &arena);
    pbtype_init(&reader, b, a, &arena);
    struct pbplanner p = {.arena = &arena};
    CHECK_ERR(ERR_OK, pbplanner_make(&p, pbtype_message(&writer, SLICE("p.A")), pbtype_message(&reader, SLICE("p.A")),
                                     &plan, &why));
    is_plan(plan, lines);
    plan_unref(&plan);
    pbtype_fini(&writer);
    pbtype_fini(&reader);
    arena_fini(&arena);
    contract_unref(&a);
    contract_unref(&b);
}

TEST(fields_that_trade_places_are_known_by_name)
{
    makes(THREE "message A { string a = 1; bytes b = 2; }", THREE "message A { string a = 2; bytes b = 1; }",
          "protobuf\t/\tp.A\tlossless\nrename\t/\t1 -> 2\tlossless\ta has number 2 here\n"
          "rename\t/\t2 -> 1\tlossless\tb has number 1 here\n");
}

TEST(a_field_in_the_place_of_another_is_dropped)
{
    makes(THREE "message A { int32 old = 1; string s = 2; }", THREE "message A { string s = 1; }",
          "protobuf\t/\tp.A\tlossless\ndrop\t/\t1\tone-way\told\nrename\t/\t2 -> 1\tlossless\ts has number 1 here\n");
}

TEST(messages_that_are_alike_need_no_plan)
{
    makes(THREE "message A { int32 n = 1; string old = 2; B b = 3; } message B { A a = 1; }",
          THREE "message A { int64 n = 1; string new = 2; B b = 3; sint32 more = 4; } message B { A a = 1; }", "");
}

TEST(numbers_that_are_absent_are_digits_too)
{
    plans(THREE CALL "message A { int32 n = 1; optional int32 m = 2; repeated int32 r = 3; } message B {}",
          THREE CALL "message A { string n = 1; optional string m = 2; repeated string r = 3; } message B {}",
          "protobuf\t/\tp.A\tlossless\nfield\t/\t1 int32 -> string\tlossless\tn\ndefault\t/\t1 = \"0\"\tdefaulting\tn\n"
          "field\t/\t2 int32 -> string\tlossless\tm\nfield\t/\t3 int32 -> string\tlossless\tr\n",
          "");
}

TEST(what_may_not_fit_is_for_answers)
{
    plans(THREE CALL "message A {} message B { int32 n = 1; }", THREE CALL "message A {} message B { int64 n = 1; }",
          "", "protobuf\t/\tp.B\tlossless\nfield\t/\t1 int64 -> int32\tpartial\tn\n");
    no_plan(THREE CALL "message A { int64 n = 1; } message B {}", THREE CALL "message A { int32 n = 1; } message B {}",
            "n may have values that the reader has no like for, in a request");
}

TEST(messages_in_messages_have_places_and_may_hold_themselves)
{
    plans(THREE CALL "message A { A a = 1; map<string, A> m = 2; int32 n = 3; } message B {}",
          THREE CALL "message A { A a = 1; map<string, A> m = 2; sint32 n = 3; } message B {}",
          "protobuf\t/\tp.A\tlossless\ninside\t/\t2 -> /map-1\tlossless\ninside\t/\t1 -> /\tlossless\n"
          "field\t/\t3 int32 -> sint32\tlossless\tn\ninside\t/map-1\t2 -> /\tlossless\n",
          "");
}

TEST(what_is_required_gets_its_own_default)
{
    plans(TWO CALL "message A {} message B {}",
          TWO CALL "message A { required int32 n = 1 [default = 7]; } message B {}",
          "protobuf\t/\tp.A\tlossless\nfield\t/\t1 int32\tlossless\tn\ndefault\t/\t1 = 7\tdefaulting\tn\n", "");
    no_plan(TWO CALL "message A {} message B {}", TWO CALL "message A { required int32 n = 1; } message B {}",
            "n is required, and the writer has no such field");
}

TEST(symbols_are_known_by_name)
{
    plans(THREE CALL "enum E { X = 0; Y = 1; } message A { E e = 1; } message B {}",
          THREE CALL "enum E { X = 0; Y = 5; } message A { E e = 1; } message B {}",
          "protobuf\t/\tp.A\tlossless\nenum\t/\t1 0 -> 0, 1 -> 5\tpartial\te\n", "");
}

TEST(what_has_no_like_has_no_plan)
{
    no_plan(THREE CALL "message A { A a = 1; } message B {}", THREE CALL "message A { int32 a = 1; } message B {}",
            "a is a message, or a group, on one side only");
    no_plan(THREE CALL "message A { double d = 1; } message B {}",
            THREE CALL "message A { string d = 1; } message B {}", "d is of a kind that does not become the reader's");
    no_plan(THREE CALL "message A { int32 n = 1; string s = 2; } message B {}",
            THREE CALL "message A { oneof o { int32 n = 1; string s = 3; } } message B {}",
            "may stand beside another field of its oneof");
}

TEST(a_call_is_found_by_the_path_of_grpc)
{
    struct contract *c = read_proto(THREE "service S { rpc Get(A) returns (stream A); } message A {}");
    CHECK_INT(0, contract_match(c, SLICE("POST"), SLICE("/p.S/Get")));
    CHECK_INT(-2, contract_match(c, SLICE("GET"), SLICE("/p.S/Get")));
    CHECK_INT(-1, contract_match(c, SLICE("POST"), SLICE("/p.S/Put")));
    CHECK(!contract_operation_streams(c, 0, false));
    CHECK(contract_operation_streams(c, 0, true));
    contract_unref(&c);
}

TESTS_BEGIN()
cmocka_unit_test(the_embedded_rules_load),
    TESTS_RUN(a_number_that_moves_is_renamed_both_ways) TESTS_RUN(fields_that_trade_places_are_known_by_name)
        TESTS_RUN(a_field_in_the_place_of_another_is_dropped) TESTS_RUN(messages_that_are_alike_need_no_plan)
            TESTS_RUN(numbers_that_are_absent_are_digits_too) TESTS_RUN(what_may_not_fit_is_for_answers)
                TESTS_RUN(messages_in_messages_have_places_and_may_hold_themselves)
                    TESTS_RUN(what_is_required_gets_its_own_default) TESTS_RUN(symbols_are_known_by_name)
                        TESTS_RUN(what_has_no_like_has_no_plan) TESTS_RUN(a_call_is_found_by_the_path_of_grpc)
                            TESTS_END()
