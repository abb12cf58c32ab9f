#include "base/slice.h"

#include "tests/kit/t.h"

static const struct slice nothing = {0};

TEST(the_order_is_that_of_bytes_and_the_shorter_first)
{
    CHECK(slice_cmp(SLICE("a"), SLICE("b")) < 0);
    CHECK(slice_cmp(SLICE("\xff"), SLICE("a")) > 0);
    CHECK(slice_cmp(SLICE("a"), SLICE("ab")) < 0);
    CHECK(slice_cmp(SLICE("ab"), SLICE("a")) > 0);
    CHECK_INT(0, slice_cmp(nothing, SLICE("")));
}

TEST(only_ascii_letters_have_two_cases)
{
    CHECK(slice_eq_nocase(SLICE("Content-Type"), SLICE("cONTENT-tYPE")));
    CHECK(!slice_eq_nocase(SLICE("a"), SLICE("ab")));
    CHECK(!slice_eq_nocase(SLICE("@"), SLICE("`")));
    CHECK(!slice_eq_nocase(SLICE("\xc4"), SLICE("\xe4")));
}

TEST(starts_ends_and_has_agree_on_the_empty_slice)
{
    CHECK(slice_starts(SLICE("abc"), SLICE("ab")));
    CHECK(!slice_starts(SLICE("ab"), SLICE("abc")));
    CHECK(slice_ends(SLICE("abc"), SLICE("bc")));
    CHECK(!slice_ends(SLICE("bc"), SLICE("abc")));
    CHECK(slice_has(SLICE("abc"), SLICE("b")));
    CHECK(!slice_has(SLICE("abc"), SLICE("cb")));
    size_t at = 9;
    CHECK(slice_find_text(SLICE("ababc"), SLICE("abc"), &at));
    CHECK_INT(2, at);
    CHECK(!slice_find_text(SLICE("ab"), SLICE("abc"), &at));
    CHECK_INT(2, at);
    CHECK(!slice_has(nothing, SLICE("a")));
    CHECK(slice_starts(nothing, nothing) && slice_ends(nothing, nothing) && slice_has(nothing, nothing));
}

TEST(a_byte_is_found_from_both_ends_or_not_at_all)
{
    size_t at = 99;
    CHECK(!slice_find(SLICE("abc"), 'x', &at));
    CHECK(!slice_find_last(nothing, 'x', &at));
    CHECK_INT(99, at);
    CHECK(slice_find(SLICE("a.b.c"), '.', &at));
    CHECK_INT(1, at);
    CHECK(slice_find_last(SLICE("a.b.c"), '.', &at));
    CHECK_INT(3, at);
}

TEST(cuts_past_the_end_mean_the_end)
{
    CHECK_SLICE(SLICE("c"), slice_from(SLICE("abc"), 2));
    CHECK_SLICE(SLICE(""), slice_from(SLICE("abc"), 4));
    CHECK_SLICE(SLICE("ab"), slice_to(SLICE("abc"), 2));
    CHECK_SLICE(SLICE("abc"), slice_to(SLICE("abc"), 4));
    CHECK_INT(0, slice_from(nothing, 1).len);
}

TEST(pieces_between_separators_may_be_empty)
{
    struct slice rest = SLICE("a,,b,"), piece;
    CHECK(slice_split(&rest, ',', &piece));
    CHECK_SLICE(SLICE("a"), piece);
    CHECK(slice_split(&rest, ',', &piece));
    CHECK_SLICE(SLICE(""), piece);
    CHECK(slice_split(&rest, ',', &piece));
    CHECK_SLICE(SLICE("b"), piece);
    CHECK(!slice_split(&rest, ',', &piece));
    rest = nothing;
    CHECK(!slice_split(&rest, ',', &piece));
}

TEST(blanks_at_both_ends_are_trimmed)
{
    CHECK_SLICE(SLICE("a b"), slice_trim(SLICE(" \ta b\t ")));
    CHECK_SLICE(SLICE(""), slice_trim(SLICE(" \t")));
    CHECK_SLICE(SLICE("\n"), slice_trim(SLICE("\n")));
}

TEST(numbers_are_strict_decimal_within_their_most)
{
    static const char *const bad[] = {"",
                                      "+1",
                                      "-1",
                                      " 1",
                                      "1 ",
                                      "1x",
                                      "0x1",
                                      "18446744073709551616",
                                      "99999999999999999999",
                                      "000000000000000000001"};
    uint64_t n = 42;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_ERR(ERR_INPUT, slice_u64(slice_str(bad[i]), UINT64_MAX, &n));
    CHECK_ERR(ERR_INPUT, slice_u64(SLICE("101"), 100, &n));
    CHECK_INT(42, n);
    CHECK_ERR(ERR_OK, slice_u64(SLICE("100"), 100, &n));
    CHECK_INT(100, n);
    CHECK_ERR(ERR_OK, slice_u64(SLICE("18446744073709551615"), UINT64_MAX, &n));
    CHECK(n == UINT64_MAX);
    CHECK_ERR(ERR_OK, slice_u64(SLICE("007"), 7, &n));
    CHECK_INT(7, n);
}

TEST(utf8_has_one_form_for_each_character)
{
    static const char *const good[] = {"",
                                       "a",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2\x41",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xe2\x82",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "a\xf0\x90\x80"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CHECK(slice_utf8(slice_str(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!slice_utf8(slice_str(bad[i])));
    CHECK_INT(3, slice_utf8_step(SLICE("\xe2\x82\xac!")));
    CHECK_INT(0, slice_utf8_step(nothing));
}

TESTS_BEGIN()
TESTS_RUN(the_order_is_that_of_bytes_and_the_shorter_first)
TESTS_RUN(only_ascii_letters_have_two_cases)
TESTS_RUN(starts_ends_and_has_agree_on_the_empty_slice)
TESTS_RUN(a_byte_is_found_from_both_ends_or_not_at_all)
TESTS_RUN(cuts_past_the_end_mean_the_end)
TESTS_RUN(pieces_between_separators_may_be_empty)
TESTS_RUN(blanks_at_both_ends_are_trimmed)
TESTS_RUN(numbers_are_strict_decimal_within_their_most)
TESTS_RUN(utf8_has_one_form_for_each_character)
TESTS_END()
