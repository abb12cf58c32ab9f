#include "contracts/import/jschema.h"

#include <stdio.h>

#include "contracts/facts.h"
#include "contracts/verdict.h"
#include "tests/kit/t.h"

static struct contract *import(const char *text)
{
    struct diag diag;
    struct contract *c = NULL;
    struct import_input in = {.format = IMPORT_JSCHEMA, .name = "test.json", .text = slice_str(text)};
    diag_init(&diag);
    CHECK_ERR(ERR_OK, import_contract(&in, &diag, &c));
    CHECK_INT(0, diag.errors);
    diag_fini(&diag);
    return c;
}

static struct verdict *compute_as(struct contract *consumer, struct contract *provider, const char *name)
{
    struct profile p;
    CHECK_ERR(ERR_OK, profile_init(&p, slice_str(name)));
    struct verdict *v = verdict_compute_as(consumer, provider, &p);
    profile_fini(&p);
    return v;
}

/* May readers of `reader` take all that `writer` lets through? */
static enum verdict_level level(const char *writer, const char *reader)
{
    struct contract *a = import(writer), *b = import(reader);
    struct verdict *v = compute_as(a, b, "json-schema");
    enum verdict_level l = verdict_level(v);
    verdict_unref(&v);
    contract_unref(&a);
    contract_unref(&b);
    return l;
}

static bool fits(const char *writer, const char *reader)
{
    return level(writer, reader) < VERDICT_UNPROVEN;
}

struct pair {
    const char *narrow, *wide;
};

static void check_narrower(const struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool to_wide = fits(pairs[i].narrow, pairs[i].wide), to_narrow = fits(pairs[i].wide, pairs[i].narrow);
        if (!to_wide || to_narrow)
            fprintf(stderr, "pair %zu: %s and %s\n", i, pairs[i].narrow, pairs[i].wide);
        CHECK(to_wide);
        CHECK(!to_narrow);
    }
}
#define CHECK_NARROWER(pairs) check_narrower(pairs, sizeof(pairs) / sizeof(pairs[0]))

/* Loaded once in a process, so this test is not watched for what it leaves. */
TEST(the_rules_load)
{
    CHECK(facts_program() != NULL);
}

TEST(what_is_narrower_fits_and_what_is_wider_does_not)
{
    static const struct pair pairs[] = {
        {"{\"type\": \"integer\"}", "{\"type\": \"number\"}"},
        {"{\"type\": \"string\"}", "{\"type\": [\"string\", \"null\"]}"},
        {"{\"type\": \"null\"}", "{\"type\": [\"string\", \"null\"]}"},
        {"{\"minimum\": 3}", "{\"minimum\": 2}"},
        {"{\"type\": \"string\", \"pattern\": \"^[0-9]{3}$\"}", "{\"type\": \"string\", \"pattern\": \"^[0-9]+$\"}"},
        {"{\"type\": \"string\", \"maxLength\": 3}", "{\"maxLength\": 3}"},
        {"{\"type\": [\"array\", \"number\"], \"minimum\": 3}", "{\"minimum\": 2}"},
        {"{\"type\": \"object\", \"required\": [\"a\"], \"additionalProperties\": false}", "{\"type\": \"object\"}"},
        {"{\"type\": \"number\", \"exclusiveMinimum\": 3}", "{\"type\": \"number\", \"minimum\": 3}"},
        {"{\"type\": \"number\", \"minimum\": 3, \"exclusiveMinimum\": true}",
         "{\"type\": \"number\", \"minimum\": 3}"},
        {"{\"type\": \"number\", \"multipleOf\": 0.3}", "{\"type\": \"number\", \"multipleOf\": 0.1}"},
        {"{\"enum\": [1, \"a\"]}", "{\"enum\": [1, \"a\", []]}"},
        {"{\"const\": 1}", "{\"type\": \"integer\"}"},
        {"{\"const\": null}", "{\"type\": [\"integer\", \"null\"]}"},
        {"{\"type\": \"array\", \"prefixItems\": [{\"type\": \"string\"}], \"items\": false}",
         "{\"type\": \"array\", \"items\": {\"type\": \"string\"}}"},
        {"{\"type\": \"array\", \"contains\": {\"const\": 1}}",
         "{\"type\": \"array\", \"contains\": {\"type\": \"integer\"}}"},
    };
    CHECK_NARROWER(pairs);
}

TEST(records_open_closed_and_of_one_type_are_told_apart)
{
    static const struct pair pairs[] = {
        {"{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"string\"}}}", "{\"type\": \"object\"}"},
        {"{\"type\": \"object\", \"properties\": {\"a\": {}}, \"additionalProperties\": false}",
         "{\"type\": \"object\", \"properties\": {\"a\": {}}, \"additionalProperties\": {\"type\": \"string\"}}"},
        {"{\"type\": \"object\", \"additionalProperties\": false}",
         "{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"string\"}}, \"additionalProperties\": false}"},
        {"{\"type\": \"object\", \"required\": [\"a\", \"b\"]}", "{\"type\": \"object\", \"required\": [\"a\"]}"},
        {"{\"type\": \"object\", \"dependentRequired\": {\"a\": [\"b\", \"c\"]}}",
         "{\"type\": \"object\", \"dependentRequired\": {\"a\": [\"b\"]}}"},
        {"{\"type\": \"object\", \"propertyNames\": {\"maxLength\": 2}}",
         "{\"type\": \"object\", \"propertyNames\": {\"maxLength\": 3}}"},
        {"{\"type\": \"object\", \"maxProperties\": 2}", "{\"type\": \"object\", \"maxProperties\": 3}"},
    };
    CHECK_NARROWER(pairs);
}

TEST(negations_conditions_and_unions_are_compared_part_by_part)
{
    static const struct pair pairs[] = {
        {"{\"not\": {\"type\": \"string\"}}", "{\"not\": {\"type\": \"string\", \"maxLength\": 3}}"},
        {"{\"type\": \"integer\"}", "{\"not\": {\"type\": \"string\"}}"},
        {"{\"type\": \"number\", \"allOf\": [{\"maximum\": 9}, {\"multipleOf\": 2}]}",
         "{\"type\": \"number\", \"anyOf\": [{\"maximum\": 9}, {\"multipleOf\": 2}]}"},
        {"{\"if\": {\"minimum\": 3}, \"then\": {\"type\": \"integer\"}}",
         "{\"if\": {\"minimum\": 3}, \"then\": {\"type\": \"number\"}}"},
        {"{\"oneOf\": [{\"type\": \"string\"}]}", "{\"oneOf\": [{\"type\": \"string\"}, {\"type\": \"integer\"}]}"},
    };
    CHECK_NARROWER(pairs);
}

#define TAGGED(tag) "{\"type\": \"object\", \"required\": [\"k\"], \"properties\": {\"k\": {\"const\": \"" tag "\"}}}"

TEST(branches_are_told_apart_by_a_member_that_all_require)
{
    const char *two = "{\"oneOf\": [" TAGGED("a") ", " TAGGED("b") "]}";
    CHECK(fits("{\"oneOf\": [" TAGGED("a") "]}", two));
    CHECK(fits(TAGGED("b"), two));
    CHECK(!fits(TAGGED("c"), two));
    CHECK(!fits(TAGGED("a"), "{\"oneOf\": [" TAGGED("a") ", {\"type\": \"object\"}]}"));
}

TEST(words_that_close_one_part_do_not_close_another)
{
    const char *closed = "{\"properties\": {\"a\": {}}, \"additionalProperties\": false, \"type\": \"object\","
                         " \"allOf\": [{\"properties\": {\"b\": {}}}]}";
    CHECK(!fits("{\"type\": \"object\", \"properties\": {\"b\": {}}, \"additionalProperties\": false}", closed));
    CHECK(fits(closed, closed));
}

TEST(before_2019_nothing_beside_a_reference_counts)
{
    const char *old = "{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"definitions\": {\"A\": {\"type\": "
                      "\"integer\"}}, \"$ref\": \"#/definitions/A\", \"minimum\": 3}";
    const char *new =
        "{\"definitions\": {\"A\": {\"type\": \"integer\"}}, \"$ref\": \"#/definitions/A\", \"minimum\": 3}";
    CHECK(!fits(old, "{\"type\": \"integer\", \"minimum\": 3}"));
    CHECK(fits(new, "{\"type\": \"integer\", \"minimum\": 3}"));
}

TEST(a_reference_in_a_ring_and_a_tower_of_schemas_are_refused)
{
    struct buf tower;
    buf_init(&tower, BUF_TEXT_BOUND);
    for (int i = 0; i < 150; i++)
        buf_put(&tower, SLICE("{\"not\":"));
    buf_put(&tower, SLICE("true"));
    for (int i = 0; i < 150; i++)
        buf_put_char(&tower, '}');
    struct slice texts[] = {SLICE("{\"$ref\": \"#/$defs/A\", \"$defs\": {\"A\": {\"$ref\": \"#/$defs/A\"}}}"),
                            SLICE("{\"$ref\": \"#/$defs/B\"}"), buf_slice(&tower)};
    for (size_t i = 0; i < 3; i++) {
        struct diag diag;
        struct contract *c = NULL;
        struct import_input in = {.format = IMPORT_JSCHEMA, .name = "test.json", .text = texts[i]};
        diag_init(&diag);
        CHECK_ERR(ERR_INPUT, import_contract(&in, &diag, &c));
        CHECK(diag.errors > 0);
        diag_fini(&diag);
    }
    buf_fini(&tower);
}

TESTS_BEGIN()
cmocka_unit_test(the_rules_load),
    TESTS_RUN(what_is_narrower_fits_and_what_is_wider_does_not)
        TESTS_RUN(records_open_closed_and_of_one_type_are_told_apart)
            TESTS_RUN(negations_conditions_and_unions_are_compared_part_by_part)
                TESTS_RUN(branches_are_told_apart_by_a_member_that_all_require)
                    TESTS_RUN(words_that_close_one_part_do_not_close_another)
                        TESTS_RUN(before_2019_nothing_beside_a_reference_counts)
                            TESTS_RUN(a_reference_in_a_ring_and_a_tower_of_schemas_are_refused) TESTS_END()
