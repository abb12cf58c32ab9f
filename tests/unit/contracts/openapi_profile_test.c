/* Every change of a schema that oasdiff has a name for, as a body, as a member and as a parameter, in requests and
 * in answers: what breaks, and that the finding carries the name. */
#include <stdio.h>
#include <string.h>

#include "contracts/facts.h"
#include "contracts/import.h"
#include "contracts/verdict.h"
#include "tests/kit/t.h"

enum who { NOBODY, REQUESTS, ANSWERS, BOTH };

struct change {
    const char *old, *new;
    enum who breaks;
    const char
        *called; /* by oasdiff, behind "request-property-" and the like; "P:": of members only; NULL: by nothing */
};

#define A "{$ref: '#/components/schemas/A'}"
#define B "{$ref: '#/components/schemas/B'}"

static const struct change changes[] = {
    {"{type: integer, maximum: 9}", "{type: integer, maximum: 5}", REQUESTS, "max-decreased"},
    {"{type: integer, maximum: 5}", "{type: integer, maximum: 9}", ANSWERS, "max-increased"},
    {"{type: integer, minimum: 5}", "{type: integer, minimum: 9}", REQUESTS, "min-increased"},
    {"{type: integer, minimum: 9}", "{type: integer, minimum: 5}", ANSWERS, "min-decreased"},
    {"{type: number, exclusiveMaximum: 9}", "{type: number, exclusiveMaximum: 5}", REQUESTS, "exclusive-max-decreased"},
    {"{type: number, exclusiveMaximum: 5}", "{type: number, exclusiveMaximum: 9}", ANSWERS, "exclusive-max-increased"},
    {"{type: number, exclusiveMinimum: 5}", "{type: number, exclusiveMinimum: 9}", REQUESTS, "exclusive-min-increased"},
    {"{type: number, exclusiveMinimum: 9}", "{type: number, exclusiveMinimum: 5}", ANSWERS, "exclusive-min-decreased"},
    {"{type: integer}", "{type: integer, maximum: 5}", REQUESTS, "max-set"},
    {"{type: integer, maximum: 5}", "{type: integer}", ANSWERS, "max-unset"},
    {"{type: integer}", "{type: integer, minimum: 5}", REQUESTS, "min-set"},
    {"{type: integer, minimum: 5}", "{type: integer}", ANSWERS, "min-unset"},
    {"{type: string, maxLength: 9}", "{type: string, maxLength: 5}", REQUESTS, "max-length-decreased"},
    {"{type: string, maxLength: 5}", "{type: string, maxLength: 9}", ANSWERS, "max-length-increased"},
    {"{type: string, minLength: 5}", "{type: string, minLength: 9}", BOTH, "min-length-increased"},
    {"{type: string, minLength: 9}", "{type: string, minLength: 5}", ANSWERS, "min-length-decreased"},
    {"{type: string}", "{type: string, maxLength: 5}", REQUESTS, "max-length-set"},
    {"{type: string, maxLength: 5}", "{type: string}", ANSWERS, "max-length-unset"},
    {"{type: string}", "{type: string, minLength: 5}", REQUESTS, "min-length-set"},
    {"{type: string, minLength: 5}", "{type: string}", ANSWERS, "min-length-unset"},
    {"{type: array, items: {type: string}, maxItems: 9}", "{type: array, items: {type: string}, maxItems: 5}", REQUESTS,
     "max-items-decreased"},
    {"{type: array, items: {type: string}, maxItems: 5}", "{type: array, items: {type: string}, maxItems: 9}", ANSWERS,
     "max-items-increased"},
    {"{type: array, items: {type: string}, minItems: 5}", "{type: array, items: {type: string}, minItems: 9}", REQUESTS,
     "min-items-increased"},
    {"{type: array, items: {type: string}, minItems: 9}", "{type: array, items: {type: string}, minItems: 5}", ANSWERS,
     "min-items-decreased"},
    {"{type: array, items: {type: string}}", "{type: array, items: {type: string}, minItems: 9}", REQUESTS,
     "min-items-set"},
    {"{type: array, items: {type: string}, minItems: 9}", "{type: array, items: {type: string}}", ANSWERS,
     "min-items-unset"},
    {"{type: integer, multipleOf: 2}", "{type: integer, multipleOf: 3}", BOTH, NULL},
    {"{type: integer, multipleOf: 3}", "{type: integer, multipleOf: 2}", BOTH, NULL},
    {"{type: object, minProperties: 1}", "{type: object, minProperties: 2}", REQUESTS, NULL},
    {"{type: object, minProperties: 2}", "{type: object, minProperties: 1}", ANSWERS, NULL},
    {"{type: object, maxProperties: 9}", "{type: object, maxProperties: 2}", REQUESTS, NULL},
    {"{type: object, maxProperties: 2}", "{type: object, maxProperties: 9}", ANSWERS, NULL},
    {"{type: array, items: {type: string}}", "{type: array, items: {type: string}, uniqueItems: true}", REQUESTS, NULL},
    {"{type: array, items: {type: string}, uniqueItems: true}", "{type: array, items: {type: string}}", ANSWERS, NULL},
    {"{type: array}", "{type: array, contains: {type: string}}", REQUESTS, "contains-added"},
    {"{type: array, contains: {type: string}}", "{type: array}", ANSWERS, "contains-removed"},
    {"{type: object}", "{type: object, patternProperties: {'^x': {type: string}}}", REQUESTS, "pattern-property-added"},
    {"{type: object, patternProperties: {'^x': {type: string}}}", "{type: object}", ANSWERS,
     "pattern-property-removed"},
    {"{type: object}", "{type: object, propertyNames: {maxLength: 3}}", REQUESTS, "property-names-added"},
    {"{type: object, propertyNames: {maxLength: 3}}", "{type: object}", ANSWERS, "property-names-removed"},
    {"{type: object, properties: {a: {type: string}}}",
     "{type: object, properties: {a: {type: string}}, dependentRequired: {a: [b]}}", REQUESTS,
     "dependent-required-added"},
    {"{type: object, properties: {a: {type: string}}, dependentRequired: {a: [b]}}",
     "{type: object, properties: {a: {type: string}}}", ANSWERS, "dependent-required-removed"},
    {"{type: object, dependentRequired: {a: [b]}}", "{type: object, dependentRequired: {a: [b, c]}}", REQUESTS,
     "dependent-required-changed"},
    {"{type: object, dependentRequired: {a: [b, c]}}", "{type: object, dependentRequired: {a: [b]}}", ANSWERS,
     "dependent-required-changed"},
    {"{type: object}", "{type: object, dependentSchemas: {a: {required: [b]}}}", REQUESTS, "dependent-schema-added"},
    {"{type: object, dependentSchemas: {a: {required: [b]}}}", "{type: object}", ANSWERS, "dependent-schema-removed"},
    {"{type: object}", "{type: object, if: {required: [a]}, then: {required: [b]}, else: {required: [c]}}", REQUESTS,
     "if-added"},
    {"{type: object, if: {required: [a]}, then: {required: [b]}, else: {required: [c]}}", "{type: object}", ANSWERS,
     "if-removed"},
    {"{type: object, if: {required: [a]}}", "{type: object, if: {required: [a]}, then: {required: [b]}}", REQUESTS,
     "then-added"},
    {"{type: object, if: {required: [a]}, then: {required: [b]}}", "{type: object, if: {required: [a]}}", ANSWERS,
     "then-removed"},
    {"{type: object, if: {required: [a]}}", "{type: object, if: {required: [a]}, else: {required: [b]}}", REQUESTS,
     "else-added"},
    {"{type: object, if: {required: [a]}, else: {required: [b]}}", "{type: object, if: {required: [a]}}", ANSWERS,
     "else-removed"},
    {"{type: object}", "{type: object, unevaluatedProperties: false}", REQUESTS, "unevaluated-properties-added"},
    {"{type: object, unevaluatedProperties: false}", "{type: object}", ANSWERS, "unevaluated-properties-removed"},
    {"{type: array}", "{type: array, unevaluatedItems: false}", REQUESTS, "unevaluated-items-added"},
    {"{type: array, unevaluatedItems: false}", "{type: array}", ANSWERS, "unevaluated-items-removed"},
    {"{type: string}", "{type: string, const: a}", REQUESTS, "const-added"},
    {"{type: string, const: a}", "{type: string}", ANSWERS, "const-removed"},
    {"{type: string, const: a}", "{type: string, const: b}", BOTH, "const-changed"},
    {"{type: string, const: b}", "{type: string, const: a}", BOTH, "const-changed"},
    {"{type: integer, const: 1}", "{type: integer, const: 2}", BOTH, "const-changed"},
    {"{type: integer, const: 2}", "{type: integer, const: 1}", BOTH, "const-changed"},
    {"{type: string, enum: [a, b]}", "{type: string, enum: [a]}", REQUESTS, "enum-value-removed"},
    {"{type: string, enum: [a]}", "{type: string, enum: [a, b]}", ANSWERS, "enum-value-added"},
    {"{type: integer, enum: [1, 2]}", "{type: integer, enum: [1]}", REQUESTS, "enum-value-removed"},
    {"{type: integer, enum: [1]}", "{type: integer, enum: [1, 2]}", ANSWERS, "enum-value-added"},
    {"{type: string}", "{type: string, enum: [a]}", REQUESTS, "became-enum"},
    {"{type: string, enum: [a]}", "{type: string}", ANSWERS, NULL},
    {"{type: string, x-extensible-enum: [a, b]}", "{type: string, x-extensible-enum: [a]}", REQUESTS,
     "x-extensible-enum-value-removed"},
    {"{type: string, x-extensible-enum: [a]}", "{type: string, x-extensible-enum: [a, b]}", NOBODY, NULL},
    {"{type: [string, 'null']}", "{type: string}", REQUESTS, "became-not-nullable"},
    {"{type: string}", "{type: [string, 'null']}", ANSWERS, "became-nullable"},
    {"{type: string}", "{type: integer}", BOTH, "type-changed"},
    {"{type: integer}", "{type: string}", BOTH, "type-changed"},
    {"{type: integer}", "{type: number}", ANSWERS, "type-generalized"},
    {"{type: number}", "{type: integer}", REQUESTS, NULL},
    {"{type: [string, integer]}", "{type: [string]}", REQUESTS, "list-of-types-narrowed"},
    {"{type: [string]}", "{type: [string, integer]}", ANSWERS, "list-of-types-widened"},
    {"{}", "{type: string}", REQUESTS, "type-changed"},
    {"{type: string}", "{}", ANSWERS, "type-changed"},
    {"{type: string}", "{type: string, format: uuid}", REQUESTS, "type-changed"},
    {"{type: string, format: uuid}", "{type: string}", ANSWERS, "type-changed"},
    {"{type: string, format: date}", "{type: string, format: uuid}", BOTH, "type-changed"},
    {"{type: string, format: uuid}", "{type: string, format: date}", BOTH, "type-changed"},
    {"{type: integer, format: int64}", "{type: integer, format: int32}", BOTH, "type-changed"},
    {"{type: integer, format: int32}", "{type: integer, format: int64}", BOTH, "type-changed"},
    {"{type: string}", "{type: string, pattern: '^a$'}", REQUESTS, "pattern-added"},
    {"{type: string, pattern: '^a$'}", "{type: string}", NOBODY, "pattern-removed"},
    {"{type: string, pattern: '^a$'}", "{type: string, pattern: '^b$'}", REQUESTS, "pattern-changed"},
    {"{type: string, pattern: '^b$'}", "{type: string, pattern: '^a$'}", REQUESTS, "pattern-changed"},
    {"{oneOf: [" A ", " B "]}", "{oneOf: [" A "]}", REQUESTS, "one-of-removed"},
    {"{oneOf: [" A "]}", "{oneOf: [" A ", " B "]}", ANSWERS, "one-of-added"},
    {"{anyOf: [" A ", " B "]}", "{anyOf: [" A "]}", REQUESTS, "any-of-removed"},
    {"{anyOf: [" A "]}", "{anyOf: [" A ", " B "]}", ANSWERS, "any-of-added"},
    {"{oneOf: [{type: string}, {type: integer}]}", "{oneOf: [{type: string}]}", REQUESTS, NULL},
    {"{oneOf: [{type: string}]}", "{oneOf: [{type: string}, {type: integer}]}", ANSWERS, NULL},
    {"{allOf: [" A "]}", "{allOf: [" A ", " B "]}", REQUESTS, "all-of-added"},
    {"{allOf: [" A ", " B "]}", "{allOf: [" A "]}", REQUESTS, "all-of-removed"},
    {"{type: array, prefixItems: [{type: string}, {type: string}]}", "{type: array, prefixItems: [{type: string}]}",
     BOTH, "prefix-items-removed"},
    {"{type: array, prefixItems: [{type: string}]}", "{type: array, prefixItems: [{type: string}, {type: string}]}",
     BOTH, "prefix-items-added"},
    {"{type: string, contentEncoding: base64}", "{type: string, contentEncoding: base32}", BOTH,
     "content-encoding-changed"},
    {"{type: string, contentEncoding: base32}", "{type: string, contentEncoding: base64}", BOTH,
     "content-encoding-changed"},
    {"{type: string, contentMediaType: image/png}", "{type: string, contentMediaType: image/gif}", BOTH,
     "content-media-type-changed"},
    {"{type: string, contentMediaType: image/gif}", "{type: string, contentMediaType: image/png}", BOTH,
     "content-media-type-changed"},
    {"{type: string, contentMediaType: application/json}",
     "{type: string, contentMediaType: application/json, contentSchema: {type: object}}", REQUESTS,
     "content-schema-added"},
    {"{type: string, contentMediaType: application/json, contentSchema: {type: object}}",
     "{type: string, contentMediaType: application/json}", ANSWERS, "content-schema-removed"},
    {"{type: object, properties: {a: {type: string}}}",
     "{type: object, properties: {a: {type: string}}, required: [a]}", REQUESTS, "P:became-required"},
    {"{type: object, properties: {a: {type: string}}, required: [a]}",
     "{type: object, properties: {a: {type: string}}}", ANSWERS, "P:became-optional"},
    {"{type: object}", "{type: object, properties: {a: {type: string}}, required: [a]}", REQUESTS, NULL},
    {"{type: object, properties: {a: {type: string}}, required: [a]}", "{type: object}", ANSWERS, NULL},
    {"{type: object}", "{type: object, properties: {a: {type: string}}}", NOBODY, NULL},
    {"{type: object, properties: {a: {type: string}}}", "{type: object}", NOBODY, NULL},
    {"{type: object}", "{type: object, properties: {a: {type: string, default: x}}, required: [a]}", REQUESTS, NULL},
    {"{type: object, properties: {a: {type: string, default: x}}, required: [a]}", "{type: object}", ANSWERS, NULL},
    {"{type: object, properties: {a: {type: string, default: x}}}",
     "{type: object, properties: {a: {type: string, default: x}}, required: [a]}", REQUESTS, NULL},
    {"{type: object, properties: {a: {type: string, default: x}}, required: [a]}",
     "{type: object, properties: {a: {type: string, default: x}}}", ANSWERS, NULL},
    {"{type: object, properties: {a: {type: string}}}",
     "{type: object, properties: {a: {type: string}}, additionalProperties: false}", NOBODY, NULL},
    {"{type: object, properties: {a: {type: string}}, additionalProperties: false}",
     "{type: object, properties: {a: {type: string}}}", NOBODY, NULL},
    {"{type: object, additionalProperties: {type: string}}", "{type: object, additionalProperties: {type: integer}}",
     BOTH, NULL},
    {"{type: object, additionalProperties: {type: integer}}", "{type: object, additionalProperties: {type: string}}",
     BOTH, NULL},
};

static const char *const places[][2] = {
    {"body", "requestBody: {required: true, content: {application/json: {schema: %s}}}, responses: {}"},
    {"property",
     "requestBody: {required: true, content: {application/json: {schema: {type: object, properties: {p: %s}}}}}, "
     "responses: {}"},
    {"parameter", "parameters: [{in: query, name: n, schema: %s}], responses: {}"},
    {"body", "responses: {'200': {description: d, content: {application/json: {schema: %s}}}}"},
    {"property",
     "responses: {'200': {description: d, content: {application/json: {schema: {type: object, properties: {p: "
     "%s}}}}}}"},
};
enum { PLACES = sizeof(places) / sizeof(places[0]), FIRST_ANSWER = 3 };

static struct contract *read_api(const char *place, const char *schema)
{
    char body[2048], text[4096];
    snprintf(body, sizeof(body), place, schema);
    snprintf(
        text, sizeof(text),
        "openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths: {/a: {post: {%s}}}\ncomponents: {schemas: "
        "{A: {type: object, properties: {a: {type: string}}}, B: {type: object, properties: {b: {type: string}}}}}\n",
        body);
    struct diag diag;
    struct contract *c = NULL;
    struct import_input in = {.format = IMPORT_OPENAPI, .name = "t.yaml", .text = slice_str(text)};
    diag_init(&diag);
    CHECK_ERR(ERR_OK, import_contract(&in, &diag, &c));
    diag_fini(&diag);
    return c;
}

static bool is_called(const struct verdict *v, const char *name)
{
    for (size_t i = 0; i < verdict_finding_count(v); i++)
        for (size_t k = 0; k < verdict_finding(v, i)->also_count; k++)
            if (slice_eq(verdict_finding(v, i)->also[k], slice_str(name)))
                return true;
    return false;
}

static bool has_name(const struct change *c, size_t place)
{
    return c->called && (strncmp(c->called, "P:", 2) != 0 || strcmp(places[place][0], "parameter") != 0);
}

static void name_of(const struct change *c, size_t place, char *name, size_t room)
{
    const char *direction = place < FIRST_ANSWER ? "request" : "response";
    if (strncmp(c->called, "P:", 2) == 0)
        snprintf(name, room, "oasdiff:%s-property-%s", direction, c->called + 2);
    else
        snprintf(name, room, "oasdiff:%s-%s-%s", direction, places[place][0], c->called);
}

static bool is_as_said(const struct change *c, size_t place)
{
    struct contract *old = read_api(places[place][1], c->old), *new = read_api(places[place][1], c->new);
    struct profile p;
    CHECK_ERR(ERR_OK, profile_init(&p, SLICE("openapi")));
    struct verdict *v = verdict_compute_as(old, new, &p);
    profile_fini(&p);
    bool breaks = c->breaks == BOTH || c->breaks == (place < FIRST_ANSWER ? REQUESTS : ANSWERS);
    bool right = (verdict_level(v) == VERDICT_BREAKING) == breaks && verdict_level(v) != VERDICT_UNPROVEN;
    char name[160] = "";
    if (has_name(c, place)) {
        name_of(c, place, name, sizeof(name));
        right = right && is_called(v, name);
    }
    if (!right)
        fprintf(stderr, "%s -> %s: %s, not called %s\n", c->old, c->new, verdict_level_name(verdict_level(v)), name);
    verdict_unref(&v);
    contract_unref(&old);
    contract_unref(&new);
    return right;
}

/* First, so that what is loaded once is no leak. */
TEST(the_embedded_rules_load)
{
    CHECK(facts_program() != NULL);
}

TEST(changes_of_schemas_break_where_oasdiff_says_so_and_are_called_so)
{
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        for (size_t place = 0; place < PLACES; place++)
            wrong += !is_as_said(&changes[i], place);
    CHECK_INT(0, wrong);
}

TESTS_BEGIN()
cmocka_unit_test(the_embedded_rules_load),
    TESTS_RUN(changes_of_schemas_break_where_oasdiff_says_so_and_are_called_so) TESTS_END()
