#include <stdio.h>

#include "contracts/facts.h"
#include "contracts/import.h"
#include "contracts/pb/pbpair.h"
#include "contracts/pb/pbreach.h"
#include "contracts/verdict.h"
#include "tests/kit/t.h"

#define THREE "syntax = \"proto3\"; package p; "
#define TWO "syntax = \"proto2\"; package p; "
#define CALLS "service S { rpc Get(Ask) returns (Answer); } "

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

/* One finding is of this level, by this rule, shown by a witness with these words in it. */
static void shows(enum verdict_level level, const char *old, const char *new, const char *rule,
                  const char *const *words)
{
    struct verdict *v = judged(old, new);
    CHECK_INT(level, verdict_level(v));
    const struct verdict_finding *f = verdict_finding(v, 0);
    CHECK_TEXT(rule, f->rule);
    for (; *words; words++) {
        if (!slice_has(f->witness, slice_str(*words)))
            fprintf(stderr, "no %s in %.*s\n", *words, SLICE_FMT(f->witness));
        CHECK(slice_has(f->witness, slice_str(*words)));
    }
    CHECK(verdict_finding_count(v) == 1 || verdict_finding(v, 1)->level < level);
    verdict_unref(&v);
}
#define SHOWS(old, new, rule, ...) shows(VERDICT_BREAKING, old, new, rule, (const char *const[]){__VA_ARGS__, NULL})
/* The same where a plan between the bodies of the calls makes it right. */
#define BRIDGES(old, new, rule, ...) shows(VERDICT_ADAPTABLE, old, new, rule, (const char *const[]){__VA_ARGS__, NULL})

static void breaks_nothing(const char *old, const char *new)
{
    struct verdict *v = judged(old, new);
    if (verdict_level(v) > VERDICT_COMPATIBLE)
        fprintf(stderr, "%.*s: %.*s\n", SLICE_FMT(verdict_finding(v, 0)->rule),
                SLICE_FMT(verdict_finding(v, 0)->witness));
    CHECK(verdict_level(v) <= VERDICT_COMPATIBLE);
    verdict_unref(&v);
}

TEST(a_number_that_is_cut_short_is_shown)
{
    SHOWS(THREE "message M { int64 n = 1; }", THREE "message M { int32 n = 1; }", "value-misread",
          "\"writer\":\"consumer\"", "\"bytes\":\"088080808008\"", "\"text\":\"n: 2147483648\"",
          "\"read\":\"-2147483648\"");
    breaks_nothing(THREE "message M { int32 n = 1; }", THREE "message M { int64 n = 1; }");
    SHOWS(THREE "message M { int32 n = 1; }", THREE "message M { uint32 n = 1; }", "value-misread",
          "\"written\":\"-1\"", "\"read\":\"4294967295\"");
    SHOWS(THREE "message M { int32 n = 1; }", THREE "message M { bool n = 1; }", "value-misread", "\"text\":\"n: 2\"",
          "\"read\":\"true\"");
    SHOWS(THREE "message M { fixed32 n = 1; }", THREE "message M { float n = 1; }", "type-changed-wire", "\"n: 1\"");
}

TEST(a_field_written_otherwise_is_absent)
{
    SHOWS(THREE "message M { int32 n = 1; }", THREE "message M { string n = 1; }", "type-changed-wire",
          "\"bytes\":\"0801\"", "\"read\":\"absent\"");
    SHOWS(THREE "message M { sint32 n = 1; }", THREE "message M { int32 n = 1; }", "type-changed-wire",
          "\"written\":\"1\"", "\"read\":\"2\"");
    SHOWS(THREE "message M { bytes b = 1; }", THREE "message M { string b = 1; }", "type-changed-wire",
          "\"refused\":\"it is not UTF-8\"");
    breaks_nothing(TWO "message M { optional bytes b = 1; }",
                   TWO "message M { optional bytes b = 1 [deprecated = true]; }");
}

TEST(json_has_breaks_of_its_own)
{
    SHOWS(THREE "message M { string s = 1; }", THREE "message M { bytes s = 1; }", "type-changed-json",
          "\"encoding\":\"json\"", "\"refused\":\"it is no base64\"");
    SHOWS(THREE "message M { string s = 1; }", THREE "message M { string t = 1; }", "json-name-changed",
          "\"json\":{\"s\":\"a\"}", "\"read\":\"absent\"");
    breaks_nothing(THREE "message M { string s = 1; }", THREE "message M { string t = 1 [json_name = \"s\"]; }");
    SHOWS(THREE "message M { E e = 1; } enum E { A = 0; B = 1; }",
          THREE "message M { E e = 1; } enum E { A = 0; C = 1; }", "enum-value-renamed", "\"json\":{\"e\":\"B\"}",
          "\"refused\":\"its enum has no such value\"");
    SHOWS(THREE "message M { string a = 1; }", THREE "message M { int32 b = 2 [json_name = \"a\"]; }",
          "json-name-taken", "\"json\":{\"a\":\"a\"}");
}

TEST(maps_and_lists_are_read_entry_by_entry)
{
    SHOWS(THREE "message M { map<string, int64> m = 1; }", THREE "message M { map<string, int32> m = 1; }",
          "value-misread", "m: {key: \\\"a\\\" value: 2147483648}");
    SHOWS(THREE "message M { map<int32, string> m = 1; }", THREE "message M { map<string, string> m = 1; }",
          "type-changed-wire", "\"field\":\"key\"");
    SHOWS(THREE "message M { repeated int32 n = 1; }", THREE "message M { int32 n = 1; }", "cardinality-changed-wire",
          "\"written\":\"2 values\"", "\"read\":\"2\"");
    breaks_nothing(THREE "message M { map<string, M> m = 1; } message N { map<bool, N> n = 1; }",
                   THREE "message M { map<string, M> m = 1; } message N { map<bool, N> n = 1; string s = 2; }");
}

TEST(of_a_oneof_the_last_counts)
{
    SHOWS(THREE "message M { string a = 1; oneof o { string b = 2; } }",
          THREE "message M { oneof o { string a = 1; string b = 2; } }", "oneof-changed", "\"bytes\":\"0a0161120161\"",
          "\"field\":\"a\"");
    /* JSON refuses two of one, whatever their values. */
    SHOWS(THREE "message M { oneof o { E a = 1; } oneof p { E b = 2; } } enum E { Z = 0; }",
          THREE "message M { oneof o { E a = 1; E b = 2; } } enum E { Z = 0; }", "oneof-changed",
          "\"refused\":\"its oneof has another field\"");
    /* A zero is not missed, another value is. */
    SHOWS(THREE "message M { oneof o { E a = 1; } oneof p { sint64 b = 2; } } enum E { Z = 0; V = 1; }",
          THREE "message M { oneof o { E a = 1; sint64 b = 2; } } enum E { Z = 0; V = 1; }", "oneof-changed",
          "\"field\":\"a\"", "\"written\":\"V\"");
    breaks_nothing(THREE "message M { oneof o { string a = 1; string b = 2; } }",
                   THREE "message M { string a = 1; oneof o { string b = 2; } }");
}

TEST(what_is_required_has_to_be_there)
{
    SHOWS(TWO "message M { optional int32 a = 1; }", TWO "message M { required int32 a = 1; }", "required-changed",
          "\"bytes\":\"\"", "\"refused\":\"a required field is missing\"");
    breaks_nothing(TWO "message M { required int32 a = 1; }", TWO "message M { optional int32 a = 1; }");
    SHOWS(TWO "message M { optional int32 a = 1 [default = 3]; }",
          TWO "message M { optional int32 a = 1 [default = 4]; }", "field-default-changed",
          "\"written\":\"absent, which is 3\"", "\"read\":\"absent, which is 4\"");
    SHOWS(TWO "message M { optional E e = 1; } enum E { A = 1; B = 2; }",
          TWO "message M { optional E e = 1; } enum E { B = 2; A = 1; }", "enum-first-changed",
          "\"read\":\"absent, which is B\"");
}

TEST(a_number_is_a_field_and_so_is_a_name)
{
    SHOWS(THREE "message M { int32 a = 1; }", THREE "message M { int32 a = 2; }", "field-renumbered",
          "\"bytes\":\"0801\"", "\"read\":\"absent\"");
    struct verdict *v =
        judged(THREE "message M { int32 a = 1; int32 b = 2; }", THREE "message M { int32 b = 1; int32 a = 2; }");
    CHECK_INT(VERDICT_BREAKING, verdict_level(v));
    verdict_unref(&v);
}

TEST(another_message_of_the_same_shape_is_as_good)
{
    breaks_nothing(THREE "message M { A a = 1; } message A { string s = 1; A a = 2; }",
                   THREE "message M { B a = 1; } message B { string s = 1; B a = 2; int32 n = 3; } message A {}");
    SHOWS(THREE "message M { A a = 1; } message A { string s = 1; A a = 2; }",
          THREE "message M { B a = 1; } message B { string s = 1; int32 a = 2; }", "type-changed-wire",
          "\"message\":\"p.M\"", "\"text\":\"a: {a: {}}\"");
    SHOWS(THREE "message M { A a = 1; } message A { string s = 1; }", THREE "message M { B a = 1; } message B {}",
          "type-changed-wire", "\"read\":\"no such field\"");
    /* Of what no file declares nothing is known. */
    struct verdict *v =
        judged(THREE "message M { google.protobuf.Any a = 1; }", THREE "message M { google.protobuf.Struct a = 1; }");
    CHECK_INT(VERDICT_UNPROVEN, verdict_level(v));
    verdict_unref(&v);
}

TEST(calls_are_judged_in_their_direction)
{
    const char *both =
        THREE CALLS "message Ask { In in = 1; } message In { int32 n = 1; } message Answer { int32 n = 1; }";
    breaks_nothing(both, THREE CALLS
                   "message Ask { In in = 1; } message In { int64 n = 1; } message Answer { int32 n = 1; }");
    BRIDGES(both, THREE CALLS "message Ask { In in = 1; } message In { int32 n = 1; } message Answer { int64 n = 1; }",
            "value-misread", "\"writer\":\"provider\"", "\"message\":\"p.Answer\"");
    /* A request with it, not the message alone. */
    BRIDGES(both, THREE CALLS "message Ask { In in = 1; } message In { string n = 1; } message Answer { int32 n = 1; }",
            "type-changed-wire", "\"message\":\"p.Ask\"", "\"text\":\"in: {n: 1}\"");
}

TEST(the_calls_that_are_reached_are_named)
{
    const char *old = THREE "service S { rpc Get(Ask) returns (Answer); rpc Put(Answer) returns (Answer); } "
                            "message Ask { repeated In in = 1; } message In { string n = 1; } message Answer {} "
                            "message Lone { Held h = 1; } message Held { string s = 1; }";
    struct verdict *v =
        judged(old, THREE "service S { rpc Get(Ask) returns (Answer); rpc Put(Answer) returns (Answer); } "
                          "message Ask { repeated In in = 1; } message In { int32 n = 1; } message Answer {} "
                          "message Lone { Held h = 1; } message Held { int32 s = 1; }");
    const struct verdict_finding *held = verdict_finding(v, 0), *in = verdict_finding(v, 1);
    CHECK_TEXT("p.Held.s", held->where);
    CHECK_INT(0, held->operation_count);
    CHECK_INT(1, held->message_count);
    CHECK_TEXT("p.Lone", held->messages[0]);
    CHECK_TEXT("p.In.n", in->where);
    CHECK_INT(1, in->operation_count);
    CHECK_TEXT("p.S.Get", in->operations[0]);
    CHECK_INT(VERDICT_BREAKING, verdict_operation(v, 0)->level);
    CHECK_INT(VERDICT_SAME, verdict_operation(v, 1)->level);
    verdict_unref(&v);
}

TEST(calls_with_other_messages_are_shown)
{
    const char *old =
        THREE "service S { rpc Get(A) returns (A); } message A { int32 n = 1; } message B { int32 n = 1; } "
              "message C { string n = 1; }";
    breaks_nothing(old,
                   THREE "service S { rpc Get(B) returns (B); } message A { int32 n = 1; } message B { int32 n = 1; } "
                         "message C { string n = 1; }");
    BRIDGES(old,
            THREE "service S { rpc Get(C) returns (A); } message A { int32 n = 1; } message B { int32 n = 1; } "
                  "message C { string n = 1; }",
            "rpc-type-changed", "\"message\":\"p.A\"", "\"bytes\":\"0801\"");
    SHOWS(THREE "service S { rpc Put(stream A) returns (A); } message A {}",
          THREE "service S { rpc Put(A) returns (A); } message A {}", "rpc-stream-changed", "\"stream\":[\"\",\"\"]");
}

TEST(enums_that_are_closed_leave_values_out)
{
    SHOWS(TWO "message M { optional E e = 1; } enum E { A = 0; B = 1; }",
          TWO "message M { optional E e = 1; } enum E { A = 0; }", "enum-value-removed", "\"written\":\"B\"",
          "\"read\":\"absent, which is A\"");
    /* Nobody uses it. */
    breaks_nothing(TWO "enum E { A = 0; B = 1; }", TWO "enum E { A = 0; }");
    SHOWS(THREE CALLS "message Ask {} message Answer { E e = 1; } enum E { A = 0; }",
          THREE CALLS "message Ask {} message Answer { E e = 1; } enum E { A = 0; B = 1; }", "enum-value-added",
          "\"writer\":\"provider\"", "\"json\":{\"e\":\"B\"}");
    breaks_nothing(THREE "message M { E e = 1; } enum E { A = 0; }",
                   THREE "message M { E e = 1; } enum E { A = 0; B = 1; }");
}

TEST(messages_without_end_are_left_alone)
{
    breaks_nothing(TWO "message M { required M m = 1; optional int32 a = 2; }",
                   TWO "message M { required M m = 1; optional string a = 2; }");
}

TEST(the_embedded_rules_load)
{
    CHECK(facts_program() != NULL);
}

TEST(without_a_budget_nothing_is_said)
{
    struct contract *c = read_proto(THREE "message A { A a = 1; B b = 2; } message B { A a = 1; int32 b = 2; }");
    struct arena arena;
    struct pbtype types;
    struct pbpair pair;
    struct pbtry_found found;
    arena_init(&arena, 0);
    pbtype_init(&types, c, c, &arena);
    const struct pbtype_message *a = pbtype_message(&types, SLICE("p.A")), *b = pbtype_message(&types, SLICE("p.B"));
    pbpair_init(&pair, &arena, 0);
    CHECK_INT(ANSWER_MAYBE, pbpair_messages(&pair, a, b, &found));
    pbpair_fini(&pair);
    pbpair_init(&pair, &arena, 1000);
    CHECK_INT(ANSWER_YES, pbpair_messages(&pair, a, b, &found));
    CHECK_INT(ANSWER_NO, pbpair_messages(&pair, a, a, &found));
    pbpair_fini(&pair);
    pbtype_fini(&types);
    arena_fini(&arena);
    contract_unref(&c);
}

TEST(past_its_visits_every_call_is_taken_to_hold_a_message)
{
    struct contract *c = read_proto(THREE CALLS "message Ask { In in = 1; } message In {} message Answer {}");
    struct arena arena;
    struct pbtype types;
    struct pbreach reach;
    arena_init(&arena, 0);
    pbtype_init(&types, c, c, &arena);
    pbreach_init(&reach, 1, &arena);
    const struct pbreach_found *in = pbreach(&reach, pbtype_message(&types, SLICE("p.In")));
    CHECK_INT(1, in->asked[0]);
    CHECK_INT(0, in->served[0]);
    CHECK_INT(1, in->asked_length);
    reach.left = 0;
    const struct pbreach_found *answer = pbreach(&reach, pbtype_message(&types, SLICE("p.Answer")));
    CHECK_INT(1, answer->asked[0]);
    CHECK_INT(1, answer->served[0]);
    pbreach_fini(&reach);
    pbtype_fini(&types);
    arena_fini(&arena);
    contract_unref(&c);
}

TESTS_BEGIN()
cmocka_unit_test(the_embedded_rules_load),
    TESTS_RUN(a_number_that_is_cut_short_is_shown) TESTS_RUN(a_field_written_otherwise_is_absent)
        TESTS_RUN(json_has_breaks_of_its_own) TESTS_RUN(maps_and_lists_are_read_entry_by_entry)
            TESTS_RUN(of_a_oneof_the_last_counts) TESTS_RUN(what_is_required_has_to_be_there)
                TESTS_RUN(a_number_is_a_field_and_so_is_a_name) TESTS_RUN(another_message_of_the_same_shape_is_as_good)
                    TESTS_RUN(calls_are_judged_in_their_direction) TESTS_RUN(the_calls_that_are_reached_are_named)
                        TESTS_RUN(calls_with_other_messages_are_shown) TESTS_RUN(enums_that_are_closed_leave_values_out)
                            TESTS_RUN(messages_without_end_are_left_alone) TESTS_RUN(without_a_budget_nothing_is_said)
                                TESTS_RUN(past_its_visits_every_call_is_taken_to_hold_a_message) TESTS_END()
