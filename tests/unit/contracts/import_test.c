#include "contracts/import.h"

#include <stdio.h>

#include "contracts/facts.h"
#include "contracts/verdict.h"
#include "tests/kit/t.h"

static enum err read_other(void *arg, const char *path, struct buf *out)
{
    (void)arg;
    if (strcmp(path, "dir/other.json") != 0)
        return ERR_ABSENT;
    return buf_add(out, SLICE("{\"$defs\": {\"Money\": {\"type\": \"integer\"}}}"));
}

static struct contract *read_as(const char *text, enum import_format format)
{
    struct diag diag;
    struct contract *c = NULL;
    struct import_input in = {.format = format, .name = "dir/test.json", .text = slice_str(text), .read = read_other};
    diag_init(&diag);
    enum err e = import_contract(&in, &diag, &c);
    if (e != ERR_OK)
        fprintf(stderr, "%.*s\n", SLICE_FMT(diag.first->message));
    diag_fini(&diag);
    CHECK_ERR(ERR_OK, e);
    return c;
}

static void has_fact(const char *text, const char *fact)
{
    struct contract *c = read_as(text, IMPORT_AUTO);
    if (!slice_has(contract_text(c), slice_str(fact)))
        fprintf(stderr, "no %s in\n%.*s", fact, SLICE_FMT(contract_text(c)));
    CHECK(slice_has(contract_text(c), slice_str(fact)));
    contract_unref(&c);
}

static struct verdict *compute_as(struct contract *consumer, struct contract *provider, const char *name)
{
    struct profile p;
    CHECK_ERR(ERR_OK, profile_init(&p, slice_str(name)));
    struct verdict *v = verdict_compute_as(consumer, provider, &p);
    profile_fini(&p);
    return v;
}

static enum verdict_level judged(const char *old, const char *new, enum import_format format, const char *profile)
{
    struct contract *a = read_as(old, format), *b = read_as(new, format);
    struct verdict *v = compute_as(a, b, profile);
    enum verdict_level level = verdict_level(v);
    verdict_unref(&v);
    contract_unref(&a);
    contract_unref(&b);
    return level;
}

static enum verdict_level schemas(const char *old, const char *new)
{
    return judged(old, new, IMPORT_JSCHEMA, "json-schema");
}

static void refused(const char *text, enum import_format format, unsigned line, const char *message)
{
    struct diag diag;
    struct contract *c = NULL;
    struct import_input in = {.format = format, .name = "dir/test.json", .text = slice_str(text)};
    diag_init(&diag);
    CHECK_ERR(ERR_INPUT, import_contract(&in, &diag, &c));
    CHECK_INT(line, diag.first->line);
    CHECK_TEXT(message, diag.first->message);
    diag_fini(&diag);
}

#define API(paths) "{\"openapi\":\"3.0.3\",\"info\":{\"title\":\"t\",\"version\":\"1.0.0\"},\"paths\":{" paths "}}"
#define GET(schema)                                                                                              \
    API("\"/a/{id}\":{\"get\":{\"responses\":{\"200\":{\"description\":\"\",\"content\":{\"application/json\":{" \
        "\"schema\":" schema "}}}}}}")
#define POST(schema)                                                                                                 \
    API("\"/a\":{\"post\":{\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":" schema \
        "}}},\"responses\":{\"204\":{\"description\":\"\"}}}}")

/* First, so that what is loaded once is no leak. */
TEST(the_embedded_rules_load)
{
    CHECK(facts_program() != NULL);
}

TEST(a_schema_becomes_facts)
{
    const char *s =
        "{\"title\":\"T\",\"type\":\"object\",\"required\":[\"a\"],\"additionalProperties\":false,"
        "\"properties\":{\"a\":{\"type\":\"integer\",\"exclusiveMinimum\":0},\"b\":{\"enum\":[\"x\",\"y\"]},"
        "\"c\":{\"type\":[\"string\",\"null\"]},\"d\":{\"$ref\":\"other.json#/$defs/Money\"},"
        "\"e\":{\"type\":\"array\",\"items\":{\"type\":\"number\"},\"maxItems\":3}}}";
    has_fact(s, "contract(\"T\", \"0.0.0\").");
    has_fact(s, "record(\"Document\").");
    has_fact(s, "closed(\"Document\").");
    has_fact(s, "field(\"Document\", \"a\", \"Document.a\", \"required\").");
    has_fact(s, "bound(\"Document.a\", \"min\", \"1\").");
    has_fact(s, "symbol(\"Document.b\", \"y\", 0).");
    has_fact(s, "nullable(\"Document.c\").");
    has_fact(s, "field(\"Document\", \"d\", \"Money\", \"optional\").");
    has_fact(s, "list(\"Document.e\", \"number\").");
    has_fact(s, "bound(\"Document.e\", \"max_items\", \"3\").");
}

TEST(an_imported_contract_reads_back_to_the_same_digest)
{
    struct contract *c =
        read_as(POST("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}"), IMPORT_AUTO);
    struct diag diag;
    struct contract *again = NULL;
    diag_init(&diag);
    CHECK_ERR(ERR_OK, contract_parse(contract_text(c), "again.weft", &diag, &again));
    CHECK_SLICE(contract_digest_text(c), contract_digest_text(again));
    diag_fini(&diag);
    contract_unref(&c);
    contract_unref(&again);
}

TEST(parts_of_all_of_are_merged)
{
    const char *s =
        "{\"allOf\":[{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]},"
        "{\"properties\":{\"b\":{\"type\":\"integer\",\"minimum\":1}}},"
        "{\"properties\":{\"b\":{\"minimum\":3}}}]}";
    has_fact(s, "field(\"Document\", \"a\", \"string\", \"required\").");
    has_fact(s, "bound(\"Document.b\", \"min\", \"3\").");
}

TEST(a_recursive_schema_ends)
{
    const char *tree = "{\"$ref\":\"#/$defs/T\",\"$defs\":{\"T\":{\"type\":\"object\",\"properties\":{"
                       "\"left\":{\"$ref\":\"#/$defs/T\"},\"value\":{\"type\":\"integer\"}}}}}";
    const char *other = "{\"$ref\":\"#/$defs/T\",\"$defs\":{\"T\":{\"type\":\"object\",\"properties\":{"
                        "\"left\":{\"$ref\":\"#/$defs/T\"},\"value\":{\"type\":\"string\"}}}}}";
    has_fact(tree, "field(\"T\", \"left\", \"T\", \"optional\").");
    CHECK_INT(VERDICT_SAME, schemas(tree, tree));
    CHECK_INT(VERDICT_BREAKING, schemas(tree, other));
}

TEST(tightening_breaks_and_loosening_does_not)
{
    static const char *const pairs[][2] = {
        {"{\"type\":\"integer\"}", "{\"type\":\"number\"}"},
        {"{\"type\":\"number\",\"exclusiveMaximum\":3}", "{\"type\":\"number\",\"maximum\":3}"},
        {"{\"type\":\"string\",\"maxLength\":3}", "{\"type\":\"string\",\"maxLength\":4}"},
        {"{\"enum\":[1,2]}", "{\"enum\":[1,2,3]}"},
        {"{\"enum\":[\"a\"]}", "{\"type\":\"string\"}"},
        {"{\"type\":\"string\"}", "{\"type\":[\"string\",\"null\"]}"},
        {"{\"type\":\"string\"}", "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}"},
        {"{\"type\":\"object\",\"required\":[\"a\"]}", "{\"type\":\"object\"}"},
        {"{\"type\":\"object\",\"additionalProperties\":false}", "{\"type\":\"object\"}"},
        {"{\"type\":\"object\",\"minProperties\":2}", "{\"type\":\"object\",\"minProperties\":1}"},
        {"{\"type\":\"array\",\"items\":[{\"type\":\"string\"}],\"additionalItems\":false}",
         "{\"type\":\"array\",\"items\":[{\"type\":\"string\"}]}"},
        {"{\"enum\":[]}", "{\"type\":\"boolean\"}"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        CHECK_INT(VERDICT_COMPATIBLE, schemas(pairs[i][0], pairs[i][1]));
        CHECK(schemas(pairs[i][1], pairs[i][0]) >= VERDICT_UNPROVEN);
    }
}

TEST(multiples_are_compared_exactly)
{
    CHECK_INT(VERDICT_COMPATIBLE,
              schemas("{\"type\":\"number\",\"multipleOf\":3.3}", "{\"type\":\"number\",\"multipleOf\":1.1}"));
    CHECK(schemas("{\"type\":\"number\",\"multipleOf\":1.1}", "{\"type\":\"number\",\"multipleOf\":3.3}") >=
          VERDICT_UNPROVEN);
}

TEST(what_is_not_understood_is_unproven_where_it_differs)
{
    const char *a = "{\"type\":\"string\",\"contentEncoding\":\"base64\"}";
    const char *b = "{\"type\":\"string\",\"contentEncoding\":\"base32\"}";
    CHECK_INT(VERDICT_SAME, schemas(a, a));
    CHECK_INT(VERDICT_UNPROVEN, schemas(a, b));
    CHECK_INT(VERDICT_COMPATIBLE, schemas(a, "{\"type\":\"string\"}"));
}

TEST(a_value_shows_where_words_part_that_no_rule_compares)
{
    static const char *const pairs[][2] = {
        {"{\"type\":\"string\",\"not\":{\"const\":\"a\"}}", "{\"type\":\"string\",\"not\":{\"const\":\"b\"}}"},
        {"{\"type\":\"string\"}", "{\"type\":\"string\",\"pattern\":\"^[a-z]+$\"}"},
        {"{\"type\":\"array\"}", "{\"type\":\"array\",\"uniqueItems\":true}"},
        {"{\"type\":\"object\"}", "{\"type\":\"object\",\"dependentRequired\":{\"a\":[\"b\"]}}"},
        {"{\"type\":\"object\"}", "{\"type\":\"object\",\"patternProperties\":{\"^x-\":{\"type\":\"string\"}}}"},
        {"{\"type\":\"object\"}", "{\"type\":\"object\",\"propertyNames\":{\"maxLength\":3}}"},
        {"{\"type\":\"array\"}", "{\"type\":\"array\",\"contains\":{\"type\":\"integer\"}}"},
        {"{\"type\":\"number\"}", "{\"type\":\"number\",\"multipleOf\":10}"},
        {"{\"type\":\"number\",\"multipleOf\":7}", "{\"type\":\"number\",\"multipleOf\":13}"},
        {"{\"type\":\"object\",\"minProperties\":5}", "{\"type\":\"object\",\"minProperties\":10}"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        CHECK_INT(VERDICT_BREAKING, schemas(pairs[i][0], pairs[i][1]));
}

TEST(what_is_not_understood_differs_when_what_it_refers_to_differs)
{
    const char *a = "{\"type\":\"string\",\"not\":{\"$ref\":\"#/$defs/A\"},\"$defs\":{\"A\":{\"const\":\"a\"}}}";
    const char *b = "{\"type\":\"string\",\"not\":{\"$ref\":\"#/$defs/A\"},\"$defs\":{\"A\":{\"const\":\"b\"}}}";
    CHECK_INT(VERDICT_BREAKING, schemas(a, b));
}

TEST(an_open_record_may_send_anything_to_a_strict_judge_only)
{
    const char *old = "{\"type\":\"object\"}";
    const char *new = "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}";
    CHECK_INT(VERDICT_BREAKING, judged(old, new, IMPORT_JSCHEMA, "json-schema"));
    CHECK_INT(VERDICT_COMPATIBLE, judged(old, new, IMPORT_JSCHEMA, "json-schema-lenient"));
}

TEST(an_api_becomes_operations)
{
    const char *api = "openapi: 3.1.0\ninfo: {title: t, version: 2.0.0}\npaths:\n  /a/{id}:\n    parameters:\n"
                      "      - {name: id, in: path, required: true, schema: {type: string}}\n    get:\n"
                      "      parameters: [{name: q, in: query, schema: {type: integer, format: int32}}]\n"
                      "      security: [{key: []}]\n      responses:\n        '200':\n          description: d\n"
                      "          headers: {X-Rate: {required: true, schema: {type: integer}}}\n"
                      "components:\n  securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}\n";
    has_fact(api, "contract(\"t\", \"2.0.0\").");
    has_fact(api, "http(\"GET /a/{id}\", \"GET\", \"/a/{id}\").");
    has_fact(api, "param(\"GET /a/{id}\", \"path\", \"id\", \"string\", \"required\").");
    has_fact(api, "param(\"GET /a/{id}\", \"query\", \"q\", \"int32\", \"optional\").");
    has_fact(api, "response(\"GET /a/{id}\", \"200\", \"\", \"\").");
    has_fact(api, "header(\"GET /a/{id}\", \"200\", \"x-rate\", \"integer\", \"required\").");
    has_fact(api, "security(\"GET /a/{id}\", 0, \"apiKey header X-Key\", \"\").");
}

TEST(requests_and_answers_break_in_opposite_directions)
{
    const char *some = "{\"type\":\"string\",\"enum\":[\"a\"]}", *more = "{\"type\":\"string\",\"enum\":[\"a\",\"b\"]}";
    char old[1024], new[1024];
    snprintf(old, sizeof(old), POST("%s"), some);
    snprintf(new, sizeof(new), POST("%s"), more);
    CHECK_INT(VERDICT_COMPATIBLE, judged(old, new, IMPORT_OPENAPI, "openapi"));
    CHECK_INT(VERDICT_BREAKING, judged(new, old, IMPORT_OPENAPI, "openapi"));
    snprintf(old, sizeof(old), GET("%s"), some);
    snprintf(new, sizeof(new), GET("%s"), more);
    CHECK_INT(VERDICT_BREAKING, judged(old, new, IMPORT_OPENAPI, "openapi"));
    CHECK_INT(VERDICT_COMPATIBLE, judged(new, old, IMPORT_OPENAPI, "openapi"));
}

TEST(a_read_only_member_is_not_asked_of_requests)
{
    const char *old = POST("{\"type\":\"object\"}");
    const char *new = POST("{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{\"id\":{\"type\":\"string\","
                           "\"readOnly\":true}}}");
    CHECK_INT(VERDICT_COMPATIBLE, judged(old, new, IMPORT_OPENAPI, "openapi"));
}

static enum verdict_level avro(const char *old, const char *new)
{
    return judged(old, new, IMPORT_AVRO, "avro");
}

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"n.R\",\"fields\":[" fields "]}"
#define ENUM(symbols, more) "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[" symbols "]" more "}"

TEST(an_avro_schema_becomes_facts)
{
    const char *s = RECORD("{\"name\":\"a\",\"type\":\"long\",\"default\":7,\"aliases\":[\"b\"]},"
                           "{\"name\":\"next\",\"type\":[\"null\",\"R\"]}");
    has_fact(s, "contract(\"n.R\", \"0.0.0\").");
    has_fact(s, "request(\"document\", \"avro/binary\", \"n.R\").");
    has_fact(s, "field(\"n.R\", \"a\", \"int64\", \"required\").");
    has_fact(s, "default(\"n.R\", \"a\", \"7\").");
    has_fact(s, "renamed(\"n.R\", \"b\", \"a\").");
    has_fact(s, "branch(\"n.R.next\", 0, \"n.R\").");
    has_fact(s, "nullable(\"n.R.next\").");
}

TEST(avro_resolves_as_its_specification_says)
{
    static const struct {
        const char *old, *new;
        enum verdict_level level;
    } cases[] = {
        {"\"int\"", "\"long\"", VERDICT_COMPATIBLE},
        {"\"long\"", "\"int\"", VERDICT_BREAKING},
        {"\"long\"", "\"float\"", VERDICT_COMPATIBLE},
        {"\"string\"", "\"bytes\"", VERDICT_COMPATIBLE},
        {"\"null\"", "[\"null\",\"int\"]", VERDICT_COMPATIBLE},
        {"[\"null\",\"int\"]", "\"int\"", VERDICT_BREAKING},
        {RECORD(""), RECORD("{\"name\":\"a\",\"type\":\"int\",\"default\":1}"), VERDICT_COMPATIBLE},
        {RECORD(""), RECORD("{\"name\":\"a\",\"type\":\"int\"}"), VERDICT_BREAKING},
        {RECORD("{\"name\":\"a\",\"type\":\"int\"}"), RECORD(""), VERDICT_COMPATIBLE},
        {ENUM("\"A\",\"B\"", ""), ENUM("\"A\"", ""), VERDICT_BREAKING},
        {ENUM("\"A\",\"B\"", ""), ENUM("\"A\"", ",\"default\":\"A\""), VERDICT_COMPATIBLE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_INT(cases[i].level, avro(cases[i].old, cases[i].new));
}

TEST(avro_compares_names_and_sizes)
{
    CHECK(avro("{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}", "{\"type\":\"fixed\",\"name\":\"F\",\"size\":8}") >=
          VERDICT_UNPROVEN);
    CHECK(avro(RECORD(""), "{\"type\":\"record\",\"name\":\"S\",\"fields\":[]}") >= VERDICT_UNPROVEN);
    CHECK_INT(VERDICT_COMPATIBLE,
              avro(RECORD(""), "{\"type\":\"record\",\"name\":\"S\",\"aliases\":[\"n.R\"],\"fields\":[]}"));
}

TEST(bad_documents_are_refused_with_their_place)
{
    refused("{\"openapi\":\"2.0\"}", IMPORT_OPENAPI, 1, "only Swagger 2.0 and OpenAPI 3.0 and 3.1 are read");
    refused("{\n\"$ref\": \"#/nowhere\"}", IMPORT_JSCHEMA, 1, "this reference leads nowhere: `#/nowhere`");
    refused("{\n\"type\": \"object\",\n\"properties\": {\"a\": {\"$ref\": \"gone.json\"}}}", IMPORT_JSCHEMA, 3,
            "this file cannot be read: `dir/gone.json`");
    refused("{\"type\":\n\"Gone\"}", IMPORT_AVRO, 1, "unknown type `Gone`");
    refused("hello", IMPORT_AUTO, 0, "this is neither a contract nor OpenAPI nor JSON Schema, Avro or protobuf");
}

TESTS_BEGIN()
cmocka_unit_test(the_embedded_rules_load),
    TESTS_RUN(a_schema_becomes_facts) TESTS_RUN(an_imported_contract_reads_back_to_the_same_digest)
        TESTS_RUN(parts_of_all_of_are_merged) TESTS_RUN(a_recursive_schema_ends)
            TESTS_RUN(tightening_breaks_and_loosening_does_not) TESTS_RUN(multiples_are_compared_exactly)
                TESTS_RUN(what_is_not_understood_is_unproven_where_it_differs)
                    TESTS_RUN(a_value_shows_where_words_part_that_no_rule_compares)
                        TESTS_RUN(what_is_not_understood_differs_when_what_it_refers_to_differs)
                            TESTS_RUN(an_open_record_may_send_anything_to_a_strict_judge_only)
                                TESTS_RUN(an_api_becomes_operations)
                                    TESTS_RUN(requests_and_answers_break_in_opposite_directions)
                                        TESTS_RUN(a_read_only_member_is_not_asked_of_requests)
                                            TESTS_RUN(an_avro_schema_becomes_facts)
                                                TESTS_RUN(avro_resolves_as_its_specification_says)
                                                    TESTS_RUN(avro_compares_names_and_sizes)
                                                        TESTS_RUN(bad_documents_are_refused_with_their_place)
                                                            TESTS_END()
