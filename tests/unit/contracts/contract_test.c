#include "contracts/contract.h"

#include <stdio.h>

#include "contracts/fact.h"
#include "tests/kit/t.h"

#define HEAD "contract(\"c\", \"1.0.0\").\n"
#define OPERATION                                                      \
    "operation(\"get\").\nhttp(\"get\", \"GET\", \"/things/{id}\").\n" \
    "response(\"get\", \"200\", \"application/json\", \"Thing\").\n"
#define THING "record(\"Thing\").\nfield(\"Thing\", \"name\", \"string\", \"required\").\n"

static struct contract *parse(const char *text)
{
    struct diag diag;
    struct contract *c = NULL;
    diag_init(&diag);
    CHECK_ERR(ERR_OK, contract_parse(slice_str(text), "test.weft", &diag, &c));
    CHECK_INT(0, diag.errors);
    diag_fini(&diag);
    return c;
}

/* The complaints, in the caller's buf. */
static void complaints(const char *text, struct buf *out)
{
    struct diag diag;
    struct contract *c = NULL;
    diag_init(&diag);
    CHECK_ERR(ERR_INPUT, contract_parse(slice_str(text), "test.weft", &diag, &c));
    CHECK(c == NULL);
    diag_print(&diag, out);
    diag_fini(&diag);
}

static void refused(const char *text, const char *words)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    complaints(text, &out);
    if (!slice_has(buf_slice(&out), slice_str(words)))
        fprintf(stderr, "wanted: %s\nfound:\n%s", words, buf_text(&out));
    CHECK(slice_has(buf_slice(&out), slice_str(words)));
    buf_fini(&out);
}

TEST(order_comments_and_repetition_do_not_change_the_digest)
{
    struct contract *a = parse(HEAD OPERATION THING);
    struct contract *b = parse("// words\n" THING THING OPERATION "/* more */" HEAD);
    CHECK_SLICE(contract_digest_text(a), contract_digest_text(b));
    CHECK_INT(43, contract_digest_text(a).len);
    contract_unref(&a);
    contract_unref(&b);
}

/* Names that begin alike for longer than a sort looks at, and end alike, too. */
static void put_named(struct buf *out, unsigned i)
{
    buf_putf(out, "record(\"com.example.orders.v1.Order%u\").\n", i * 37 % 1000);
    for (unsigned k = 0; k < 3; k++)
        buf_putf(out, "field(\"com.example.orders.v1.Order%u\", \"member%u\", \"string\", \"required\").\n",
                 i * 37 % 1000, (i + k) % 3);
}

TEST(facts_are_in_order_however_they_came)
{
    enum { RECORDS = 500 };
    struct buf forth, back;
    buf_init(&forth, BUF_TEXT_BOUND);
    buf_init(&back, BUF_TEXT_BOUND);
    buf_put(&forth, SLICE(HEAD OPERATION THING));
    for (unsigned i = 0; i < RECORDS; i++) {
        put_named(&forth, i);
        put_named(&back, RECORDS - 1 - i);
    }
    buf_put(&back, SLICE(THING OPERATION HEAD));
    struct contract *a = parse(buf_text(&forth)), *b = parse(buf_text(&back));
    CHECK_SLICE(contract_text(a), contract_text(b));
    CHECK_SLICE(contract_digest_text(a), contract_digest_text(b));
    const struct fact_list *facts = contract_facts(a);
    CHECK_INT(4 + 2 + 4 * RECORDS, facts->count);
    for (size_t i = 1; i < facts->count; i++)
        CHECK(fact_cmp(&facts->v[i - 1], &facts->v[i]) < 0);
    const struct fact *first = fact_list_find(facts, VOCABULARY_FIELD, SLICE("com.example.orders.v1.Order999"));
    CHECK(first != NULL);
    CHECK_TEXT("member0", fact_text(first, 1));
    CHECK(fact_list_find(facts, VOCABULARY_FIELD, SLICE("com.example.orders.v1.Order99x")) == NULL);
    contract_unref(&a);
    contract_unref(&b);
    buf_fini(&forth);
    buf_fini(&back);
}

TEST(one_word_changes_the_digest)
{
    struct contract *a = parse(HEAD OPERATION THING);
    struct contract *b = parse(HEAD OPERATION THING "nullable(\"Thing.name\").");
    CHECK(!slice_eq(contract_digest_text(a), contract_digest_text(b)));
    contract_unref(&a);
    contract_unref(&b);
}

TEST(places_are_no_part_of_the_digest)
{
    struct contract *a = parse(HEAD OPERATION THING);
    struct contract *b = parse(HEAD OPERATION THING "at(\"Thing.name\", \"openapi.yaml\", 41, 9).");
    CHECK_SLICE(contract_digest_text(a), contract_digest_text(b));
    struct contract_place from_text = contract_place(a, SLICE("Thing.name"));
    CHECK_TEXT("test.weft", slice_str(from_text.file));
    CHECK_INT(6, from_text.line);
    CHECK_INT(1, from_text.column);
    struct contract_place from_at = contract_place(b, SLICE("Thing.name"));
    CHECK_TEXT("openapi.yaml", slice_str(from_at.file));
    CHECK_INT(41, from_at.line);
    CHECK_INT(9, from_at.column);
    contract_unref(&a);
    contract_unref(&b);
}

TEST(an_unknown_subject_has_the_place_of_its_owner)
{
    struct contract *c = parse(HEAD OPERATION THING);
    CHECK_INT(5, contract_place(c, SLICE("Thing.gone")).line);
    CHECK_INT(2, contract_place(c, SLICE("get.query.limit")).line);
    CHECK_INT(1, contract_place(c, SLICE("Nothing")).line);
    contract_unref(&c);
}

TEST(the_canonical_form_reads_back_to_the_same_digest)
{
    struct contract *a = parse(HEAD OPERATION THING "about(\"who\", \"a \\\"b\\\" \\\\ \\n\\t\").");
    struct diag diag;
    struct contract *b = NULL;
    diag_init(&diag);
    CHECK_ERR(ERR_OK, contract_parse(contract_text(a), "canonical", &diag, &b));
    CHECK_SLICE(contract_text(a), contract_text(b));
    CHECK_SLICE(contract_digest_text(a), contract_digest_text(b));
    diag_fini(&diag);
    contract_unref(&a);
    contract_unref(&b);
}

TEST(operations_are_in_the_order_of_their_names)
{
    struct contract *c = parse(HEAD THING "operation(\"b\"). job(\"b\"). operation(\"a\"). idempotent(\"a\").\n"
                                          "http(\"a\", \"GET\", \"/a\"). response(\"a\", \"200\", \"\", \"\").");
    CHECK_INT(2, contract_operation_count(c));
    CHECK_TEXT("a", contract_operation_name(c, 0));
    CHECK_TEXT("GET", contract_operation_method(c, 0));
    CHECK_TEXT("/a", contract_operation_template(c, 0));
    CHECK(contract_operation_idempotent(c, 0));
    CHECK(!contract_operation_job(c, 0));
    CHECK_TEXT("", contract_operation_method(c, 1));
    CHECK(contract_operation_job(c, 1));
    CHECK_INT(1, contract_operation(c, SLICE("b")));
    CHECK_INT(-1, contract_operation(c, SLICE("c")));
    contract_unref(&c);
}

#define ROUTE(name, method, path)                                                  \
    "operation(\"" name "\"). http(\"" name "\", \"" method "\", \"" path "\").\n" \
    "response(\"" name "\", \"200\", \"\", \"\").\n"

TEST(a_literal_segment_wins_over_a_variable)
{
    struct contract *c = parse(HEAD ROUTE("one", "GET", "/o/{id}") ROUTE("recent", "GET", "/o/recent")
                                   ROUTE("line", "GET", "/o/{id}/lines/{n}") ROUTE("all", "POST", "/o"));
    CHECK_INT(contract_operation(c, SLICE("one")), contract_match(c, SLICE("GET"), SLICE("/o/7")));
    CHECK_INT(contract_operation(c, SLICE("recent")), contract_match(c, SLICE("GET"), SLICE("/o/recent")));
    CHECK_INT(contract_operation(c, SLICE("line")), contract_match(c, SLICE("GET"), SLICE("/o/7/lines/2")));
    CHECK_INT(contract_operation(c, SLICE("all")), contract_match(c, SLICE("POST"), SLICE("/o")));
    CHECK_INT(-2, contract_match(c, SLICE("DELETE"), SLICE("/o/7")));
    CHECK_INT(-1, contract_match(c, SLICE("GET"), SLICE("/o/7/lines")));
    CHECK_INT(-1, contract_match(c, SLICE("GET"), SLICE("/o/")));
    CHECK_INT(-1, contract_match(c, SLICE("GET"), SLICE("")));
    contract_unref(&c);
}

TEST(all_complaints_come_at_once_with_their_places)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    complaints(HEAD "feild(\"Order\", \"qty\", \"int32\", \"required\").\nrecord(\"Order\", \"x\").\n"
                    "symbol(\"E\", \"A\", \"one\").\nrecord(Order).\n",
               &out);
    CHECK(slice_has(buf_slice(&out), SLICE("test.weft:2:1: error: unknown relation `feild`")));
    CHECK(slice_has(buf_slice(&out), SLICE("did you mean `field`?")));
    CHECK(slice_has(buf_slice(&out), SLICE("test.weft:3:")));
    CHECK(slice_has(buf_slice(&out), SLICE("`record` has 1 columns")));
    CHECK(slice_has(buf_slice(&out), SLICE("test.weft:4:18: error: a number is expected here")));
    CHECK(slice_has(buf_slice(&out), SLICE("test.weft:5:8: error: a string in quotes is expected here")));
    buf_fini(&out);
}

TEST(only_facts_are_read)
{
    refused(HEAD "record(\"A\") :- record(\"B\").", "a contract holds facts and no rules");
    refused(HEAD ".decl x(a:symbol)", "facts only, no declarations");
    refused(HEAD "record(\"A)\n.", "this string has no end");
    refused(HEAD "record(\"\\q\").", "one of the escapes");
    refused(HEAD "record(\"\xff\").", "this string is not UTF-8");
    refused(HEAD "record(\"A\")", "`.` is expected here");
    refused(HEAD "symbol(\"E\", \"A\", 99999999999999999999).", "a whole number of at most 64 bits");
}

TEST(names_that_nobody_declares_are_refused)
{
    refused(HEAD "field(\"Order\", \"qty\", \"int32\", \"required\").", "unknown record `Order`");
    refused(HEAD THING "field(\"Thing\", \"n\", \"int23\", \"required\").", "did you mean `int32`?");
    refused(HEAD THING "field(\"Thing\", \"n\", \"Thin\", \"required\").", "did you mean `Thing`?");
    refused(HEAD "job(\"train\").", "unknown operation `train`");
    refused(HEAD THING "default(\"Thing\", \"none\", \"1\").", "unknown member `Thing.none`");
    refused(HEAD THING "nullable(\"Thing.none\").", "nothing is called `Thing.none`");
    refused(HEAD "enum(\"E\"). fallback(\"E\", \"X\").", "`X` is no symbol of E");
}

TEST(operations_need_a_way_in_and_an_answer)
{
    refused(HEAD "operation(\"x\").", "nobody can ask for operation `x`");
    refused(HEAD "operation(\"x\"). http(\"x\", \"GET\", \"/x\").", "operation `x` has no response");
    refused(HEAD "operation(\"x\"). http(\"x\", \"GET\", \"x\").", "a path begins with `/`");
    refused(HEAD "operation(\"x\"). job(\"x\"). response(\"x\", \"20\", \"\", \"\").", "`20` is no status");
}

TEST(what_stands_once_is_refused_twice)
{
    refused(HEAD "contract(\"d\", \"1.0.0\").", "contract `` is declared twice");
    refused(HEAD THING "field(\"Thing\", \"name\", \"int32\", \"required\").", "member `Thing.name` is declared twice");
    refused(HEAD "record(\"A\"). enum(\"A\").", "type `A` is declared twice");
    refused(OPERATION THING, "the contract has no name");
}

TEST(defaults_are_json_of_their_type)
{
    struct contract *c = parse(HEAD THING "default(\"Thing\", \"name\", \"\\\"EUR\\\"\").");
    contract_unref(&c);
    refused(HEAD THING "default(\"Thing\", \"name\", \"EUR\").", "`EUR` is not JSON");
    refused(HEAD THING "default(\"Thing\", \"name\", \"1\").", "`1` is no string");
    refused(HEAD THING "field(\"Thing\", \"n\", \"int32\", \"optional\"). default(\"Thing\", \"n\", \"2147483648\").",
            "`2147483648` is no int32");
}

TEST(types_that_cannot_be_are_refused)
{
    refused(HEAD "alias(\"A\", \"B\"). alias(\"B\", \"A\").", "leads back to itself");
    refused(HEAD "union(\"U\").", "union `U` has no branches");
    refused(HEAD "union(\"U\"). branch(\"U\", 1, \"string\").", "branches are numbered from 0 without gaps");
    refused(HEAD "map(\"M\", \"double\", \"string\").", "a map's key is a string");
    refused(HEAD "record(\"int32\").", "`int32` is a scalar");
    refused(HEAD THING "bound(\"Thing.name\", \"max\", \"3\").", "`max` is no bound for string");
    refused(HEAD THING "bound(\"Thing.name\", \"max_length\", \"many\").", "a bound is a decimal number");
}

TEST(a_contract_has_at_most_so_many_bytes_and_facts)
{
    struct buf text;
    buf_init(&text, 4 << 20);
    buf_put(&text, SLICE(HEAD));
    for (int i = 0; i < CONTRACT_FACTS; i++)
        buf_put(&text, SLICE("job(\"\").\n"));
    refused(buf_text(&text), "more than 100000 facts");
    while (buf_len(&text) <= CONTRACT_BYTES)
        buf_put(&text, SLICE("// words that mean nothing\n"));
    refused(buf_text(&text), "a contract has at most 1048576 bytes");
    buf_fini(&text);
}

TEST(a_canonical_text_may_be_larger_than_any_text_of_ours)
{
    enum { FACTS = 9, EACH = 8 << 20 };
    static const struct contract_bounds bounds = {.bytes = 200 << 20, .facts = 100};
    struct buf text;
    struct diag diag;
    struct contract *c = NULL;
    buf_init(&text, bounds.bytes);
    buf_put(&text, SLICE(HEAD));
    for (int i = 0; i < FACTS; i++) {
        char *at;
        buf_putf(&text, "about(\"%d\", \"", i);
        CHECK_ERR(ERR_OK, buf_room(&text, EACH, &at));
        memset(at, 'x', EACH);
        buf_wrote(&text, EACH);
        buf_put(&text, SLICE("\").\n"));
    }
    diag_init(&diag);
    CHECK_ERR(ERR_OK, contract_parse_within(buf_slice(&text), "big.weft", &bounds, &diag, &c));
    CHECK(contract_text(c).len > BUF_TEXT_BOUND);
    diag_fini(&diag);
    contract_unref(&c);
    buf_fini(&text);
}

TESTS_BEGIN()
TESTS_RUN(order_comments_and_repetition_do_not_change_the_digest)
TESTS_RUN(facts_are_in_order_however_they_came)
TESTS_RUN(one_word_changes_the_digest)
TESTS_RUN(places_are_no_part_of_the_digest)
TESTS_RUN(an_unknown_subject_has_the_place_of_its_owner)
TESTS_RUN(the_canonical_form_reads_back_to_the_same_digest)
TESTS_RUN(operations_are_in_the_order_of_their_names)
TESTS_RUN(a_literal_segment_wins_over_a_variable)
TESTS_RUN(all_complaints_come_at_once_with_their_places)
TESTS_RUN(only_facts_are_read)
TESTS_RUN(names_that_nobody_declares_are_refused)
TESTS_RUN(operations_need_a_way_in_and_an_answer)
TESTS_RUN(what_stands_once_is_refused_twice)
TESTS_RUN(defaults_are_json_of_their_type)
TESTS_RUN(types_that_cannot_be_are_refused)
TESTS_RUN(a_contract_has_at_most_so_many_bytes_and_facts)
TESTS_RUN(a_canonical_text_may_be_larger_than_any_text_of_ours)
TESTS_END()
