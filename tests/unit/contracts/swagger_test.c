#include <stdio.h>

#include "contracts/facts.h"
#include "contracts/import.h"
#include "contracts/verdict.h"
#include "tests/kit/t.h"

#define HEAD "swagger: '2.0'\ninfo: {title: Shop, version: 1.0.0}\n"
#define OK "responses: {'200': {description: d}}"
#define POST(more) HEAD "paths: {/a: {post: {" more ", " OK "}}}\n"

static struct contract *read_api(const char *text)
{
    struct diag diag;
    struct contract *c = NULL;
    struct import_input in = {.format = IMPORT_AUTO, .name = "shop.yaml", .text = slice_str(text)};
    diag_init(&diag);
    enum err e = import_contract(&in, &diag, &c);
    if (e != ERR_OK)
        fprintf(stderr, "%.*s\n", SLICE_FMT(diag.first->message));
    diag_fini(&diag);
    CHECK_ERR(ERR_OK, e);
    return c;
}

static void has_facts(const char *api, const char *const *facts)
{
    struct contract *c = read_api(api);
    for (; *facts; facts++) {
        if (!slice_has(contract_text(c), slice_str(*facts)))
            fprintf(stderr, "no %s in\n%.*s", *facts, SLICE_FMT(contract_text(c)));
        CHECK(slice_has(contract_text(c), slice_str(*facts)));
    }
    contract_unref(&c);
}

static void compare(const char *old, const char *new, enum verdict_level level, const char *rule)
{
    struct contract *a = read_api(old), *b = read_api(new);
    struct verdict *v = verdict_compute(a, b);
    CHECK_INT(level, verdict_level(v));
    if (rule) {
        CHECK(verdict_finding_count(v) > 0);
        CHECK_SLICE(slice_str(rule), verdict_finding(v, 0)->rule);
    }
    verdict_unref(&v);
    contract_unref(&a);
    contract_unref(&b);
}

/* First, so that what is loaded once is no leak. */
TEST(the_embedded_rules_load)
{
    CHECK(facts_program() != NULL);
}

TEST(a_body_is_asked_for_in_each_type_that_is_consumed)
{
    static const char *const facts[] = {
        "request(\"POST /a\", \"application/json\", \"Pet\").",
        "request(\"POST /a\", \"application/xml\", \"Pet\").",
        "option(\"POST /a\", \"request-body\", \"optional\").",
        "field(\"Pet\", \"name\", \"string\", \"required\").",
        NULL,
    };
    static const char *const nearer[] = {"request(\"POST /a\", \"text/plain\", \"string\").", NULL};
    has_facts(HEAD "consumes: [application/json, application/xml]\n"
                   "paths: {/a: {post: {parameters: [{name: b, in: body, schema: {$ref: '#/definitions/Pet'}}], " OK
                   "}}}\ndefinitions: {Pet: {type: object, required: [name], properties: {name: {type: string}}}}\n",
              facts);
    has_facts(HEAD "consumes: [application/json]\n"
                   "paths: {/a: {post: {consumes: [text/plain], parameters: [{name: b, in: body, required: true, "
                   "schema: {type: string}}], " OK "}}}\n",
              nearer);
}

TEST(fields_of_a_form_are_one_body)
{
    static const char *const facts[] = {
        "request(\"POST /a\", \"multipart/form-data\", \"POST /a.body\").",
        "field(\"POST /a.body\", \"f\", \"POST /a.body.f\", \"required\").",
        "field(\"POST /a.body\", \"n\", \"integer\", \"optional\").",
        "format(\"POST /a.body.f\", \"binary\").",
        NULL,
    };
    static const char *const plain[] = {
        "request(\"POST /a\", \"application/x-www-form-urlencoded\", \"POST /a.body\").",
        "option(\"POST /a\", \"request-body\", \"optional\").", NULL};
    has_facts(POST("parameters: [{name: f, in: formData, type: file, required: true}, {name: n, in: formData, type: "
                   "integer}]"),
              facts);
    has_facts(POST("parameters: [{name: n, in: formData, type: integer}]"), plain);
}

TEST(parameters_are_their_own_schemas_and_may_be_referred_to)
{
    static const char *const facts[] = {
        "param(\"POST /a\", \"query\", \"n\", \"POST /a.query.n\", \"required\").",
        "bound(\"POST /a.query.n\", \"max\", \"9\").",
        "option(\"POST /a.query.n\", \"default\", \"5\").",
        "param(\"POST /a\", \"header\", \"X-T\", \"string\", \"optional\").",
        NULL,
    };
    has_facts(HEAD
              "parameters: {N: {name: n, in: query, required: true, type: integer, maximum: 9, default: 5}}\n"
              "paths: {/a: {parameters: [{name: X-T, in: header, type: string}, {name: n, in: query, type: string}], "
              "post: {parameters: [{$ref: '#/parameters/N'}], " OK "}}}\n",
              facts);
}

TEST(lists_are_written_as_collection_format_says)
{
    static const char *const facts[] = {
        "option(\"POST /a.query.csv\", \"style\", \"form join\").",
        "option(\"POST /a.query.pipes\", \"style\", \"pipeDelimited join\").",
        "option(\"POST /a.query.deep\", \"style\", \"form of ssv join\").",
        NULL,
    };
    const char *lists =
        POST("parameters: [{name: csv, in: query, type: array, items: {type: string}}, {name: pipes, in: "
             "query, type: array, collectionFormat: pipes, items: {type: string}}, {name: multi, in: query, "
             "type: array, collectionFormat: multi, items: {type: string}}, {name: deep, in: query, type: "
             "array, items: {type: array, collectionFormat: ssv, items: {type: string}}}]");
    has_facts(lists, facts);
    struct contract *c = read_api(lists);
    CHECK(!slice_has(contract_text(c), SLICE("option(\"POST /a.query.multi\", \"style\"")));
    contract_unref(&c);
    compare(POST("parameters: [{name: l, in: query, type: array, items: {type: string}}]"),
            POST("parameters: [{name: l, in: query, type: array, collectionFormat: multi, items: {type: string}}]"),
            VERDICT_BREAKING, "param-style-changed");
}

TEST(answers_have_a_body_where_they_have_a_schema)
{
    static const char *const facts[] = {
        "response(\"GET /a\", \"200\", \"application/json\", \"string\").",
        "response(\"GET /a\", \"404\", \"application/json\", \"Error\").",
        "response(\"GET /a\", \"default\", \"\", \"\").",
        "header(\"GET /a\", \"200\", \"x-n\", \"integer\", \"optional\").",
        "nullable(\"Error.code\").",
        NULL,
    };
    has_facts(HEAD
              "produces: [application/json]\nresponses: {Gone: {description: d, schema: {$ref: "
              "'#/definitions/Error'}}}\n"
              "definitions: {Error: {type: object, properties: {code: {type: string, x-nullable: true}}}}\n"
              "paths: {/a: {get: {responses: {'200': {description: d, schema: {type: string}, headers: {X-N: {type: "
              "integer, description: h}}}, '404': {$ref: '#/responses/Gone'}, default: {description: d}}}}}\n",
              facts);
}

TEST(security_definitions_are_schemes)
{
    static const char *const facts[] = {
        "security(\"GET /a\", 0, \"oauth2\", \"read\").",
        "security(\"GET /a\", 1, \"http basic\", \"\").",
        "security(\"GET /a\", 2, \"apiKey header X-Key\", \"\").",
        "option(\"GET /a\", \"scheme o\", \"oauth2  clientCredentials https://t\").",
        NULL,
    };
    has_facts(HEAD
              "security: [{o: [read]}, {b: []}, {k: []}]\npaths: {/a: {get: {" OK "}}}\nsecurityDefinitions:\n"
              "  o: {type: oauth2, flow: application, tokenUrl: 'https://t', scopes: {read: r}}\n  b: {type: basic}\n"
              "  k: {type: apiKey, in: header, name: X-Key}\n",
              facts);
}

TEST(the_same_api_in_openapi_3_is_the_same)
{
    const char *two =
        HEAD "consumes: [application/json]\nproduces: [application/json]\n"
             "paths: {/a: {post: {parameters: [{name: b, in: body, required: true, schema: {$ref: "
             "'#/definitions/Pet'}}, {name: l, in: query, type: array, collectionFormat: multi, items: {type: "
             "string}}], responses: {'200': {description: d, schema: {$ref: '#/definitions/Pet'}}}}}}\n"
             "definitions: {Pet: {type: object, properties: {a: {type: string}}}}\n";
    const char *three =
        "openapi: 3.0.3\ninfo: {title: Shop, version: 1.0.0}\n"
        "paths: {/a: {post: {parameters: [{name: l, in: query, schema: {type: array, items: {type: string}}}], "
        "requestBody: "
        "{required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}, responses: "
        "{'200': "
        "{description: d, content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}}}}}\n"
        "components: {schemas: {Pet: {type: object, properties: {a: {type: string}}}}}\n";
    compare(two, three, VERDICT_SAME, NULL);
    compare(three, two, VERDICT_SAME, NULL);
}

TEST(a_reference_that_leads_nowhere_names_its_place)
{
    struct diag diag;
    struct contract *c = NULL;
    struct import_input in = {.format = IMPORT_OPENAPI,
                              .name = "shop.yaml",
                              .text = SLICE(POST("parameters: [{$ref: '#/parameters/None'}]"))};
    diag_init(&diag);
    CHECK_ERR(ERR_INPUT, import_contract(&in, &diag, &c));
    CHECK_TEXT("this reference leads nowhere: `#/parameters/None`", diag.first->message);
    CHECK_INT(3, diag.first->line);
    diag_fini(&diag);
}

TESTS_BEGIN()
cmocka_unit_test(the_embedded_rules_load),
    TESTS_RUN(a_body_is_asked_for_in_each_type_that_is_consumed) TESTS_RUN(fields_of_a_form_are_one_body)
        TESTS_RUN(parameters_are_their_own_schemas_and_may_be_referred_to)
            TESTS_RUN(lists_are_written_as_collection_format_says)
                TESTS_RUN(answers_have_a_body_where_they_have_a_schema) TESTS_RUN(security_definitions_are_schemes)
                    TESTS_RUN(the_same_api_in_openapi_3_is_the_same)
                        TESTS_RUN(a_reference_that_leads_nowhere_names_its_place) TESTS_END()
