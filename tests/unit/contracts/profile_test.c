/* profile_test - whose policy a pair is judged by, and the names that somebody may have meant. */
#include "contracts/profile.h"

#include <stdio.h>

#include "contracts/facts.h"
#include "contracts/rule_book.h"
#include "contracts/rule_name.h"
#include "tests/kit/t.h"

static struct profile named(const char *name)
{
    struct profile p;
    CHECK_ERR(ERR_OK, profile_init(&p, slice_str(name)));
    return p;
}

static void says(const char *name, const char *rule, const char *direction, const char *level)
{
    struct profile p = named(name);
    CHECK_TEXT(level, profile_level(&p, slice_str(rule), slice_str(direction)));
    profile_fini(&p);
}

static size_t count(const char *relation)
{
    struct rule_book_row row;
    size_t n = 0;
    for (struct rule_book_cursor c = {0}; rule_book_next(&c, relation, &row);)
        n++;
    return n;
}

TEST(the_embedded_rules_load)
{
    CHECK(facts_program() != NULL);
}

TEST(the_book_has_every_fact_that_the_engine_reads_in_its_files)
{
    static const char *const relations[] = {"kind", "policy",     "level",    "mind",
                                            "tool", "equivalent", "category", "equivalent_where"};
    struct datalog_run *run = datalog_run_new(facts_program(), NULL);
    const char *why;
    CHECK_ERR(ERR_OK, datalog_run_eval(run, &why));
    for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++)
        CHECK_INT(datalog_count(run, datalog_relation(facts_program(), slice_str(relations[i]))), count(relations[i]));
    datalog_run_free(&run);
}

TEST(a_profile_says_what_the_one_that_it_is_based_on_says_unless_it_says_otherwise)
{
    says("wire", "member-removed", "response", "");
    says("wire", "default-changed", "surface", "off");
    says("openapi", "default-changed", "surface", "breaking");
    says("openapi", "unit-changed", "request", "unproven");
    says("json-schema", "default-changed", "surface", "off");
    says("protobuf-file", "field-removed", "surface", "breaking");
    says("confluent:backward", "package-changed", "surface", "breaking");
    says("confluent:backward", "field-removed", "surface", "compatible");
}

TEST(strict_asks_every_rule_but_what_an_open_record_might_send)
{
    says("strict", "default-changed", "surface", "breaking");
    says("strict", "unit-changed", "request", "breaking");
    says("strict", "member-added-open", "request", "off");
    says("strict", "noted", "surface", "compatible");
}

TEST(what_is_minded_is_a_profiles_own)
{
    struct profile wire = named("wire"), openapi = named("openapi"), one = named("avro:TYPE_MISMATCH");
    CHECK(profile_minds(&wire, SLICE("plans")));
    CHECK(!profile_minds(&openapi, SLICE("plans")));
    CHECK(profile_minds(&one, SLICE("avro")));
    profile_fini(&wire);
    profile_fini(&openapi);
    profile_fini(&one);
}

TEST(a_tools_names_and_lists_are_profiles)
{
    struct profile list = named("buf:WIRE"), two = named("buf:FIELD_NO_DELETE,RPC_NO_DELETE");
    CHECK(profile_picks(&list, SLICE("buf:FIELD_WIRE_COMPATIBLE_TYPE")));
    CHECK(!profile_picks(&list, SLICE("buf:FIELD_NO_DELETE")));
    CHECK(profile_knows(&list, SLICE("field-removed"), SLICE("surface")));
    CHECK(!profile_knows(&list, SLICE("member-removed"), SLICE("response")));
    CHECK(profile_picks(&two, SLICE("buf:RPC_NO_DELETE")));
    CHECK(!profile_picks(&two, SLICE("buf:FILE_NO_DELETE")));
    profile_fini(&list);
    profile_fini(&two);
}

TEST(what_is_no_profile_is_absent)
{
    static const char *const names[] = {"",     "nobody", "buf:",      "buf:FIEL", "buf:FIELD_NO_DELETE,x",
                                        "BUF:", "wire:x", "oasdiff:x", ":",        "buf:buf:WIRE"};
    struct profile p;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CHECK_ERR(ERR_ABSENT, profile_init(&p, slice_str(names[i])));
        profile_fini(&p);
    }
}

TEST(every_row_of_a_level_is_about_a_rule_that_there_is)
{
    struct rule_book_row level, kind;
    for (struct rule_book_cursor c = {0}; rule_book_next(&c, "level", &level);) {
        bool there = slice_eq(level.column[1], SLICE("*"));
        for (struct rule_book_cursor k = {0}; !there && rule_book_next(&k, "kind", &kind);)
            there = slice_eq(kind.column[2], level.column[1]) && slice_eq(kind.column[1], level.column[2]);
        if (!there)
            fprintf(stderr, "no rule %.*s %.*s\n", SLICE_FMT(level.column[1]), SLICE_FMT(level.column[2]));
        CHECK(there);
    }
}

TEST(every_foreign_name_is_of_a_rule_that_there_is)
{
    static const char *const relations[] = {"equivalent", "equivalent_where"};
    struct rule_book_row name, kind;
    for (size_t i = 0; i < 2; i++)
        for (struct rule_book_cursor c = {0}; rule_book_next(&c, relations[i], &name);) {
            bool there = false;
            for (struct rule_book_cursor k = {0}; !there && rule_book_next(&k, "kind", &kind);)
                there = slice_eq(kind.column[2], name.column[0]) && slice_eq(kind.column[1], name.column[1]) &&
                        (i == 1 || slice_eq(kind.column[3], name.column[2]));
            if (!there)
                fprintf(stderr, "no rule of %.*s\n", SLICE_FMT(name.column[3]));
            CHECK(there);
        }
}

static void offers(const char *word, const char *text)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    rule_name_put_nearest(slice_str(word), &out);
    CHECK_TEXT(text, buf_slice(&out));
    buf_fini(&out);
}

TEST(the_names_that_somebody_may_have_meant_are_offered)
{
    offers("member-remved", "did you mean member-removed?");
    offers("removed-field-number", "did you mean field-removed-number, field-removed or field-removed-name?");
    offers("buf:FIELD_DELETED_NO", "did you mean buf:FIELD_NO_DELETE?");
    offers("zzz", "");
    offers("", "");
    offers("oasdiff:", "");
}

TESTS_BEGIN()
cmocka_unit_test(the_embedded_rules_load),
    TESTS_RUN(the_book_has_every_fact_that_the_engine_reads_in_its_files)
        TESTS_RUN(a_profile_says_what_the_one_that_it_is_based_on_says_unless_it_says_otherwise)
            TESTS_RUN(strict_asks_every_rule_but_what_an_open_record_might_send)
                TESTS_RUN(what_is_minded_is_a_profiles_own) TESTS_RUN(a_tools_names_and_lists_are_profiles)
                    TESTS_RUN(what_is_no_profile_is_absent)
                        TESTS_RUN(every_row_of_a_level_is_about_a_rule_that_there_is)
                            TESTS_RUN(every_foreign_name_is_of_a_rule_that_there_is)
                                TESTS_RUN(the_names_that_somebody_may_have_meant_are_offered) TESTS_END()
