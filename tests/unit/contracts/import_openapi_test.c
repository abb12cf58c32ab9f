#include <stdio.h>
#include <string.h>

#include "contracts/facts.h"
#include "contracts/import.h"
#include "contracts/verdict.h"
#include "tests/kit/t.h"

#define HEAD "openapi: 3.1.0\ninfo: {title: Shop, version: 1.0.0}\n"
#define OK "responses: {'200': {description: d}}"

static struct contract *read_api(const char *text)
{
    struct diag diag;
    struct contract *c = NULL;
    struct import_input in = {.format = IMPORT_OPENAPI, .name = "shop.yaml", .text = slice_str(text)};
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

static bool is_found(const struct verdict *v, const char *rule, const char *also)
{
    for (size_t i = 0; i < verdict_finding_count(v); i++) {
        const struct verdict_finding *f = verdict_finding(v, i);
        bool known = !also;
        for (size_t k = 0; k < f->also_count; k++)
            known = known || slice_eq(f->also[k], slice_str(also));
        if (known && slice_eq(f->rule, slice_str(rule)))
            return true;
    }
    return false;
}

static struct verdict *compute_as(struct contract *consumer, struct contract *provider, const char *name)
{
    struct profile p;
    CHECK_ERR(ERR_OK, profile_init(&p, slice_str(name)));
    struct verdict *v = verdict_compute_as(consumer, provider, &p);
    profile_fini(&p);
    return v;
}

/* Some finding is of this rule and known elsewhere by this name; `rule` NULL: nothing is worse than a note. */
static void finds(const char *old, const char *new, const char *profile, enum verdict_level level, const char *rule,
                  const char *also)
{
    struct contract *a = read_api(old), *b = read_api(new);
    struct verdict *v = compute_as(a, b, profile);
    CHECK_INT(level, verdict_level(v));
    CHECK(!rule || is_found(v, rule, also));
    verdict_unref(&v);
    contract_unref(&a);
    contract_unref(&b);
}

/* First, so that what is loaded once is no leak. */
TEST(the_embedded_rules_load)
{
    CHECK(facts_program() != NULL);
}

TEST(parameters_of_an_operation_replace_those_of_its_path)
{
    static const char *const facts[] = {
        "param(\"GET /a\", \"query\", \"n\", \"int32\", \"required\").",
        "param(\"GET /a\", \"header\", \"X-Trace\", \"string\", \"optional\").",
        "option(\"GET /a.query.n\", \"default\", \"7\").",
        "option(\"GET /a.query.l\", \"style\", \"form join\").",
        NULL,
    };
    has_facts(HEAD
              "paths:\n  /a:\n    parameters:\n"
              "      - {name: n, in: query, schema: {type: string}}\n"
              "      - {name: X-Trace, in: header, schema: {type: string}}\n"
              "    get:\n      parameters:\n"
              "        - {name: n, in: query, required: true, schema: {type: integer, format: int32, default: 7}}\n"
              "        - {name: l, in: query, explode: false, schema: {type: array, items: {type: string}}}\n"
              "      " OK "\n",
              facts);
}

TEST(webhooks_and_callbacks_are_operations_that_the_provider_calls)
{
    static const char *const facts[] = {
        "callback(\"webhook POST paid\").",
        "request(\"webhook POST paid\", \"application/json\", \"string\").",
        "callback(\"POST /a callback done POST {$request.body#/url}\").",
        "http(\"POST /a\", \"POST\", \"/a\").",
        NULL,
    };
    has_facts(HEAD "paths:\n  /a:\n    post:\n      " OK "\n      callbacks:\n        done:\n"
                   "          '{$request.body#/url}':\n            post: {" OK "}\n"
                   "webhooks:\n  paid:\n    post:\n      requestBody: {content: {application/json: {schema: {type: "
                   "string}}}}\n      " OK "\n",
              facts);
}

#define SECURE(security, schemes)                                           \
    HEAD "paths:\n  /a:\n    get:\n      " OK "\n      security: " security \
         "\ncomponents:\n  securitySchemes:\n" schemes
#define KEY "    key: {type: apiKey, in: header, name: X-Key}\n"

TEST(a_scheme_is_what_must_be_shown_and_its_name_when_another_shows_the_same)
{
    static const char *const facts[] = {"security(\"GET /a\", 0, \"apiKey header X-Key\", \"\").",
                                        "security(\"GET /a\", 1, \"http bearer\", \"write\").", NULL};
    static const char *const twice[] = {"security(\"GET /a\", 0, \"key: apiKey header X-Key\", \"\").", NULL};
    has_facts(SECURE("[{key: []}, {jwt: [write]}]", KEY "    jwt: {type: http, scheme: Bearer}\n"), facts);
    has_facts(SECURE("[{key: []}]", KEY "    other: {type: apiKey, in: header, name: X-Key}\n"), twice);
}

TEST(security_may_gain_alternatives_and_lose_none)
{
    const char *one = SECURE("[{key: []}]", KEY "    jwt: {type: http, scheme: bearer}\n");
    const char *two = SECURE("[{key: []}, {jwt: []}]", KEY "    jwt: {type: http, scheme: bearer}\n");
    const char *both = SECURE("[{key: [], jwt: []}]", KEY "    jwt: {type: http, scheme: bearer}\n");
    const char *none = HEAD "paths: {/a: {get: {" OK "}}}\n";
    finds(one, two, "openapi", VERDICT_COMPATIBLE, NULL, NULL);
    finds(two, one, "openapi", VERDICT_BREAKING, "security-tightened", "oasdiff:api-security-updated");
    finds(one, both, "openapi", VERDICT_BREAKING, "security-tightened", NULL);
    finds(none, one, "openapi", VERDICT_BREAKING, "security-added", "oasdiff:api-security-added");
}

#define ASKED(body) HEAD "paths: {/a: {post: {requestBody: " body ", " OK "}}}\n"
#define ANSWERED(schema)                                                                                       \
    HEAD "paths: {/a: {get: {responses: {'200': {description: d, content: {application/json: {schema: " schema \
         "}}}}}}}\n"
#define JSON(schema) "{required: true, content: {application/json: {schema: " schema "}}}"

TEST(findings_say_what_oasdiff_calls_them)
{
    finds(ASKED(JSON("{type: object, properties: {a: {type: string, maxLength: 9}}}")),
          ASKED(JSON("{type: object, properties: {a: {type: string, maxLength: 5}}}")), "openapi", VERDICT_BREAKING,
          "bound-tightened", "oasdiff:request-property-max-length-decreased");
    finds(ANSWERED("{type: object, properties: {a: {type: string, maxLength: 5}}}"),
          ANSWERED("{type: object, properties: {a: {type: string, maxLength: 9}}}"), "openapi", VERDICT_BREAKING,
          "bound-loosened", "oasdiff:response-property-max-length-increased");
    finds(ASKED(JSON("{type: object, properties: {a: {type: string}}}")),
          ASKED(JSON("{type: object, required: [a], properties: {a: {type: string}}}")), "openapi", VERDICT_BREAKING,
          "member-became-required", "oasdiff:request-property-became-required");
    finds(ASKED("{content: {application/json: {schema: {type: string}}}}"), ASKED(JSON("{type: string}")), "openapi",
          VERDICT_BREAKING, "body-became-required", "oasdiff:request-body-became-required");
}

TEST(changes_that_break_nobody_are_noted_in_the_profile_openapi_only)
{
    const char *old = ANSWERED("{type: object, properties: {a: {type: string}}}");
    const char *new = ANSWERED("{type: object, required: [a], properties: {a: {type: string}}}");
    finds(old, new, "openapi", VERDICT_COMPATIBLE, "noted", "oasdiff:response-property-became-required");
    struct contract *a = read_api(old), *b = read_api(new);
    struct verdict *v = compute_as(a, b, "wire");
    CHECK_INT(0, verdict_finding_count(v));
    verdict_unref(&v);
    contract_unref(&a);
    contract_unref(&b);
}

#define CALLED(schema) \
    HEAD "webhooks: {paid: {post: {requestBody: {content: {application/json: {schema: " schema "}}}, " OK "}}}\n"

TEST(the_roles_of_a_webhook_are_turned)
{
    const char *may = CALLED("{type: object, properties: {id: {type: string}}}");
    const char *must = CALLED("{type: object, required: [id], properties: {id: {type: string}}}");
    finds(must, may, "openapi", VERDICT_BREAKING, "member-became-optional", NULL);
    finds(must, HEAD "paths: {}\n", "openapi", VERDICT_BREAKING, "operation-removed", "oasdiff:webhook-removed");
}

TEST(a_sunset_is_a_date_that_stays)
{
    const char *day = HEAD "paths: {/a: {get: {deprecated: true, x-sunset: '2031-01-31', " OK "}}}\n";
    const char *none = HEAD "paths: {/a: {get: {deprecated: true, " OK "}}}\n";
    const char *soon = HEAD "paths: {/a: {get: {deprecated: true, x-sunset: soon, " OK "}}}\n";
    finds(day, none, "openapi", VERDICT_BREAKING, "sunset-deleted", "oasdiff:sunset-deleted");
    finds(soon, day, "openapi", VERDICT_BREAKING, "sunset-unreadable", "oasdiff:api-path-sunset-parse");
    finds(none, day, "openapi", VERDICT_COMPATIBLE, NULL, NULL);
}

#define LIFE(words) HEAD "paths: {/a: {get: {" OK words "}}, /b: {get: {" OK "}}}\n"

/* As finds(), on a day. */
static void finds_on(unsigned today, const char *old, const char *new, enum verdict_level level, const char *rule,
                     const char *also)
{
    struct contract *a = read_api(old), *b = read_api(new);
    struct profile p;
    CHECK_ERR(ERR_OK, profile_init(&p, SLICE("openapi")));
    p.today = today;
    struct verdict *v = verdict_compute_as(a, b, &p);
    CHECK_INT(level, verdict_level(v));
    CHECK(!rule || is_found(v, rule, also));
    verdict_unref(&v);
    profile_fini(&p);
    contract_unref(&a);
    contract_unref(&b);
}

TEST(an_operation_may_go_once_its_day_has_come)
{
    const char *going = LIFE(", deprecated: true, x-sunset: '2026-06-30'");
    const char *gone = HEAD "paths: {/b: {get: {" OK "}}}\n";
    finds_on(20260629, going, gone, VERDICT_BREAKING, "operation-removed", "oasdiff:api-removed-before-sunset");
    finds_on(20260630, going, gone, VERDICT_COMPATIBLE, "noted", "oasdiff:api-removed-with-deprecation");
    finds_on(0, going, gone, VERDICT_BREAKING, "operation-removed", "oasdiff:api-removed-before-sunset");
    finds_on(20260701, LIFE(", x-sunset: '2026-06-30'"), gone, VERDICT_BREAKING, "operation-removed",
             "oasdiff:api-removed-without-deprecation");
    finds_on(20260701, LIFE(""), going, VERDICT_BREAKING, "sunset-passed", "oasdiff:api-sunset-date-too-small");
    finds_on(20260601, LIFE(""), going, VERDICT_COMPATIBLE, NULL, NULL);
    finds_on(0, going, LIFE(", deprecated: true, x-sunset: '2026-05-31'"), VERDICT_BREAKING, "sunset-earlier", NULL);
    finds_on(0, LIFE(", deprecated: true, x-sunset: '2026-6-30'"), going, VERDICT_BREAKING, "sunset-unreadable", NULL);
}

#define PARAM(words) \
    HEAD "paths: {/a: {get: {parameters: [{in: query, name: n, schema: {type: string}" words "}], " OK "}}}\n"

TEST(a_parameter_has_days_like_its_operation)
{
    const char *going = PARAM(", deprecated: true, x-sunset: '2026-06-30'");
    finds_on(0, going, PARAM(", deprecated: true"), VERDICT_BREAKING, "sunset-deleted",
             "oasdiff:request-parameter-sunset-deleted");
    finds_on(0, going, PARAM(", deprecated: true, x-sunset: '2026-01-31'"), VERDICT_BREAKING, "sunset-earlier",
             "oasdiff:request-parameter-sunset-date-changed-too-small");
    finds_on(0, PARAM(""), PARAM(", deprecated: true"), VERDICT_COMPATIBLE, NULL, NULL);
}

TEST(a_draft_promises_nothing_and_what_is_stable_stays_so)
{
    const char *gone = HEAD "paths: {/b: {get: {" OK "}}}\n";
    finds_on(0, LIFE(", x-stability-level: alpha"), gone, VERDICT_COMPATIBLE, NULL, NULL);
    finds_on(0, LIFE(", x-stability-level: beta"), gone, VERDICT_BREAKING, "operation-removed", NULL);
    finds_on(0, LIFE(", x-stability-level: stable"), LIFE(", x-stability-level: beta"), VERDICT_BREAKING,
             "stability-decreased", "oasdiff:api-stability-decreased");
    finds_on(0, LIFE(", x-stability-level: beta"), LIFE(", x-stability-level: stable"), VERDICT_COMPATIBLE, NULL, NULL);
    finds_on(0, LIFE(", x-stability-level: stable"), LIFE(", x-stability-level: solid"), VERDICT_BREAKING,
             "stability-unknown", "oasdiff:api-invalid-stability-level");
    const char *asked =
        HEAD "paths: {/a: {get: {x-stability-level: draft, parameters: [{in: query, name: n, schema: {type: "
             "integer}}], " OK "}}}\n";
    const char *other =
        HEAD "paths: {/a: {get: {x-stability-level: draft, parameters: [{in: query, name: n, schema: {type: "
             "boolean}}], " OK "}}}\n";
    finds_on(0, asked, other, VERDICT_COMPATIBLE, NULL, NULL);
    finds(asked, other, "wire", VERDICT_BREAKING, "type-changed", NULL);
}

TEST(a_discriminator_keeps_its_member)
{
    static const char api[] = HEAD
        "paths: {/a: {get: {responses: {'200': {description: d, content: {application/json: {schema: {oneOf: [{$ref: "
        "'#/components/schemas/A'}, {$ref: '#/components/schemas/B'}], discriminator: {propertyName: %s}}}}}}}}}\n"
        "components: {schemas: {A: {type: object, properties: {x: {type: string}, y: {type: string}}},\n"
        "  B: {type: object, properties: {x: {type: string}, y: {type: string}}}}}\n";
    char old[1024], new[1024];
    snprintf(old, sizeof(old), api, "x");
    snprintf(new, sizeof(new), api, "y");
    finds(old, new, "openapi", VERDICT_BREAKING, "discriminator-changed", NULL);
}

#define CHOICE(branches, mapping)                                                                                    \
    HEAD "paths: {/a: {post: {requestBody: {required: true, content: {application/json: {schema: {oneOf: [" branches \
         "], discriminator: {propertyName: t, mapping: {" mapping "}}}}}}, " OK "}}}\n"                              \
         "components: {schemas: {Cat: {type: object, required: [t], properties: {t: {type: string}}},\n"             \
         "  Dog: {type: object, required: [t], properties: {t: {type: string}}},\n"                                  \
         "  Hound: {type: object, required: [t], properties: {t: {type: string}}}}}\n"
#define TO(name) "{$ref: '#/components/schemas/" name "'}"

TEST(a_branch_may_be_renamed_when_its_values_are_told_as_before)
{
    const char *old = CHOICE(TO("Cat") ", " TO("Dog"), "d: '#/components/schemas/Dog'");
    finds(old, CHOICE(TO("Cat") ", " TO("Hound"), "d: '#/components/schemas/Hound'"), "openapi", VERDICT_COMPATIBLE,
          NULL, NULL);
    finds(old, CHOICE(TO("Cat") ", " TO("Hound"), "h: '#/components/schemas/Hound'"), "openapi", VERDICT_BREAKING,
          "branch-name-removed", NULL);
    finds(old, CHOICE(TO("Cat") ", " TO("Dog"), "d: '#/components/schemas/Cat'"), "openapi", VERDICT_BREAKING,
          "discriminator-changed", NULL);
    finds(old, CHOICE(TO("Cat") ", " TO("Dog"), ""), "openapi", VERDICT_BREAKING, "discriminator-changed", NULL);
    finds(old, CHOICE(TO("Cat"), ""), "openapi", VERDICT_BREAKING, "branch-name-removed",
          "oasdiff:request-body-one-of-removed");
}

TEST(branches_that_overlap_break_when_one_takes_less)
{
    const char *both = ANSWERED("{oneOf: [{type: object, properties: {a: {type: string}}},\n"
                                "  {type: object, properties: {a: {type: number}}}]}");
    const char *one = ANSWERED("{oneOf: [{type: object, properties: {a: {type: string}}},\n"
                               "  {type: object, required: [a], properties: {a: {type: number}}}]}");
    finds(both, one, "wire", VERDICT_BREAKING, "one-of-loosened", NULL);
    finds(both, both, "wire", VERDICT_SAME, NULL, NULL);
}

#define CHOSEN(more)                                                                                                 \
    HEAD "paths: {/a: {get: {responses: {'200': {description: d, content: {application/json: {schema: {oneOf: [" TO( \
        "Cat") ", " TO("Dog") "], discriminator: {propertyName: t}}}}}}}}}\n"                                        \
                              "components: {schemas: {Cat: {type: object, required: [t], properties: {t: {type: "    \
                              "string}}},\n  Dog: {type: object, required: [t], properties: {t: {type: string}" more \
                              "}}}}\n"

TEST(of_branches_that_a_discriminator_chooses_one_may_grow)
{
    finds(CHOSEN(""), CHOSEN(", n: {type: string}"), "wire", VERDICT_COMPATIBLE, NULL, NULL);
}

TEST(a_branch_that_contradicts_what_stands_beside_it_takes_nothing)
{
    const char *one = ANSWERED("{type: object, oneOf: [{type: object, properties: {a: {type: string}}},\n"
                               "  {type: boolean, maximum: 3}]}");
    const char *other = ANSWERED("{type: object, oneOf: [{type: object, properties: {a: {type: string}}},\n"
                                 "  {type: array}]}");
    finds(one, other, "openapi", VERDICT_SAME, NULL, NULL);
}

TEST(words_beside_a_reference_count_since_3_1)
{
    static const char api[] =
        "openapi: %s\ninfo: {title: T, version: 1.0.0}\n"
        "paths: {/a: {post: {requestBody: {required: true, content: {application/json: {schema: {type: object,\n"
        "  properties: {a: {readOnly: true, $ref: '#/components/schemas/A'}}}}}}, " OK "}}}\n"
        "components: {schemas: {A: {type: %s}}}\n";
    for (unsigned i = 0; i < 2; i++) {
        char old[1024], new[1024];
        snprintf(old, sizeof(old), api, i ? "3.1.0" : "3.0.3", "string");
        snprintf(new, sizeof(new), api, i ? "3.1.0" : "3.0.3", "boolean");
        finds(old, new, "wire", i ? VERDICT_COMPATIBLE : VERDICT_BREAKING, i ? NULL : "type-changed", NULL);
    }
}

#define MARKED(words)                                                                                              \
    "openapi: 3.1.0\ninfo: {title: T, version: 1.0.0}\n"                                                           \
    "paths: {/a: {get: {responses: {'200': {description: d, content: {application/json: {schema: {type: object,\n" \
    "  patternProperties: {'^x-': {type: string" words "}}}}}}}}}}\n"

#define PARTS(one, other)                                                                                     \
    "openapi: 3.0.3\ninfo: {title: T, version: 1.0.0}\n"                                                      \
    "paths: {/a: {get: {responses: {'200': {description: d, content: {application/json: {schema: {allOf: [\n" \
    "  {type: object" one "}, {type: object" other "}]}}}}}}}}\n"

TEST(null_fits_parts_that_all_let_it_through)
{
    finds(PARTS("", ""), PARTS(", nullable: true", ""), "wire", VERDICT_COMPATIBLE, NULL, NULL);
    finds(PARTS("", ""), PARTS(", nullable: true", ", nullable: true"), "wire", VERDICT_BREAKING, "became-nullable",
          NULL);
}

TEST(nullable_says_nothing_since_3_1)
{
    finds(MARKED(""), MARKED(", nullable: true"), "wire", VERDICT_COMPATIBLE, NULL, NULL);
}

TEST(a_required_member_that_is_not_described_is_of_the_type_of_the_rest)
{
    const char *whole = ASKED(JSON("{type: object, required: [id], properties: {id: {type: integer}}}"));
    const char *rest = ASKED(JSON("{type: object, required: [id], additionalProperties: {type: array}}"));
    finds(whole, rest, "wire", VERDICT_BREAKING, "type-changed", NULL);
}

TEST(an_error_without_a_body_is_its_status)
{
    const char *ok = HEAD "paths: {/a: {get: {" OK "}}}\n";
    const char *plain = HEAD "paths: {/a: {get: {responses: {'200': {description: d}, '409': {description: d}}}}}\n";
    const char *said = HEAD "paths: {/a: {get: {responses: {'200': {description: d}, '409': {description: d, content: "
                            "{text/plain: {schema: {type: string}}}}}}}}\n";
    finds(plain, ok, "openapi", VERDICT_BREAKING, "status-removed", "oasdiff:response-non-success-status-removed");
    finds(said, ok, "openapi", VERDICT_COMPATIBLE, "noted", "oasdiff:response-non-success-status-removed");
    finds(plain, ok, "wire", VERDICT_COMPATIBLE, NULL, NULL);
}

TEST(members_that_leave_a_direction_break_what_counted_on_them)
{
    const char *asked = ASKED(JSON("{type: object, properties: {a: {type: string}}}"));
    const char *kept = ASKED(JSON("{type: object, properties: {a: {type: string, readOnly: true}}}"));
    finds(asked, kept, "openapi", VERDICT_BREAKING, "member-became-read-only",
          "oasdiff:request-optional-property-became-read-only");
    finds(asked, kept, "wire", VERDICT_COMPATIBLE, NULL, NULL);
    finds(ASKED(JSON("{type: object, required: [a], properties: {a: {type: string}}}")),
          ASKED(JSON("{type: object, required: [a], properties: {a: {type: string, readOnly: true}}}")), "openapi",
          VERDICT_COMPATIBLE, NULL, NULL);
    finds(ANSWERED("{type: object, properties: {a: {type: string}}}"),
          ANSWERED("{type: object, properties: {a: {type: string, writeOnly: true}}}"), "openapi", VERDICT_BREAKING,
          "member-became-write-only", NULL);
    finds(ANSWERED("{type: object, required: [a], properties: {a: {type: string}}}"),
          ANSWERED("{type: object, required: [a], properties: {a: {type: string, writeOnly: true}}}"), "openapi",
          VERDICT_BREAKING, "member-removed", NULL);
}

TEST(a_parameter_that_goes_is_missed_by_tools_wherever_it_stood)
{
    const char *none = HEAD "paths: {/a: {get: {" OK "}}}\n";
    const char *query =
        HEAD "paths: {/a: {get: {parameters: [{in: query, name: n, schema: {type: string}}], " OK "}}}\n";
    const char *field =
        HEAD "paths: {/a: {get: {parameters: [{in: header, name: n, schema: {type: string}}], " OK "}}}\n";
    finds(query, none, "openapi", VERDICT_BREAKING, "param-removed", "oasdiff:request-parameter-removed");
    finds(query, none, "wire", VERDICT_UNPROVEN, "param-removed", NULL);
    finds(field, none, "openapi", VERDICT_BREAKING, "param-removed-ignored", "oasdiff:request-parameter-removed");
    finds(field, none, "wire", VERDICT_COMPATIBLE, NULL, NULL);
}

TEST(a_required_member_that_nothing_describes_breaks_the_wire_only)
{
    const char *old = ASKED(JSON("{type: object, properties: {a: {type: string}}}"));
    const char *new = ASKED(JSON("{type: object, required: [b], properties: {a: {type: string}}}"));
    finds(old, new, "openapi", VERDICT_COMPATIBLE, NULL, NULL);
    finds(old, new, "wire", VERDICT_BREAKING, "member-added-required", NULL);
}

TEST(a_closed_record_takes_no_member_that_it_only_requires)
{
    finds(ASKED(JSON("{type: object, required: [a], properties: {a: {type: string}}, additionalProperties: false}")),
          ASKED(JSON("{type: object, required: [a], properties: {b: {type: string}}, additionalProperties: false}")),
          "wire", VERDICT_BREAKING, "type-changed", NULL);
}

TEST(words_that_say_nothing_of_their_kind_are_compared_by_tools_only)
{
    const char *nine = ASKED(JSON("{type: object, maxLength: 9}")), *five = ASKED(JSON("{type: object, maxLength: 5}"));
    finds(nine, five, "openapi", VERDICT_BREAKING, "stray-word-tightened", "oasdiff:request-body-max-length-decreased");
    finds(five, nine, "openapi", VERDICT_COMPATIBLE, NULL, NULL);
    finds(nine, five, "wire", VERDICT_COMPATIBLE, NULL, NULL);
    finds(ANSWERED("{type: integer, format: x, minItems: 1}"), ANSWERED("{type: integer, minItems: 2}"), "wire",
          VERDICT_COMPATIBLE, NULL, NULL);
}

struct shelf {
    const char *name, *text;
};

static enum err read_shelf(void *arg, const char *path, struct buf *out)
{
    for (const struct shelf *s = arg; s->name; s++)
        if (strcmp(s->name, path) == 0) {
            buf_put(out, slice_str(s->text));
            return ERR_OK;
        }
    return ERR_ABSENT;
}

static struct contract *read_files(struct shelf *files)
{
    struct diag diag;
    struct contract *c = NULL;
    struct import_input in = {.format = IMPORT_OPENAPI,
                              .name = files[0].name,
                              .text = slice_str(files[0].text),
                              .read = read_shelf,
                              .arg = files};
    diag_init(&diag);
    enum err e = import_contract(&in, &diag, &c);
    if (e != ERR_OK)
        fprintf(stderr, "%.*s\n", SLICE_FMT(diag.first->message));
    diag_fini(&diag);
    CHECK_ERR(ERR_OK, e);
    return c;
}

TEST(files_refer_to_files_beside_themselves_and_to_operations)
{
    struct shelf files[] = {
        {"api/shop.yaml",
         HEAD "paths: {/a: {get: {$ref: 'ops/list.yaml'}}}\ncomponents: {schemas: {Id: {type: integer}}}\n"},
        {"api/ops/list.yaml", "responses:\n  '200':\n    $ref: '../answers/ok.yaml#/ok'\n"},
        {"api/answers/ok.yaml",
         "ok:\n  description: d\n  content:\n    application/json:\n      schema:\n"
         "        allOf:\n        - $ref: '#/pet'\n        - required: [name]\n"
         "pet:\n  type: object\n  properties:\n    name: {$ref: '../shop.yaml#/components/schemas/Id'}\n"
         "    mate: {$ref: './../answers/ok.yaml#/mate'}\nmate: {type: boolean}\n"},
        {0},
    };
    struct contract *c = read_files(files);
    CHECK(slice_has(contract_text(c), SLICE("field(\"GET /a.200\", \"name\", \"Id\", \"required\").")));
    CHECK(slice_has(contract_text(c), SLICE("field(\"GET /a.200\", \"mate\", \"mate\", \"optional\").")));
    CHECK(slice_has(contract_text(c), SLICE("alias(\"mate\", \"bool\").")));
    CHECK(slice_has(contract_text(c), SLICE("alias(\"Id\", \"integer\").")));
    struct contract_place p = contract_place(c, SLICE("GET /a:response:200:application/json"));
    CHECK_TEXT("api/answers/ok.yaml", slice_str(p.file));
    CHECK_INT(4, p.line);
    contract_unref(&c);
}

TEST(a_document_is_known_wherever_its_version_stands)
{
    char text[6000] = "{\"components\": {\"schemas\": {\"A\": {\"type\": \"object\", \"description\": \"";
    memset(text + strlen(text), 'x', 5000);
    strcat(text, "\"}}}, \"info\": {\"title\": \"t\", \"version\": \"1\"}, \"openapi\" : \"3.0.3\", \"paths\": {}}");
    CHECK_INT(IMPORT_OPENAPI, import_guess(slice_str(text), "a.json"));
    CHECK_INT(IMPORT_OPENAPI, import_guess(SLICE("swagger: \"2.0\"\n"), "-"));
    CHECK_INT(IMPORT_JSCHEMA,
              import_guess(SLICE("{\"type\": \"object\", \"description\": \"an openapi document\"}"), "a.json"));
}

TEST(parts_that_are_closed_or_list_values_are_one_schema_where_they_can_be)
{
    static const char *const closed[] = {
        "closed(\"POST /a.body\").",
        "field(\"POST /a.body\", \"x\", \"string\", \"required\").",
        NULL,
    };
    static const char *const listed[] = {"symbol(\"POST /a.body\", \"b\", 0).", NULL};
    static const char *const refused[] = {"unproven(\"POST /a.body\", \"allOf\"", NULL};
    has_facts(
        ASKED(JSON("{allOf: [{type: object, additionalProperties: false, properties: {x: {type: string}}}, {required: "
                   "[x], properties: {x: {}}}]}")),
        closed);
    has_facts(ASKED(JSON("{allOf: [{type: string, enum: [a, b]}, {enum: [b, c]}]}")), listed);
    has_facts(ASKED(JSON(
                  "{allOf: [{type: object, additionalProperties: false, properties: {x: {type: string}}}, {properties: "
                  "{y: {}}}]}")),
              refused);
    has_facts(ASKED(JSON("{allOf: [{enum: [a]}, {enum: [b]}]}")), refused);
}

#define NOT(schema, name, type)                                        \
    ASKED(JSON("{type: object, not: " schema "}"))                     \
    "components: {schemas: {" name ": {type: object, required: [" type \
    "], properties: {description: {type: string}}}}}\n"
#define REF(name) "{$ref: '#/components/schemas/" name "'}"

TEST(words_are_compared_by_what_they_refer_to_and_without_notes)
{
    const char *old = NOT(REF("A"), "A", "x");
    finds(old, NOT("{description: d, allOf: [" REF("A") "]}", "A", "x"), "wire", VERDICT_UNPROVEN, NULL, NULL);
    finds(NOT("{description: d, required: [x]}", "A", "x"), NOT("{description: e, required: [x]}", "A", "x"), "wire",
          VERDICT_SAME, NULL, NULL);
    finds(old, NOT(REF("B"), "B", "x"), "wire", VERDICT_SAME, NULL, NULL);
    finds(old, NOT(REF("A"), "A", "y"), "wire", VERDICT_UNPROVEN, NULL, NULL);
}

#define NESTED(more)                                                                                                 \
    HEAD "paths: {/a: {post: {requestBody: " JSON(                                                                   \
        "{$ref: '#/components/schemas/U'}") ", " OK "}}" more "}\n"                                                  \
                                            "components: {schemas: {U: {anyOf: [{$ref: '#/components/schemas/M'}, "  \
                                            "{$ref: '#/components/schemas/V'}]},\n"                                  \
                                            "  M: {type: object, required: [m], properties: {m: {type: string}}},\n" \
                                            "  V: {oneOf: [{$ref: '#/components/schemas/X'}, {$ref: "                \
                                            "'#/components/schemas/Y'}], discriminator: "                            \
                                            "{propertyName: t}},\n"                                                  \
                                            "  X: {type: object, required: [t, x], properties: {t: {type: string}, " \
                                            "x: {type: string}}},\n"                                                 \
                                            "  Y: {type: object, required: [t, y], properties: {t: {type: string}, " \
                                            "y: {type: string}}}}}\n"

TEST(unions_in_unions_are_as_good_as_themselves)
{
    finds(NESTED(""), NESTED(", /b: {get: {" OK "}}"), "wire", VERDICT_SAME, NULL, NULL);
    finds(NESTED(""), NESTED(", /b: {get: {" OK "}}"), "openapi", VERDICT_COMPATIBLE, NULL, NULL);
}

TEST(members_may_be_called_like_words)
{
    const char *api = ASKED(JSON("{type: object, properties: {type: {type: string}, oneOf: {type: string}, not: {type: "
                                 "string}, allOf: {type: array}, if: {type: string}}}"));
    struct contract *c = read_api(api);
    CHECK(!slice_has(contract_text(c), SLICE("unproven(")));
    CHECK(!slice_has(contract_text(c), SLICE("\"word ")));
    contract_unref(&c);
}

TEST(what_is_no_openapi_3_is_refused_in_words)
{
    struct diag diag;
    struct contract *c = NULL;
    struct import_input in = {
        .format = IMPORT_OPENAPI, .name = "old.yaml", .text = SLICE("swagger: '1.2'\npaths: {}\n")};
    diag_init(&diag);
    CHECK_ERR(ERR_INPUT, import_contract(&in, &diag, &c));
    CHECK_TEXT("only Swagger 2.0 and OpenAPI 3.0 and 3.1 are read", diag.first->message);
    diag_fini(&diag);
}

TEST(callbacks_that_refer_to_themselves_end)
{
    static const char *const facts[] = {
        "callback(\"POST /a callback c POST x callback c POST x callback c POST x callback c POST x\").",
        "\"callbacks\", \"deeper than they are read\").",
        NULL,
    };
    has_facts(HEAD "paths: {/a: {post: {" OK ", callbacks: {c: {x: {$ref: '#/paths/~1a'}}}}}}\n", facts);
}

TESTS_BEGIN()
cmocka_unit_test(the_embedded_rules_load),
    TESTS_RUN(parameters_of_an_operation_replace_those_of_its_path) TESTS_RUN(
        webhooks_and_callbacks_are_operations_that_the_provider_calls)
        TESTS_RUN(a_scheme_is_what_must_be_shown_and_its_name_when_another_shows_the_same) TESTS_RUN(
            security_may_gain_alternatives_and_lose_none) TESTS_RUN(findings_say_what_oasdiff_calls_them)
            TESTS_RUN(changes_that_break_nobody_are_noted_in_the_profile_openapi_only) TESTS_RUN(
                the_roles_of_a_webhook_are_turned) TESTS_RUN(a_sunset_is_a_date_that_stays)
                TESTS_RUN(an_operation_may_go_once_its_day_has_come) TESTS_RUN(
                    a_parameter_has_days_like_its_operation) TESTS_RUN(a_draft_promises_nothing_and_what_is_stable_stays_so)
                    TESTS_RUN(a_discriminator_keeps_its_member) TESTS_RUN(
                        a_branch_may_be_renamed_when_its_values_are_told_as_before)
                        TESTS_RUN(branches_that_overlap_break_when_one_takes_less) TESTS_RUN(
                            of_branches_that_a_discriminator_chooses_one_may_grow)
                            TESTS_RUN(a_branch_that_contradicts_what_stands_beside_it_takes_nothing) TESTS_RUN(
                                words_beside_a_reference_count_since_3_1) TESTS_RUN(null_fits_parts_that_all_let_it_through)
                                TESTS_RUN(nullable_says_nothing_since_3_1) TESTS_RUN(
                                    a_required_member_that_is_not_described_is_of_the_type_of_the_rest)
                                    TESTS_RUN(an_error_without_a_body_is_its_status) TESTS_RUN(
                                        members_that_leave_a_direction_break_what_counted_on_them)
                                        TESTS_RUN(a_parameter_that_goes_is_missed_by_tools_wherever_it_stood) TESTS_RUN(
                                            a_required_member_that_nothing_describes_breaks_the_wire_only)
                                            TESTS_RUN(a_closed_record_takes_no_member_that_it_only_requires) TESTS_RUN(
                                                words_that_say_nothing_of_their_kind_are_compared_by_tools_only)
                                                TESTS_RUN(files_refer_to_files_beside_themselves_and_to_operations)
                                                    TESTS_RUN(a_document_is_known_wherever_its_version_stands) TESTS_RUN(
                                                        parts_that_are_closed_or_list_values_are_one_schema_where_they_can_be)
                                                        TESTS_RUN(
                                                            words_are_compared_by_what_they_refer_to_and_without_notes)
                                                            TESTS_RUN(unions_in_unions_are_as_good_as_themselves)
                                                                TESTS_RUN(members_may_be_called_like_words) TESTS_RUN(
                                                                    what_is_no_openapi_3_is_refused_in_words)
                                                                    TESTS_RUN(callbacks_that_refer_to_themselves_end)
                                                                        TESTS_END()
