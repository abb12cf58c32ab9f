#include <stdio.h>

#include "contracts/facts.h"
#include "contracts/import.h"
#include "contracts/verdict.h"
#include "tests/kit/t.h"

static struct contract *read_avro(const char *text)
{
    struct diag diag;
    struct contract *c = NULL;
    struct import_input in = {.format = IMPORT_AVRO, .name = "test.avsc", .text = slice_str(text)};
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
    struct contract *c = read_avro(text);
    if (!slice_has(contract_text(c), slice_str(fact)))
        fprintf(stderr, "no %s in\n%.*s", fact, SLICE_FMT(contract_text(c)));
    CHECK(slice_has(contract_text(c), slice_str(fact)));
    contract_unref(&c);
}

static void refused(const char *text, unsigned line, unsigned column, const char *message)
{
    struct diag diag;
    struct contract *c = NULL;
    struct import_input in = {.format = IMPORT_AVRO, .name = "test.avsc", .text = slice_str(text)};
    diag_init(&diag);
    CHECK_ERR(ERR_INPUT, import_contract(&in, &diag, &c));
    CHECK_TEXT(message, diag.first->message);
    CHECK_INT(line, diag.first->line);
    CHECK_INT(column, diag.first->column);
    diag_fini(&diag);
}

static struct verdict *compute_as(struct contract *consumer, struct contract *provider, const char *name)
{
    struct profile p;
    CHECK_ERR(ERR_OK, profile_init(&p, slice_str(name)));
    struct verdict *v = verdict_compute_as(consumer, provider, &p);
    profile_fini(&p);
    return v;
}

static struct verdict *compare(const char *old, const char *new, const char *profile)
{
    struct contract *a = read_avro(old), *b = read_avro(new);
    struct verdict *v = compute_as(a, b, profile);
    contract_unref(&a);
    contract_unref(&b);
    return v;
}

static enum verdict_level level(const char *old, const char *new)
{
    struct verdict *v = compare(old, new, "avro");
    enum verdict_level l = verdict_level(v);
    verdict_unref(&v);
    return l;
}

/* One finding: what Avro calls it, and the value that shows it. */
static void breaks(const char *old, const char *new, const char *also, const char *witness)
{
    struct verdict *v = compare(old, new, "avro");
    CHECK_INT(VERDICT_BREAKING, verdict_level(v));
    CHECK_INT(1, verdict_finding_count(v));
    const struct verdict_finding *f = verdict_finding(v, 0);
    bool called = false;
    for (size_t i = 0; i < f->also_count; i++)
        called = called || slice_eq(f->also[i], slice_str(also));
    if (!called)
        fprintf(stderr, "%s of %s\n", also, new);
    CHECK(called);
    CHECK_TEXT(witness, f->witness);
    verdict_unref(&v);
}

#define RECORD(name, fields) "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define FIELD_WITH(name, type, more) "{\"name\":\"" name "\",\"type\":" type "," more "}"
#define FIXED(name, size) "{\"type\":\"fixed\",\"name\":\"" name "\",\"size\":" size "}"
#define DECIMAL(digits) "{\"type\":\"bytes\",\"logicalType\":\"decimal\"," digits "}"

/* First, so that what is loaded once is no leak. */
TEST(the_embedded_rules_load)
{
    CHECK(facts_program() != NULL);
}

TEST(names_keep_their_namespace_and_aliases_get_one)
{
    const char *s =
        "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"a.b\",\"aliases\":[\"Old\",\"x.Older\"],\"fields\":["
        "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}},"
        "{\"name\":\"f\",\"type\":[\"null\",\"E\",\"a.b.R\"]}]}";
    has_fact(s, "option(\"a.b.R\", \"name\", \"R\").");
    has_fact(s, "option(\"a.b.R\", \"full\", \"a.b.R\").");
    has_fact(s, "option(\"a.b.R\", \"alias\", \"a.b.Old\").");
    has_fact(s, "option(\"a.b.R\", \"alias\", \"x.Older\").");
    has_fact(s, "branch(\"a.b.R.f\", 0, \"a.b.E\").");
    has_fact(s, "branch(\"a.b.R.f\", 1, \"a.b.R\").");
}

/* Spark calls the record of a member `a` of `top` top.a, which is also the member's place. */
TEST(a_type_may_be_called_as_a_member_is)
{
    const char *inner = "{\"type\":\"record\",\"name\":\"a\",\"namespace\":\"top\",\"fields\":[]}";
    const char *other = "{\"type\":\"record\",\"name\":\"b\",\"namespace\":\"top\",\"fields\":[]}";
    char text[600];
    snprintf(text, sizeof(text),
             RECORD("top", "{\"name\":\"a\",\"type\":[%s,\"null\"]},{\"name\":\"c\",\"type\":%s},%s"), inner, other,
             FIELD("b", "\"int\""));
    has_fact(text, "branch(\"top.a\", 0, \"top.a~2\").");
    has_fact(text, "field(\"top\", \"b\", \"int32\", \"required\").");
    has_fact(text, "field(\"top\", \"c\", \"top.b~2\", \"required\").");
    has_fact(text, "option(\"top.b~2\", \"full\", \"top.b\").");
    has_fact(RECORD("any", FIELD("a", "[\"null\",\"any\"]")), "branch(\"any~2.a\", 0, \"any~2\").");
}

TEST(logical_types_are_formats_units_and_decimals)
{
    has_fact(RECORD("R", FIELD("t", "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}")),
             "format(\"R.t\", \"timestamp-micros\").");
    has_fact(RECORD("R", FIELD("t", "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}")),
             "unit(\"R.t\", \"us\").");
    has_fact(RECORD("R", FIELD("d", DECIMAL("\"precision\":4,\"scale\":2"))), "option(\"R.d\", \"decimal\", \"4,2\").");
    /* What does not fit its base is ignored. */
    has_fact(RECORD("R", FIELD("t", "{\"type\":\"string\",\"logicalType\":\"date\"}")),
             "field(\"R\", \"t\", \"string\", \"required\").");
    has_fact(RECORD("R", FIELD("d", DECIMAL("\"precision\":2,\"scale\":4"))),
             "field(\"R\", \"d\", \"bytes\", \"required\").");
}

TEST(decimals_are_equal_or_break)
{
    const char *old = DECIMAL("\"precision\":4,\"scale\":2");
    CHECK_INT(VERDICT_COMPATIBLE, level(RECORD("R", FIELD("a", "\"int\"")), RECORD("R", "")));
    breaks(old, DECIMAL("\"precision\":4,\"scale\":1"), "avro:TYPE_MISMATCH", "\"\"");
    CHECK_INT(VERDICT_COMPATIBLE, level(old, "\"bytes\""));
    CHECK_INT(VERDICT_COMPATIBLE, level("\"bytes\"", old));
}

TEST(units_of_time_that_differ_are_not_proven)
{
    CHECK_INT(VERDICT_UNPROVEN, level("{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}",
                                      "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}"));
    CHECK_INT(VERDICT_COMPATIBLE, level("\"long\"", "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}"));
    CHECK_INT(VERDICT_COMPATIBLE, level("{\"type\":\"int\",\"logicalType\":\"date\"}", "\"long\""));
}

TEST(every_break_is_called_as_avro_does_and_shown)
{
    breaks("\"long\"", "\"int\"", "avro:TYPE_MISMATCH", "0");
    breaks("\"double\"", "\"float\"", "avro:type_mismatch", "0");
    breaks("\"null\"", "\"int\"", "avro:TYPE_MISMATCH", "null");
    breaks("[\"null\",\"int\"]", "[\"string\",\"int\"]", "avro:MISSING_UNION_BRANCH", "null");
    breaks(FIXED("F", "4"), FIXED("F", "8"), "avro:FIXED_SIZE_MISMATCH", "\"AAAAAA==\"");
    breaks(FIXED("F", "4"), "\"bytes\"", "avro:TYPE_MISMATCH", "\"AAAAAA==\"");
    breaks(RECORD("R", ""), RECORD("S", ""), "avro:NAME_MISMATCH", "{}");
    breaks(RECORD("R", ""), RECORD("R", FIELD("a", "\"int\"")), "confluent:READER_FIELD_MISSING_DEFAULT_VALUE", "{}");
    breaks("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}",
           "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}", "avro:missing-enum-symbols", "\"B\"");
    /* Of several branches that fit, the value shows the one that is gone. */
    breaks("[\"int\",\"float\"]", "[\"int\"]", "avro:missing-union-branch", "0.5");
}

TEST(only_the_readers_aliases_count)
{
    const char *plain = RECORD("R", FIELD("a", "\"int\""));
    const char *renamed = RECORD("R", FIELD_WITH("b", "\"int\"", "\"aliases\":[\"a\"]"));
    CHECK_INT(VERDICT_COMPATIBLE, level(plain, renamed));
    CHECK_INT(VERDICT_BREAKING, level(renamed, plain));
    const char *known = "{\"type\":\"record\",\"name\":\"n.S\",\"aliases\":[\"R\"],\"fields\":[]}";
    CHECK_INT(VERDICT_COMPATIBLE, level("{\"type\":\"record\",\"name\":\"n.R\",\"fields\":[]}", known));
    /* The alias is n.R, which is no x.R. */
    CHECK_INT(VERDICT_BREAKING, level("{\"type\":\"record\",\"name\":\"x.R\",\"fields\":[]}", known));
    CHECK_INT(VERDICT_BREAKING, level(known, "{\"type\":\"record\",\"name\":\"n.R\",\"fields\":[]}"));
}

TEST(between_avro_schemas_the_wire_resolves_too)
{
    struct verdict *v = compare(RECORD("R", ""), RECORD("R", FIELD_WITH("a", "\"int\"", "\"default\":1")), "wire");
    CHECK_INT(VERDICT_COMPATIBLE, verdict_level(v));
    verdict_unref(&v);
    v = compare("\"long\"", "\"float\"", "wire");
    CHECK_INT(VERDICT_COMPATIBLE, verdict_level(v));
    verdict_unref(&v);
}

TEST(broken_schemas_are_refused_at_their_place)
{
    refused(RECORD("R", "\n  " FIELD("a", "\"Gone\"")), 2, 22, "unknown type `Gone`");
    refused(RECORD("R", FIELD("a", "\n " RECORD("R", ""))), 2, 2, "this name is taken already: `R`");
    refused(RECORD("R", FIELD("a", "\"int\"") ",\n" FIELD("a", "\"int\"")), 2, 1, "this field is there already: `a`");
    refused(RECORD("R", FIELD_WITH("a", "\"int\"", "\n\"default\":\"x\"")), 2, 11,
            "this is no default for its field: `\"x\"`");
    refused("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\n\"A\"]}", 2, 1,
            "this symbol is there already: `A`");
    refused("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"],\n\"default\":\"B\"}", 2, 11,
            "the default is no symbol: `B`");
    refused("[\"int\",\n\"int\"]", 2, 1, "two branches of a union are `int`");
    refused("[\"int\",\n[\"string\"]]", 2, 1, "a union stands directly in the union `Document`");
    refused("{\"type\":\"fixed\",\"name\":\"F\",\n\"size\":-1}", 2, 8, "a fixed type has no size: `F`");
    refused(RECORD("a b", ""), 1, 25, "this is no name: `a b`");
    refused("{\"type\":\"record\",\"fields\":[]}", 1, 1, "a named type has no name: `record`");
    refused("{\"protocol\":\"P\"}", 1, 1, "this is a protocol, not a schema: `P`");
}

TEST(defaults_are_values_of_their_types)
{
    static const char *const good[][2] = {
        {"[\"null\",\"int\"]", "null"},
        {"[\"int\",\"null\"]", "null"},
        {"\"bytes\"", "\"\\u00ff\""},
        {"\"double\"", "1"},
        {"{\"type\":\"array\",\"items\":\"long\"}", "[1,2]"},
        {"{\"type\":\"map\",\"values\":\"string\"}", "{\"a\":\"\"}"},
        {FIXED("F", "2"), "\"\\u0000\\u00ff\""},
        {RECORD("I", FIELD_WITH("x", "\"int\"", "\"default\":1")), "{}"},
        {"[\"null\",\"R\"]", "null"},
    };
    static const char *const bad[][2] = {
        {"\"int\"", "2147483648"},
        {"\"int\"", "1.5"},
        {"[\"null\",\"int\"]", "\"a\""},
        {"\"string\"", "null"},
        {FIXED("F", "2"), "\"a\""},
        {"{\"type\":\"array\",\"items\":\"long\"}", "[\"1\"]"},
        {RECORD("I", FIELD("x", "\"int\"")), "{}"},
    };
    char text[400];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        snprintf(text, sizeof(text), RECORD("R", "{\"name\":\"a\",\"type\":%s,\"default\":%s}"), good[i][0],
                 good[i][1]);
        has_fact(text, "default(\"R\", \"a\", ");
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char message[100];
        snprintf(text, sizeof(text), RECORD("R", "{\"name\":\"a\",\"type\":%s,\n\"default\":%s}"), bad[i][0],
                 bad[i][1]);
        snprintf(message, sizeof(message), "this is no default for its field: `%s`", bad[i][1]);
        refused(text, 2, 11, message);
    }
}

TESTS_BEGIN()
cmocka_unit_test(the_embedded_rules_load),
    TESTS_RUN(names_keep_their_namespace_and_aliases_get_one) TESTS_RUN(a_type_may_be_called_as_a_member_is)
        TESTS_RUN(logical_types_are_formats_units_and_decimals) TESTS_RUN(decimals_are_equal_or_break)
            TESTS_RUN(units_of_time_that_differ_are_not_proven) TESTS_RUN(every_break_is_called_as_avro_does_and_shown)
                TESTS_RUN(only_the_readers_aliases_count) TESTS_RUN(between_avro_schemas_the_wire_resolves_too)
                    TESTS_RUN(broken_schemas_are_refused_at_their_place) TESTS_RUN(defaults_are_values_of_their_types)
                        TESTS_END()
