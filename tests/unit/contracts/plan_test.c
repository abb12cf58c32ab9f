#include "contracts/wire/plan.h"

#include <stdio.h>

#include "tests/kit/t.h"

static const char every_step[] = "rename\t/\tqty -> quantity\tlossless\tthe provider says renamed(\"Order\", \"qty\")\n"
                                 "default\t/lines/[]\tcurrency = \"EUR\"\tdefaulting\n"
                                 "drop\t/\tlegacy\tone-way\n"
                                 "widen\t/\ttotal int32 -> int64\tlossless\n"
                                 "narrow\t/\tcount -5..9223372036854775807\tpartial\n"
                                 "enum\t/\tstatus GONE -> CLOSED, else -> OTHER, else \"NEW\"\tone-way\n"
                                 "enum\t/\tcolour else \"NEW\"\tone-way\n"
                                 "enum\t/\tlevel A -> B\tlossless\n"
                                 "strip\t/\tnote (null becomes absent)\tone-way\n"
                                 "scale\t/\tweight * 1/1000\tlossless\n"
                                 "scale\t/\tlength * 1000 in -1..7\tpartial\n"
                                 "text\t/\tserial\tlossless\n"
                                 "number\t/\tparent\tpartial\n"
                                 "number\t/\tchild in 0..9\tpartial\n"
                                 "encode\t/\tnote\tlossless\n"
                                 "decode\t/\tnote\tpartial\n"
                                 "date\t/\tsent ms\tlossless\n"
                                 "epoch\t/\tsent ns in 0..7\tpartial\n"
                                 "wrap\t/\ttag\tlossless\n"
                                 "head\t/\ttags only, else null\tpartial\n"
                                 "head\t/\ttags first\tone-way\n"
                                 "hoist\t/\taddress/city -> city\tlossless\n"
                                 "plunge\t/lines/[]\tcity -> address/city\tlossless\n"
                                 "method\t/\tPOST -> PUT\tlossless\n"
                                 "path\t/\t/v1/a/{id} -> /v2/a/{id}\tlossless\n"
                                 "status\t/\t200 -> 201\tlossless\n"
                                 "param\t/\tquery max -> header x-max\tlossless\n"
                                 "take\t/\ta/max -> stash max\tlossless\n"
                                 "put\t/\tcookie max -> max number\tlossless\n"
                                 "drop\t/pay/(kind=card|~x2f&num:string|null)\tcvc\tone-way\n"
                                 "text\t/pay/[]\t(:number)\tlossless\n"
                                 "drop\t/(+iban&-card)/~2x)\t(a)\tone-way\n"
                                 "then\t/\t\tlossless\n"
                                 "rename\t\"/a b/~1\"\t\"with \\\"quotes\\\"\" -> \"\"\tlossless\n";

static struct plan *parse(const char *text)
{
    struct diag diag;
    struct plan *plan = NULL;
    diag_init(&diag);
    CHECK_ERR(ERR_OK, plan_parse(slice_str(text), "plan", &diag, &plan));
    diag_fini(&diag);
    return plan;
}

static void refused_at(const char *text, unsigned line, unsigned column, const char *message)
{
    struct diag diag;
    struct plan *plan = NULL;
    diag_init(&diag);
    CHECK_ERR(ERR_INPUT, plan_parse(slice_str(text), "plan", &diag, &plan));
    CHECK(plan == NULL);
    CHECK_INT(1, diag.errors);
    CHECK_TEXT(message, diag.first->message);
    CHECK_INT(line, diag.first->line);
    CHECK_INT(column, diag.first->column);
    diag_fini(&diag);
}

TEST(what_is_printed_reads_back_the_same)
{
    struct plan *plan = parse(every_step);
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    plan_put(plan, &text);
    CHECK_TEXT(every_step, buf_slice(&text));
    buf_fini(&text);
    plan_unref(&plan);
}

TEST(steps_are_read_into_their_fields)
{
    struct plan *plan = parse(every_step);
    CHECK_INT(34, plan_count(plan));
    CHECK_TEXT("the provider says renamed(\"Order\", \"qty\")", plan_step(plan, 0)->why);
    CHECK_TEXT("/lines/[]", plan_step(plan, 1)->path);
    CHECK_TEXT("\"EUR\"", plan_step(plan, 1)->value);
    CHECK_TEXT("int32 -> int64", plan_step(plan, 3)->text);
    CHECK_INT(-5, plan_step(plan, 4)->low);
    CHECK_INT(INT64_MAX, plan_step(plan, 4)->high);
    CHECK_INT(2, plan_step(plan, 5)->table_count);
    CHECK_TEXT("OTHER", plan_step(plan, 5)->table[3]);
    CHECK_TEXT("\"NEW\"", plan_step(plan, 5)->value);
    CHECK_TEXT("with \"quotes\"", plan_step(plan, 33)->from);
    CHECK_INT(0, plan_step(plan, 33)->to.len);
    plan_unref(&plan);
}

TEST(a_plan_is_as_good_as_its_weakest_step)
{
    struct plan *plan = plan_new();
    CHECK_INT(PLAN_LOSSLESS, plan_law(plan));
    CHECK(!plan_rewrites(plan));
    plan_add(plan, &(struct plan_step){.op = PLAN_WIDEN, .path = SLICE("/"), .from = SLICE("a")});
    CHECK(!plan_rewrites(plan));
    plan_add(plan, &(struct plan_step){.op = PLAN_DROP, .law = PLAN_ONE_WAY, .path = SLICE("/"), .from = SLICE("a")});
    CHECK(plan_rewrites(plan));
    CHECK_INT(PLAN_ONE_WAY, plan_law(plan));
    plan_unref(&plan);
    CHECK(plan == NULL);
}

TEST(a_plan_lives_as_long_as_its_last_reference)
{
    struct plan *plan = parse(every_step), *second = plan_ref(plan);
    CHECK(plan_compiled(plan) == plan_compiled(second));
    plan_unref(&plan);
    CHECK_INT(34, plan_count(second));
    plan_unref(&second);
    plan_unref(&second);
}

TEST(a_plan_keeps_its_own_copy_of_what_it_was_given)
{
    char from[] = "qty", symbol[] = "A";
    struct slice table[] = {slice_str(symbol), SLICE("B")};
    struct plan *plan = plan_new();
    plan_add(plan, &(struct plan_step){
                       .op = PLAN_ENUM, .path = SLICE("/"), .from = slice_str(from), .table = table, .table_count = 1});
    from[0] = symbol[0] = '!';
    CHECK_TEXT("qty", plan_step(plan, 0)->from);
    CHECK_TEXT("A", plan_step(plan, 0)->table[0]);
    plan_unref(&plan);
}

TEST(names_in_paths_are_escaped)
{
    struct buf out;
    buf_init(&out, 100);
    plan_put_name(&out, SLICE("a/b~c"));
    CHECK_TEXT("a~1b~0c", buf_slice(&out));
    buf_clear(&out);
    plan_put_name(&out, SLICE("(a)("));
    CHECK_TEXT("~2a)(", buf_slice(&out));
    buf_fini(&out);
}

TEST(a_line_that_is_no_step_is_refused_at_its_column)
{
    refused_at("\nmove\t/\ta -> b\tlossless\n", 2, 1,
               "expected the name of a step, like rename or default (`weft adapt --help` has them all)");
    refused_at("drop\tlines\ta\tone-way", 1, 6, "expected a path, like /lines/[]");
    static const char *const wrong[] = {"/()",  "/(kind)",  "/(kind=)", "/(a:text)",    "/(:object&+a)",     "/(+a&)",
                                        "/(+)", "/(a-b=c)", "/(~x2)",   "/(a=b)/(c=d)", "/(:number&:string)"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char line[64];
        snprintf(line, sizeof(line), "drop\t%s\ta\tone-way", wrong[i]);
        refused_at(line, 1, 6, "expected a branch, like (kind=card), (:number) or (+iban&-card), once for each value");
    }
    refused_at("drop\t/\ta b\tone-way", 1, 9, "expected the end of the column");
    refused_at("drop\t/\t\tone-way", 1, 8, "expected a name");
    refused_at("rename\t/\ta => b\tlossless", 1, 11, "expected ` -> ` and the new name");
    refused_at("default\t/\ta = EUR\tdefaulting", 1, 15, "expected a JSON value");
    refused_at("narrow\t/\ta 1..x\tpartial", 1, 12, "expected two whole numbers, like 0..100");
    refused_at("narrow\t/\ta 1..9223372036854775808\tpartial", 1, 12, "expected two whole numbers, like 0..100");
    refused_at("scale\t/\ta 7\tlossless", 1, 10, "expected ` * ` and a factor, like 1000 or 1/1000");
    refused_at("scale\t/\ta * 0", 1, 13, "expected a factor, like 1000 or 1/1000");
    refused_at("scale\t/\ta * 1/1000000000001", 1, 15, "expected a factor, like 1000 or 1/1000");
    refused_at("number\t/\ta in 1", 1, 15, "expected two whole numbers, like 0..100");
    refused_at("text\t/\ta 1", 1, 9, "expected the end of the column");
    refused_at("enum\t/\ta B\tone-way", 1, 11, "expected ` -> ` and a symbol");
    refused_at("drop\t/\t\"a\tone-way", 1, 8, "expected a JSON string");
    refused_at("drop\t/\ta\tharmless", 1, 10, "expected lossless, one-way, defaulting or partial");
    refused_at("drop / a", 1, 1, "expected an operation, a path and an operand with tabs between them");
}

TEST(a_line_without_a_law_has_that_of_its_operation_and_comments_are_skipped)
{
    struct plan *plan =
        parse("# by hand\n\n  \nrename\t/\ta -> b\ndefault\t/\tc = 1\t\tbecause\nstrip\t/\td\nnarrow\t/\te 0..1");
    CHECK_INT(4, plan_count(plan));
    CHECK_INT(PLAN_LOSSLESS, plan_step(plan, 0)->law);
    CHECK_INT(PLAN_DEFAULTING, plan_step(plan, 1)->law);
    CHECK_TEXT("because", plan_step(plan, 1)->why);
    CHECK_INT(PLAN_ONE_WAY, plan_step(plan, 2)->law);
    CHECK_INT(PLAN_PARTIAL, plan_step(plan, 3)->law);
    plan_unref(&plan);
}

TEST(all_bad_lines_are_told_at_once)
{
    struct diag diag;
    struct plan *plan = NULL;
    diag_init(&diag);
    CHECK_ERR(ERR_INPUT, plan_parse(SLICE("a\nb\ndrop\t/\tx\tone-way\nc\n"), "plan", &diag, &plan));
    CHECK_INT(3, diag.errors);
    diag_fini(&diag);
}

TESTS_BEGIN()
TESTS_RUN(what_is_printed_reads_back_the_same)
TESTS_RUN(steps_are_read_into_their_fields)
TESTS_RUN(a_plan_is_as_good_as_its_weakest_step)
TESTS_RUN(a_plan_lives_as_long_as_its_last_reference)
TESTS_RUN(a_plan_keeps_its_own_copy_of_what_it_was_given)
TESTS_RUN(names_in_paths_are_escaped)
TESTS_RUN(a_line_that_is_no_step_is_refused_at_its_column)
TESTS_RUN(a_line_without_a_law_has_that_of_its_operation_and_comments_are_skipped)
TESTS_RUN(all_bad_lines_are_told_at_once)
TESTS_END()
