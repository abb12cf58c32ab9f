#include "base/diag.h"

#include "tests/kit/t.h"

static const char orders[] =
    "# orders\nrelation order.\n                 feild(\"Order\", \"qty\", \"int32\", \"required\").\nlast";

static struct diag_place place_at(unsigned line, unsigned column, unsigned width)
{
    return (struct diag_place){
        .file = "orders.weft", .text = slice_str(orders), .line = line, .column = column, .width = width};
}

static void check_print(const char *want, const struct diag *d)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    diag_print(d, &out);
    CHECK_TEXT(want, buf_slice(&out));
    buf_fini(&out);
}

TEST(a_complaint_shows_its_line_a_caret_and_the_way_out)
{
    struct diag d;
    struct diag_place place = place_at(3, 18, 5);
    diag_init(&d);
    diag_add(&d, DIAG_ERROR, &place, "did you mean `field`?", "unknown relation `%s`", "feild");
    check_print("orders.weft:3:18: error: unknown relation `feild`\n"
                "  feild(\"Order\", \"qty\", \"int32\", \"required\").\n"
                "  ^~~~~\n"
                "  did you mean `field`?\n",
                &d);
    CHECK_INT(1, d.errors);
    CHECK_INT(0, d.warnings);
    diag_fini(&d);
}

TEST(a_caret_in_the_middle_stands_under_its_word)
{
    struct diag d;
    struct diag_place place = place_at(2, 10, 5);
    diag_init(&d);
    diag_add(&d, DIAG_WARNING, &place, NULL, "no such thing");
    check_print("orders.weft:2:10: warning: no such thing\n"
                "  relation order.\n"
                "           ^~~~~\n",
                &d);
    CHECK_INT(0, d.errors);
    CHECK_INT(1, d.warnings);
    diag_fini(&d);
}

TEST(a_caret_past_the_end_stands_behind_the_last_byte)
{
    struct diag d;
    struct diag_place place = place_at(4, 5, 0);
    diag_init(&d);
    diag_add(&d, DIAG_NOTE, &place, NULL, "ends too early");
    check_print("orders.weft:4:5: note: ends too early\n"
                "  last\n"
                "      ^\n",
                &d);
    CHECK_INT(0, d.errors + d.warnings);
    diag_fini(&d);
}

TEST(a_width_past_the_end_of_the_line_is_cut_there)
{
    struct diag d;
    struct diag_place place = place_at(4, 3, 100);
    diag_init(&d);
    diag_add(&d, DIAG_ERROR, &place, NULL, "odd");
    check_print("orders.weft:4:3: error: odd\n"
                "  last\n"
                "    ^~\n",
                &d);
    diag_fini(&d);
}

TEST(a_complaint_about_a_whole_file_or_none_has_no_line)
{
    struct diag d;
    struct diag_place whole = place_at(0, 0, 0);
    struct diag_place input = {.file = "-", .line = 7};
    diag_init(&d);
    diag_add(&d, DIAG_ERROR, &whole, NULL, "empty");
    diag_add(&d, DIAG_ERROR, &input, NULL, "odd");
    diag_add(&d, DIAG_ERROR, NULL, "start again", "lost");
    check_print("orders.weft: error: empty\n"
                "standard input:7: error: odd\n"
                "error: lost\n"
                "  start again\n",
                &d);
    diag_fini(&d);
}

TEST(bytes_that_are_not_text_are_spelled_and_the_caret_follows)
{
    struct diag d;
    struct diag_place place = {
        .file = "f", .text = SLICE("a\x1b[2J\tb\xc3\xa4 here\r\n"), .line = 1, .column = 11, .width = 4};
    diag_init(&d);
    diag_add(&d, DIAG_ERROR, &place, NULL, "bad \x07 bell");
    check_print("f:1:11: error: bad \\x07 bell\n"
                "  a\\x1b[2J b\\xc3\\xa4 here\n"
                "                     ^~~~\n",
                &d);
    diag_fini(&d);
}

TEST(of_a_very_long_line_only_the_part_around_the_place_is_kept)
{
    static char line[100000];
    struct diag d;
    struct diag_place place = {.file = "f", .text = slice_of(line, sizeof(line)), .line = 1, .column = 50001};
    memset(line, 'x', sizeof(line));
    line[50000] = '!';
    diag_init(&d);
    diag_add(&d, DIAG_ERROR, &place, NULL, "odd");
    CHECK_INT(160, d.first->source.len);
    CHECK_INT(49941, d.first->source_from);
    CHECK_INT('!', d.first->source.at[60]);
    diag_fini(&d);
}

TEST(complaints_past_the_most_are_only_counted)
{
    struct diag d;
    diag_init(&d);
    d.most = 2;
    for (int i = 0; i < 5; i++)
        diag_add(&d, DIAG_ERROR, NULL, NULL, "number %d", i);
    check_print("error: number 0\n"
                "error: number 1\n"
                "and 3 more\n",
                &d);
    CHECK_INT(5, d.errors);
    diag_fini(&d);
}

TEST(the_nearest_word_is_at_most_two_slips_away)
{
    static const char *const words[] = {"listen", "field", "filed", "at"};
    CHECK_SLICE(SLICE("listen"), slice_str(diag_nearest(SLICE("lisen"), words, 4)));
    CHECK_SLICE(SLICE("field"), slice_str(diag_nearest(SLICE("feild"), words, 4)));
    CHECK(diag_nearest(SLICE("liste"), words, 4) == words[0]);
    CHECK(diag_nearest(SLICE("li"), words, 1) == NULL);
    CHECK(diag_nearest(SLICE("xy"), words, 4) == NULL);
    CHECK(diag_nearest(SLICE(""), words, 3) == NULL);
    CHECK(diag_nearest(SLICE("listen"), NULL, 0) == NULL);
}

TESTS_BEGIN()
TESTS_RUN(a_complaint_shows_its_line_a_caret_and_the_way_out)
TESTS_RUN(a_caret_in_the_middle_stands_under_its_word)
TESTS_RUN(a_caret_past_the_end_stands_behind_the_last_byte)
TESTS_RUN(a_width_past_the_end_of_the_line_is_cut_there)
TESTS_RUN(a_complaint_about_a_whole_file_or_none_has_no_line)
TESTS_RUN(bytes_that_are_not_text_are_spelled_and_the_caret_follows)
TESTS_RUN(of_a_very_long_line_only_the_part_around_the_place_is_kept)
TESTS_RUN(complaints_past_the_most_are_only_counted)
TESTS_RUN(the_nearest_word_is_at_most_two_slips_away)
TESTS_END()
