/* cmd_adapt_test - what `weft adapt` prints, and its exit status.
 *
 * Plans and bodies stand in tests/golden/adapt/; check/plan.txt is what `weft check --format plan` printed. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cli/commands.h"
#include "tests/kit/printed.h"
#include "tests/kit/t.h"

#define HERE "tests/golden/adapt/"
#define PRINTED "tests/golden/check/plan.txt"

enum { WORDS = 8 };

/* `line` is a command line, words apart by single blanks; a + is a blank in a word. */
static struct printed adapt(const char *line)
{
    char words[WORDS][128], *argv[WORDS];
    int argc = 0;
    struct slice rest = slice_str(line), word;
    while (argc < WORDS - 1 && slice_split(&rest, ' ', &word)) {
        snprintf(words[argc], sizeof(words[0]), "%.*s", SLICE_FMT(word));
        for (char *c = words[argc]; *c; c++)
            *c = *c == '+' ? ' ' : *c;
        argv[argc] = words[argc];
        argc++;
    }
    argv[argc] = NULL;
    return printed_by(cmd_adapt, argc, argv);
}

static void golden(const char *name, const char *line)
{
    char path[256];
    const char *mode = getenv("WEFT_GOLDEN");
    struct printed p = adapt(line);
    struct buf expected;
    snprintf(path, sizeof(path), HERE "%s.txt", name);
    buf_init(&expected, BUF_TEXT_BOUND);
    if (mode && strcmp(mode, "write") == 0)
        CHECK_ERR(ERR_OK, file_write(path, buf_slice(&p.out), 0644));
    CHECK_ERR(ERR_OK, file_read(path, &expected));
    CHECK_SLICE(buf_slice(&expected), buf_slice(&p.out));
    CHECK_TEXT("", buf_slice(&p.err));
    CHECK_INT(0, p.status);
    buf_fini(&expected);
    printed_fini(&p);
}

static void refused(int status, const char *line, const char *words)
{
    struct printed p = adapt(line);
    CHECK_INT(status, p.status);
    CHECK_TEXT("", buf_slice(&p.out));
    CHECK(slice_has(buf_slice(&p.err), slice_str(words)));
    printed_fini(&p);
}

TEST(a_body_is_rewritten_by_the_plan_that_check_printed)
{
    golden("request", "adapt " PRINTED " --for request+create_order " HERE "order.json");
    golden("response", "adapt --for=response+get_order " PRINTED " " HERE "answer.json");
}

TEST(the_plans_of_a_file_are_listed)
{
    golden("list", "adapt --list " PRINTED);
}

TEST(a_plan_written_by_hand_needs_neither_name_nor_laws)
{
    golden("by-hand", "adapt " HERE "by-hand.plan " HERE "order.json");
}

TEST(members_go_to_the_head_and_come_from_it)
{
    struct printed p = adapt("adapt " HERE "head.plan --give limit=7 " HERE "order.json");
    CHECK_INT(0, p.status);
    CHECK_TEXT("header x-qty = 3\n", buf_slice(&p.err));
    CHECK(slice_has(buf_slice(&p.out), SLICE(",\"limit\":7")));
    CHECK(!slice_has(buf_slice(&p.out), SLICE("\"qty\"")));
    printed_fini(&p);
}

TEST(a_body_of_many_texts_is_rewritten_text_by_text)
{
    golden("lines", "adapt " HERE "by-hand.plan --texts lines " HERE "orders.ndjson");
    golden("events", "adapt " HERE "by-hand.plan --texts events " HERE "orders.events");
}

TEST(a_protobuf_body_is_rewritten_by_numbers)
{
    struct printed p = adapt("adapt --counts " HERE "protobuf.plan " HERE "order.pb");
    CHECK_INT(0, p.status);
    CHECK_SLICE(SLICE("\x0a\x01x\x60\x05\x1a\x05\x0a\x01s\x4a\x00\x68\x0d"), buf_slice(&p.out));
    CHECK(slice_has(buf_slice(&p.err), SLICE("1\trename\t/\t2 -> 12\tlossless\n")));
    printed_fini(&p);
    refused(1, "adapt " HERE "protobuf.plan " HERE "order.json", "not protobuf: ");
    refused(2, "adapt " HERE "protobuf-wrong.plan " HERE "order.pb",
            HERE "protobuf-wrong.plan:2:1: error: expected a field's number, from 1 to 536870911");
}

TEST(a_body_becomes_json_and_comes_from_it_by_the_types_that_are_named)
{
    golden("transcoded", "adapt " HERE "through.plan --types " HERE "old.proto," HERE "new.proto " HERE "proto.json");
    refused(2, "adapt " HERE "through.plan " HERE "proto.json", "a transcode step needs the .proto file");
    refused(2, "adapt " HERE "through.plan --types " HERE "order.json " HERE "proto.json",
            "order.json: error: this is neither");
    refused(1, "adapt " HERE "through.plan --types " HERE "new.proto " HERE "order.json", "is expected at /lines");
}

TEST(steps_are_counted_for_who_asks)
{
    struct printed p = adapt("adapt --counts " HERE "by-hand.plan " HERE "order.json");
    CHECK_INT(0, p.status);
    CHECK(slice_starts(buf_slice(&p.err), SLICE("1\trename\t/\tqty -> quantity\tlossless\n")));
    CHECK(slice_has(buf_slice(&p.err), SLICE("2\tdrop\t/lines/[]\tnote\tone-way\n")));
    printed_fini(&p);
}

TEST(a_body_that_does_not_fit_is_refused_with_its_place_and_nothing_of_it_comes_out)
{
    refused(1, "adapt " HERE "by-hand.plan " HERE "twice.json", "duplicate member \"qty\" at /qty (byte 18)");
    refused(1, "adapt --for response+get_order " PRINTED " " HERE "large.json",
            "a whole number from -2147483648 to 2147483647 is expected at /total (byte 21)");
    refused(1, "adapt " HERE "by-hand.plan " HERE "long.json --max-hold 16", "a name or value is too long at / (byte ");
}

TEST(what_is_wrong_with_a_plan_is_said_with_its_place)
{
    refused(2, "adapt " HERE "wrong.plan " HERE "order.json",
            HERE "wrong.plan:4:1: error: expected the name of a step, like rename or default (`weft adapt --help` has "
                 "them all)");
    refused(2, "adapt " HERE "wrong.plan " HERE "order.json",
            HERE "wrong.plan:5:1: error: expected an operation, a path");
    refused(2, "adapt " HERE "twice.plan --for a " HERE "order.json",
            HERE "twice.plan:3:1: error: a second plan of this name");
    refused(2, "adapt " HERE "nothing.plan " HERE "order.json", "nothing.plan: error: cannot read it");
}

TEST(what_is_wrong_with_the_arguments_is_said)
{
    refused(2, "adapt", "PLAN");
    refused(2, "adapt " PRINTED " " HERE "order.json", "say which plan with --for; " PRINTED " has\n  request create");
    refused(2, "adapt " PRINTED " --for nobody " HERE "order.json", "no plan of that name; " PRINTED " has\n  request");
    refused(2, "adapt " HERE "by-hand.plan " HERE "nothing.json", "nothing.json: No such file");
    refused(2, "adapt " HERE "by-hand.plan --max-hold 3", "--max-hold is a number of bytes from 16");
    refused(2, "adapt " HERE "by-hand.plan --count", "did you mean --counts?");
}

TESTS_BEGIN()
TESTS_RUN(a_body_is_rewritten_by_the_plan_that_check_printed)
TESTS_RUN(the_plans_of_a_file_are_listed)
TESTS_RUN(a_plan_written_by_hand_needs_neither_name_nor_laws)
TESTS_RUN(members_go_to_the_head_and_come_from_it)
TESTS_RUN(a_body_of_many_texts_is_rewritten_text_by_text)
TESTS_RUN(a_protobuf_body_is_rewritten_by_numbers)
TESTS_RUN(a_body_becomes_json_and_comes_from_it_by_the_types_that_are_named)
TESTS_RUN(steps_are_counted_for_who_asks)
TESTS_RUN(a_body_that_does_not_fit_is_refused_with_its_place_and_nothing_of_it_comes_out)
TESTS_RUN(what_is_wrong_with_a_plan_is_said_with_its_place)
TESTS_RUN(what_is_wrong_with_the_arguments_is_said)
TESTS_END()
