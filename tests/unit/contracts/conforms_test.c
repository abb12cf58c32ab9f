#include "contracts/conforms.h"

#include <stdio.h>

#include "contracts/facts.h"
#include "contracts/import.h"
#include "tests/kit/t.h"

static struct contract *read_as(const char *text, enum import_format format)
{
    struct diag diag;
    struct contract *c = NULL;
    struct import_input in = {.format = format, .name = "test", .text = slice_str(text)};
    diag_init(&diag);
    CHECK_ERR(ERR_OK, import_contract(&in, &diag, &c));
    diag_fini(&diag);
    return c;
}

static enum answer asked(const char *schema, enum import_format format, const char *position, const char *value,
                         struct conforms_question q)
{
    struct contract *c = read_as(schema, format);
    struct arena arena;
    const struct json_value *v;
    arena_init(&arena, 0);
    CHECK_ERR(ERR_OK, json_value_read(slice_str(value), &arena, &v));
    q.position = shape_position(contract_shape(c), slice_str(position));
    CHECK(q.position);
    enum answer answer = conforms_judge(&q, v);
    arena_fini(&arena);
    contract_unref(&c);
    return answer;
}

static const char document[] = "document:request:application/json";

static void is(enum answer want, const char *schema, const char *value)
{
    enum answer got = asked(schema, IMPORT_JSCHEMA, document, value, (struct conforms_question){0});
    if (got != want)
        fprintf(stderr, "%s of %s\n", value, schema);
    CHECK_INT(want, got);
}

/* First, so that what is loaded once is no leak. */
TEST(the_embedded_rules_load)
{
    CHECK(facts_program() != NULL);
}

TEST(bounds_are_judged_at_their_ends)
{
    const char *strict = "{\"type\":\"number\",\"minimum\":1,\"exclusiveMaximum\":2.5}";
    is(ANSWER_YES, strict, "1");
    is(ANSWER_NO, strict, "0.99");
    is(ANSWER_NO, strict, "2.5");
    is(ANSWER_MAYBE, strict, "1e0");
    is(ANSWER_YES, "{\"type\":\"number\",\"multipleOf\":1.1}", "3.3");
    is(ANSWER_NO, "{\"type\":\"number\",\"multipleOf\":1.1}", "3.4");
    is(ANSWER_YES, "{\"type\":\"string\",\"maxLength\":2}", "\"\xC3\xA9\xC3\xA9\"");
    is(ANSWER_NO, "{\"type\":\"string\",\"maxLength\":2}", "\"abc\"");
    is(ANSWER_NO, "{\"type\":\"object\",\"minProperties\":1}", "{}");
    /* Both hold, whichever is said last. */
    is(ANSWER_NO, "{\"type\":\"integer\",\"maximum\":10,\"exclusiveMaximum\":-2}", "0");
}

TEST(patterns_values_and_formats_are_judged_as_far_as_they_are_known)
{
    is(ANSWER_YES, "{\"type\":\"string\",\"pattern\":\"^[a-z]+$\"}", "\"abc\"");
    is(ANSWER_NO, "{\"type\":\"string\",\"pattern\":\"^[a-z]+$\"}", "\"a1\"");
    is(ANSWER_MAYBE, "{\"type\":\"string\",\"pattern\":\"(a)\\\\1\"}", "\"aa\"");
    /* Some readers take it for the whole text. */
    is(ANSWER_MAYBE, "{\"type\":\"string\",\"pattern\":\"[a-z]\"}", "\"a1\"");
    is(ANSWER_YES, "{\"enum\":[{\"a\":[1,\"x\"]},2.0]}", "{\"a\":[1,\"x\"]}");
    is(ANSWER_YES, "{\"enum\":[{\"a\":1},2.0]}", "2");
    is(ANSWER_NO, "{\"enum\":[{\"a\":1},2.0]}", "{\"a\":2}");
    is(ANSWER_YES, "{\"type\":\"string\",\"format\":\"date\"}", "\"2026-01-31\"");
    is(ANSWER_MAYBE, "{\"type\":\"string\",\"format\":\"date\"}", "\"soon\"");
}

TEST(lists_are_judged_by_place_and_by_what_they_contain)
{
    const char *pair =
        "{\"type\":\"array\",\"items\":[{\"type\":\"string\"}],\"additionalItems\":{\"type\":\"integer\"}}";
    is(ANSWER_YES, pair, "[\"a\",1,2]");
    is(ANSWER_NO, pair, "[1]");
    is(ANSWER_NO, pair, "[\"a\",\"b\"]");
    const char *some = "{\"type\":\"array\",\"contains\":{\"type\":\"integer\"},\"minContains\":2}";
    is(ANSWER_YES, some, "[1,\"a\",2]");
    is(ANSWER_NO, some, "[1,\"a\"]");
    const char *few = "{\"type\":\"array\",\"contains\":{\"type\":\"integer\"},\"maxContains\":1}";
    is(ANSWER_YES, few, "[1,\"a\"]");
    is(ANSWER_NO, few, "[1,2]");
    is(ANSWER_NO, few, "[]");
    is(ANSWER_NO, "{\"type\":\"array\",\"uniqueItems\":true}", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1.0}]");
    is(ANSWER_YES, "{\"type\":\"array\",\"uniqueItems\":true}", "[1,\"1\"]");
}

TEST(objects_are_judged_by_their_names_and_what_names_bring)
{
    is(ANSWER_NO, "{\"type\":\"object\",\"propertyNames\":{\"maxLength\":2}}", "{\"abc\":1}");
    is(ANSWER_YES, "{\"type\":\"object\",\"propertyNames\":{\"type\":\"string\",\"maxLength\":3}}", "{\"abc\":1}");
    is(ANSWER_NO, "{\"type\":\"object\",\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}");
    is(ANSWER_YES, "{\"type\":\"object\",\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"c\":1}");
    is(ANSWER_NO, "{\"type\":\"object\",\"dependencies\":{\"a\":{\"required\":[\"b\"]}}}", "{\"a\":1}");
    is(ANSWER_NO, "{\"type\":\"object\",\"patternProperties\":{\"^x-\":{\"type\":\"integer\"}}}", "{\"x-a\":\"\"}");
    is(ANSWER_YES, "{\"type\":\"object\",\"patternProperties\":{\"^x-\":{\"type\":\"integer\"}}}", "{\"y-a\":\"\"}");
}

TEST(schemas_of_schemas_are_judged)
{
    is(ANSWER_NO, "{\"type\":\"string\",\"not\":{\"const\":\"a\"}}", "\"a\"");
    is(ANSWER_YES, "{\"type\":\"string\",\"not\":{\"const\":\"a\"}}", "\"b\"");
    const char *when = "{\"type\":\"object\",\"if\":{\"properties\":{\"a\":{\"const\":1}},\"required\":[\"a\"]},"
                       "\"then\":{\"required\":[\"b\"]},\"else\":{\"required\":[\"c\"]}}";
    is(ANSWER_NO, when, "{\"a\":1}");
    is(ANSWER_YES, when, "{\"a\":1,\"b\":0}");
    is(ANSWER_NO, when, "{\"a\":2}");
    is(ANSWER_YES, when, "{\"c\":0}");
    const char *one = "{\"oneOf\":[{\"type\":\"number\",\"maximum\":5},{\"type\":\"number\",\"minimum\":3}]}";
    is(ANSWER_YES, one, "1");
    is(ANSWER_NO, one, "4");
    /* What refers elsewhere, and what nobody knows, is not decided. */
    is(ANSWER_MAYBE, "{\"type\":\"string\",\"contentEncoding\":\"base64\"}", "\"a\"");
    is(ANSWER_MAYBE, "{\"type\":\"object\",\"unevaluatedProperties\":false}", "{\"a\":1}");
}

TEST(a_word_may_be_taken_for_not_said)
{
    struct conforms_question q = {.without = SLICE("pattern"), .text = SLICE("^a$")};
    const char *s = "{\"type\":\"string\",\"pattern\":\"^a$\",\"maxLength\":3}";
    CHECK_INT(ANSWER_NO, asked(s, IMPORT_JSCHEMA, document, "\"b\"", (struct conforms_question){0}));
    CHECK_INT(ANSWER_YES, asked(s, IMPORT_JSCHEMA, document, "\"b\"", q));
    CHECK_INT(ANSWER_NO, asked(s, IMPORT_JSCHEMA, document, "\"bbbb\"", q));
    /* Only of the position itself, not of what is inside. */
    const char *list = "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"pattern\":\"^a$\"}}";
    CHECK_INT(ANSWER_NO, asked(list, IMPORT_JSCHEMA, document, "[\"b\"]", q));
}

TEST(a_tag_and_the_branches_have_to_agree)
{
    const char *api =
        "{\"openapi\":\"3.0.3\",\"info\":{\"title\":\"t\",\"version\":\"1\"},\"paths\":{\"/"
        "a\":{\"post\":{\"requestBody\":{"
        "\"required\":true,\"content\":{\"application/json\":{\"schema\":{\"oneOf\":[{\"$ref\":\"#/components/schemas/"
        "Dog\"},{\"$ref\":\"#/components/schemas/"
        "Cat\"}],\"discriminator\":{\"propertyName\":\"kind\",\"mapping\":{\"d\":"
        "\"#/components/schemas/"
        "Dog\"}}}}}},\"responses\":{\"204\":{\"description\":\"\"}}}}},\"components\":{\"schemas\":{"
        "\"Dog\":{\"type\":\"object\",\"required\":[\"kind\",\"bark\"],\"properties\":{\"kind\":{\"type\":\"string\"},"
        "\"bark\":{\"type\":\"string\"}}},\"Cat\":{\"type\":\"object\",\"required\":[\"kind\",\"purr\"],\"properties\":"
        "{"
        "\"kind\":{\"type\":\"string\"},\"purr\":{\"type\":\"string\"}}}}}}";
    const char *body = "POST /a:request:application/json";
    struct conforms_question q = {0};
    CHECK_INT(ANSWER_YES, asked(api, IMPORT_OPENAPI, body, "{\"kind\":\"d\",\"bark\":\"\"}", q));
    CHECK_INT(ANSWER_YES, asked(api, IMPORT_OPENAPI, body, "{\"kind\":\"Cat\",\"purr\":\"\"}", q));
    CHECK_INT(ANSWER_MAYBE, asked(api, IMPORT_OPENAPI, body, "{\"kind\":\"d\",\"purr\":\"\"}", q));
    CHECK_INT(ANSWER_MAYBE, asked(api, IMPORT_OPENAPI, body, "{\"kind\":\"x\",\"purr\":\"\"}", q));
    CHECK_INT(ANSWER_NO, asked(api, IMPORT_OPENAPI, body, "{\"kind\":\"d\"}", q));
}

TEST(bytes_of_a_fixed_size_are_counted)
{
    const char *s = "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}", *at = "document:request:avro/binary";
    CHECK_INT(ANSWER_YES, asked(s, IMPORT_AVRO, at, "\"AAA=\"", (struct conforms_question){0}));
    CHECK_INT(ANSWER_NO, asked(s, IMPORT_AVRO, at, "\"AAAA\"", (struct conforms_question){0}));
    CHECK_INT(ANSWER_NO, asked(s, IMPORT_AVRO, at, "\"?!\"", (struct conforms_question){0}));
}

TESTS_BEGIN()
cmocka_unit_test(the_embedded_rules_load),
    TESTS_RUN(bounds_are_judged_at_their_ends)
        TESTS_RUN(patterns_values_and_formats_are_judged_as_far_as_they_are_known)
            TESTS_RUN(lists_are_judged_by_place_and_by_what_they_contain)
                TESTS_RUN(objects_are_judged_by_their_names_and_what_names_bring)
                    TESTS_RUN(schemas_of_schemas_are_judged) TESTS_RUN(a_word_may_be_taken_for_not_said)
                        TESTS_RUN(a_tag_and_the_branches_have_to_agree) TESTS_RUN(bytes_of_a_fixed_size_are_counted)
                            TESTS_END()
