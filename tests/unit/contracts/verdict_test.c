#include "contracts/verdict.h"

#include <pthread.h>
#include <stdio.h>

#include "base/json_out.h"
#include "contracts/facts.h"
#include "contracts/problem.h"
#include "contracts/vocabulary.h"
#include "contracts/wire/json_tok.h"
#include "tests/kit/t.h"

#define HEAD(version) "contract(\"c\", \"" version "\").\n"
#define OPERATION(name)                                                       \
    "operation(\"" name "\").\nhttp(\"" name "\", \"PUT\", \"/" name "\").\n" \
    "request(\"" name "\", \"application/json\", \"In\").\n"                  \
    "response(\"" name "\", \"200\", \"application/json\", \"In\").\n"
#define FIELD(name, type, presence) "field(\"In\", \"" name "\", \"" type "\", \"" presence "\").\n"
#define RECORD "record(\"In\").\n"

static struct contract *parse(const char *text)
{
    struct diag diag;
    struct contract *c = NULL;
    diag_init(&diag);
    CHECK_ERR(ERR_OK, contract_parse(slice_str(text), "test.weft", &diag, &c));
    diag_fini(&diag);
    return c;
}

static struct verdict *compare(const char *consumer, const char *provider)
{
    struct contract *a = parse(consumer), *b = parse(provider);
    struct verdict *v = verdict_compute(a, b);
    contract_unref(&a);
    contract_unref(&b);
    return v;
}

TEST(the_embedded_rules_load)
{
    CHECK(facts_program() != NULL);
}

TEST(the_vocabulary_of_the_rules_is_the_vocabulary_of_the_reader)
{
    const struct datalog *p = facts_program();
    size_t declared = 0;
    for (size_t i = 0; i < datalog_relation_count(p); i++) {
        struct slice name = datalog_relation_name(p, (int)i);
        if (!slice_starts(name, SLICE("consumer.")))
            continue;
        enum vocabulary relation;
        CHECK_ERR(ERR_OK, vocabulary_find(slice_from(name, strlen("consumer.")), &relation));
        const char *columns = vocabulary_columns(relation);
        CHECK_INT(strlen(columns), datalog_arity(p, (int)i));
        for (size_t k = 0; columns[k]; k++)
            CHECK_INT(columns[k] == 's' ? DATALOG_SYMBOL : DATALOG_NUMBER, datalog_column_type(p, (int)i, k));
        declared++;
    }
    CHECK_INT(VOCABULARY_COUNT, declared);
}

static bool name_it(void *arg, const datalog_word *c)
{
    fprintf(stderr, "no mirror of %.*s\n", SLICE_FMT(datalog_symbol_text(arg, c[0])));
    return true;
}

TEST(every_kind_of_difference_has_its_mirror_or_says_why_not)
{
    struct datalog_run *run = datalog_run_new(facts_program(), NULL);
    const char *why;
    int one_sided = datalog_relation(facts_program(), SLICE("one_sided"));
    CHECK_ERR(ERR_OK, datalog_run_eval(run, &why));
    datalog_each(run, one_sided, name_it, run);
    CHECK_INT(0, datalog_count(run, one_sided));
    CHECK(datalog_count(run, datalog_relation(facts_program(), SLICE("kind"))) > 60);
    datalog_run_free(&run);
}

TEST(equal_contracts_need_no_rules)
{
    struct verdict *v = compare(HEAD("1.0.0") OPERATION("a") RECORD, RECORD OPERATION("a") HEAD("1.0.0"));
    CHECK_INT(VERDICT_SAME, verdict_level(v));
    CHECK_INT(0, verdict_finding_count(v));
    verdict_unref(&v);
}

TEST(only_operations_that_reach_a_change_are_changed)
{
    static const char other[] =
        "operation(\"z\"). http(\"z\", \"GET\", \"/z\"). response(\"z\", \"200\", \"\", \"\").\n";
    char consumer[1024], provider[1024];
    snprintf(consumer, sizeof(consumer), "%s%s", HEAD("1.0.0") OPERATION("a") RECORD, other);
    snprintf(provider, sizeof(provider), "%s%s", HEAD("1.1.0") OPERATION("a") RECORD FIELD("n", "string", "optional"),
             other);
    struct verdict *v = compare(consumer, provider);
    CHECK_INT(VERDICT_COMPATIBLE, verdict_operation(v, 0)->level);
    CHECK_INT(VERDICT_SAME, verdict_operation(v, 1)->level);
    verdict_unref(&v);
}

static void keep_id(const struct verdict *v, char id[17])
{
    CHECK_INT(1, verdict_finding_count(v));
    CHECK_INT(16, verdict_finding(v, 0)->id.len);
    memcpy(id, verdict_finding(v, 0)->id.at, 16);
    id[16] = 0;
}

TEST(a_fingerprint_does_not_see_order_places_or_other_operations)
{
    char first[17], second[17], third[17];
    struct verdict *v = compare(HEAD("1.0.0") OPERATION("m") RECORD,
                                HEAD("2.0.0") OPERATION("m") RECORD FIELD("n", "string", "required"));
    keep_id(v, first);
    verdict_unref(&v);
    v = compare(HEAD("1.0.0") "\n\n// moved\n" RECORD OPERATION("m"),
                FIELD("n", "string", "required") RECORD OPERATION("m") HEAD("2.5.0"));
    keep_id(v, second);
    verdict_unref(&v);
    v = compare(HEAD("1.0.0") OPERATION("a") OPERATION("m") RECORD,
                HEAD("2.0.0") OPERATION("a") OPERATION("m") RECORD FIELD("n", "string", "required"));
    keep_id(v, third);
    CHECK_INT(2, verdict_finding(v, 0)->operation_count);
    verdict_unref(&v);
    CHECK_TEXT(first, slice_str(second));
    CHECK_TEXT(first, slice_str(third));
}

TEST(two_edits_have_two_fingerprints)
{
    struct verdict *v =
        compare(HEAD("1.0.0") OPERATION("m") RECORD,
                HEAD("2.0.0") OPERATION("m") RECORD FIELD("n", "string", "required") FIELD("o", "string", "required"));
    CHECK_INT(2, verdict_finding_count(v));
    CHECK(!slice_eq(verdict_finding(v, 0)->id, verdict_finding(v, 1)->id));
    verdict_unref(&v);
}

/* Twelve members of one record have other names. */
static void put_renames(struct buf *out, bool newer)
{
    buf_putf(out, "%s%s", newer ? HEAD("2.0.0") : HEAD("1.0.0"), OPERATION("m") RECORD);
    for (int i = 0; i < 12; i++) {
        buf_putf(out, "field(\"In\", \"%c%d\", \"string\", \"required\").\n", newer ? 'b' : 'a', i);
        if (newer)
            buf_putf(out, "renamed(\"In\", \"a%d\", \"b%d\").\n", i, i);
    }
}

TEST(of_what_is_bridged_between_peers_eight_are_shown_and_proved)
{
    struct buf older, newer;
    size_t proved = 0, shown = 0;
    buf_init(&older, BUF_TEXT_BOUND);
    buf_init(&newer, BUF_TEXT_BOUND);
    put_renames(&older, false);
    put_renames(&newer, true);
    struct verdict *v = compare(buf_text(&older), buf_text(&newer));
    CHECK_INT(VERDICT_ADAPTABLE, verdict_level(v));
    CHECK_INT(12, verdict_finding_count(v));
    for (size_t i = 0; i < 12; i++) {
        proved += verdict_finding(v, i)->proof.len > 0;
        shown += verdict_finding(v, i)->witness.len > 0;
    }
    CHECK_INT(8, proved);
    CHECK_INT(8, shown);
    verdict_unref(&v);
    buf_fini(&older);
    buf_fini(&newer);
}

TEST(a_proof_ends_in_the_facts_of_both_sides)
{
    struct verdict *v = compare(HEAD("1.0.0") OPERATION("m") RECORD FIELD("n", "int32", "required"),
                                HEAD("2.0.0") OPERATION("m") RECORD FIELD("n", "string", "required"));
    const struct verdict_finding *f = verdict_worst(v, SLICE("m"));
    CHECK(f != NULL);
    CHECK(slice_has(f->proof, SLICE("consumer.field(\"In\", \"n\", \"int32\", \"required\")")));
    CHECK(slice_has(f->proof, SLICE("provider.field(\"In\", \"n\", \"string\", \"required\")")));
    CHECK(verdict_worst(v, SLICE("elsewhere")) == NULL);
    verdict_unref(&v);
}

TEST(a_problem_is_json_with_the_finding_in_it)
{
    struct verdict *v = compare(HEAD("1.0.0") OPERATION("m") RECORD,
                                HEAD("2.0.0") OPERATION("m") RECORD FIELD("n", "string", "required"));
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    problem_put(v, SLICE("m"), verdict_worst(v, SLICE("m")), &out);
    CHECK(json_tok_whole(buf_slice(&out)));
    CHECK(slice_has(buf_slice(&out), SLICE("\"rule\":\"member-added-required\"")));
    CHECK(slice_has(buf_slice(&out), SLICE("\"witness\":{}")));
    CHECK(slice_has(buf_slice(&out), SLICE("\"where\":\"In.n\"")));
    buf_fini(&out);
    verdict_unref(&v);
}

/* A chain of records, each holding the next: deeper than any stack of ours may follow. */
static struct contract *chain(const char *version, const char *last)
{
    enum { LINKS = 6000 };
    struct buf text;
    struct contract *c;
    buf_init(&text, 1 << 20);
    buf_putf(&text, "contract(\"c\", \"%s\").\n" OPERATION("m") RECORD FIELD("n", "R0", "required"), version);
    for (int i = 0; i < LINKS; i++)
        buf_putf(&text, "record(\"R%d\"). field(\"R%d\", \"n\", \"%s%.0d\", \"required\").\n", i, i,
                 i + 1 < LINKS ? "R" : last, i + 1 < LINKS ? i + 1 : 0);
    c = parse(buf_text(&text));
    buf_fini(&text);
    return c;
}

TEST(a_difference_too_deep_for_a_body_is_never_called_safe)
{
    struct contract *a = chain("1.0.0", "int64"), *b = chain("2.0.0", "string");
    struct verdict *v = verdict_compute(a, b);
    CHECK(verdict_level(v) >= VERDICT_UNPROVEN);
    verdict_unref(&v);
    contract_unref(&a);
    contract_unref(&b);
}

static void *compute(void *arg)
{
    struct contract **pair = arg;
    struct verdict *v = verdict_compute(pair[0], pair[1]);
    CHECK_INT(VERDICT_BREAKING, verdict_level(v));
    verdict_unref(&v);
    return NULL;
}

TEST(verdicts_may_be_computed_by_several_threads)
{
    struct contract *pair[] = {parse(HEAD("1.0.0") OPERATION("m") RECORD),
                               parse(HEAD("2.0.0") OPERATION("m") RECORD FIELD("n", "string", "required"))};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK_INT(0, pthread_create(&threads[i], NULL, compute, pair));
    for (int i = 0; i < 4; i++)
        CHECK_INT(0, pthread_join(threads[i], NULL));
    contract_unref(&pair[0]);
    contract_unref(&pair[1]);
}

/* The plans of one operation, or what is found. */
static void offers_at(enum verdict_level level, const char *consumer, const char *provider, const char *request,
                      const char *response)
{
    char old[2048], new[2048];
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    snprintf(old, sizeof(old), HEAD("1.0.0") OPERATION("put") RECORD "%s", consumer);
    snprintf(new, sizeof(new), HEAD("2.0.0") OPERATION("put") RECORD "%s", provider);
    struct verdict *v = compare(old, new);
    const struct verdict_operation *op = verdict_operation(v, 0);
    const char *wants[2] = {request, response};
    const struct plan *plans[2] = {op->request, op->response};
    for (size_t i = 0; i < 2; i++) {
        buf_clear(&text);
        if (plans[i])
            plan_put(plans[i], &text);
        CHECK_TEXT(wants[i] ? wants[i] : "", buf_slice(&text));
    }
    CHECK_INT(level, op->level);
    buf_fini(&text);
    verdict_unref(&v);
}

static void offers(const char *consumer, const char *provider, const char *request, const char *response)
{
    offers_at(request || response ? VERDICT_ADAPTABLE : VERDICT_UNPROVEN, consumer, provider, request, response);
}

#define WEIGHT(type, unit) FIELD("w", type, "required") "unit(\"In.w\", \"" unit "\").\n"

TEST(units_that_differ_by_a_factor_are_converted)
{
    offers(WEIGHT("double", "kg"), WEIGHT("double", "g"), "scale\t/\tw * 1000\tlossless\tkg -> g\n",
           "scale\t/\tw * 1/1000\tlossless\tg -> kg\n");
    offers(WEIGHT("number", "s"), WEIGHT("number", "h"), "scale\t/\tw * 1/3600\tlossless\ts -> h\n",
           "scale\t/\tw * 3600\tlossless\th -> s\n");
}

TEST(units_without_a_factor_or_under_a_bound_are_not_converted)
{
    offers(WEIGHT("double", "kg"), WEIGHT("double", "m"), NULL, NULL);
    offers(WEIGHT("double", "kg"), WEIGHT("double", "lb"), NULL, NULL);
    /* A request to a provider of whole grams may have no whole number of them. */
    offers(WEIGHT("int64", "g"), WEIGHT("int64", "kg"), NULL, NULL);
}

#define TEXT(format) FIELD("n", "string", "required") "format(\"In.n\", \"" format "\").\n"

TEST(whole_numbers_become_strings_of_their_format_and_back)
{
    offers(FIELD("n", "int64", "required"), TEXT("int64"),
           "text\t/\tn\tlossless\tformat(\"In.n\", \"int64\") of the provider\n",
           "number\t/\tn in -9223372036854775808..9223372036854775807\tpartial\t"
           "format(\"In.n\", \"int64\") of the provider\n");
    /* What else the reader says of the value, nobody has compared. */
    const char *bounded = FIELD("n", "int64", "required") "bound(\"In.n\", \"max\", \"9\").\n";
    offers_at(VERDICT_BREAKING, bounded, TEXT("int64") "pattern(\"In.n\", \"^[1-9]$\").\n", NULL, NULL);
    offers(TEXT("int32"), FIELD("n", "int32", "required"),
           "number\t/\tn in -2147483648..2147483647\tpartial\tformat(\"In.n\", \"int32\") of the consumer\n",
           "text\t/\tn\tlossless\tformat(\"In.n\", \"int32\") of the consumer\n");
}

#define CALLED(version, facts) HEAD(version) OPERATION("put") RECORD facts

/* What the first calls a, the second calls b and the third c; each knows the one before. */
TEST(a_chain_of_versions_is_one_plan)
{
    struct contract *one = parse(CALLED("1.0.0", FIELD("a", "int32", "required")));
    struct contract *two = parse(CALLED("2.0.0", FIELD("b", "int32", "required") "renamed(\"In\", \"a\", \"b\")."));
    struct contract *three = parse(CALLED("3.0.0", FIELD("c", "int64", "required") "renamed(\"In\", \"b\", \"c\")."));
    struct verdict *direct = verdict_compute(one, three);
    struct verdict *chain = verdict_compute_through(one, three, &two, 1);
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    CHECK_INT(VERDICT_BREAKING, verdict_level(direct));
    CHECK_INT(VERDICT_ADAPTABLE, verdict_level(chain));
    plan_put(verdict_operation(chain, 0)->request, &text);
    CHECK_TEXT("rename\t/\ta -> b\tlossless\trenamed(\"In\", \"a\", \"b\") of the provider\n"
               "then\t/\t\tlossless\n"
               "rename\t/\tb -> c\tlossless\trenamed(\"In\", \"b\", \"c\") of the provider\n"
               "widen\t/\tb int32 -> int64\tlossless\n",
               buf_slice(&text));
    buf_clear(&text);
    plan_put(verdict_operation(chain, 0)->response, &text);
    CHECK(slice_starts(buf_slice(&text), SLICE("rename\t/\tc -> b")));
    CHECK(slice_has(buf_slice(&text), SLICE("then\t/\t\tlossless\nrename\t/\tb -> a")));
    buf_fini(&text);
    verdict_unref(&direct);
    verdict_unref(&chain);
    contract_unref(&one);
    contract_unref(&two);
    contract_unref(&three);
}

TEST(a_chain_goes_through_as_many_versions_as_it_needs_and_no_further_than_they_lead)
{
    static const char *const facts[] = {
        CALLED("1.0.0", FIELD("a", "string", "required")),
        CALLED("2.0.0", FIELD("b", "string", "required") "renamed(\"In\", \"a\", \"b\")."),
        CALLED("3.0.0", FIELD("c", "string", "required") "renamed(\"In\", \"b\", \"c\")."),
        CALLED("4.0.0", FIELD("d", "string", "required") "renamed(\"In\", \"c\", \"d\")."),
        CALLED("5.0.0", FIELD("e", "string", "required")),
    };
    struct contract *c[5];
    for (size_t i = 0; i < 5; i++)
        c[i] = parse(facts[i]);
    struct verdict *all = verdict_compute_through(c[0], c[3], &c[1], 2);
    CHECK_INT(VERDICT_ADAPTABLE, verdict_level(all));
    CHECK_INT(3, plan_stages(verdict_operation(all, 0)->request));
    struct verdict *gap = verdict_compute_through(c[0], c[3], &c[2], 1);
    CHECK_INT(VERDICT_BREAKING, verdict_level(gap));
    CHECK(verdict_operation(gap, 0)->request == NULL);
    struct verdict *end = verdict_compute_through(c[0], c[4], &c[1], 3);
    CHECK_INT(VERDICT_BREAKING, verdict_level(end));
    verdict_unref(&all);
    verdict_unref(&gap);
    verdict_unref(&end);
    for (size_t i = 0; i < 5; i++)
        contract_unref(&c[i]);
}

TESTS_BEGIN()
cmocka_unit_test(the_embedded_rules_load),
    TESTS_RUN(the_vocabulary_of_the_rules_is_the_vocabulary_of_the_reader)
        TESTS_RUN(every_kind_of_difference_has_its_mirror_or_says_why_not) TESTS_RUN(equal_contracts_need_no_rules)
            TESTS_RUN(only_operations_that_reach_a_change_are_changed) TESTS_RUN(
                a_fingerprint_does_not_see_order_places_or_other_operations) TESTS_RUN(two_edits_have_two_fingerprints)
                TESTS_RUN(of_what_is_bridged_between_peers_eight_are_shown_and_proved) TESTS_RUN(
                    a_proof_ends_in_the_facts_of_both_sides) TESTS_RUN(a_problem_is_json_with_the_finding_in_it)
                    TESTS_RUN(a_difference_too_deep_for_a_body_is_never_called_safe)
                        TESTS_RUN(verdicts_may_be_computed_by_several_threads)
                            TESTS_RUN(units_that_differ_by_a_factor_are_converted)
                                TESTS_RUN(units_without_a_factor_or_under_a_bound_are_not_converted) TESTS_RUN(
                                    whole_numbers_become_strings_of_their_format_and_back)
                                    TESTS_RUN(a_chain_of_versions_is_one_plan) TESTS_RUN(
                                        a_chain_goes_through_as_many_versions_as_it_needs_and_no_further_than_they_lead)
                                        TESTS_END()
