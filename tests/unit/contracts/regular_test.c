#include "contracts/regular.h"

#include <stdio.h>

#include "tests/kit/t.h"

static bool within(const char *narrow, const char *wide)
{
    return regular_within(slice_str(narrow), slice_str(wide));
}

TEST(narrower_patterns_are_within_wider_ones)
{
    static const char *const pairs[][2] = {
        {"^[0-9]{3}$", "^\\d+$"},
        {"^a", "a"},
        {"a$", "a"},
        {"^(a|b)+$", "^[ab]*$"},
        {"^abc$", "^a.c$"},
        {"^a{2,4}$", "^a{1,5}$"},
        {"^x|^y", "^[xyz]"},
        {"^[^a-z]$", "^\\W|[0-9A-Z_]"},
        {"^\\w+$", "^[A-Za-z0-9_]+$"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        bool there = within(pairs[i][0], pairs[i][1]);
        if (!there)
            fprintf(stderr, "%s in %s\n", pairs[i][0], pairs[i][1]);
        CHECK(there);
    }
    CHECK(!within("^\\d+$", "^[0-9]{3}$"));
    CHECK(!within("a", "^a"));
    /* As whole texts, these differ. */
    CHECK(!within("^a?b$", "b$"));
    CHECK(!within("[a-z]*", "[A-Z]*"));
    CHECK(!within("^a.c$", "^abc$"));
    CHECK(!within("^a{1,5}$", "^a{2,4}$"));
    CHECK(!within("^.*$", "^[a-z]*$"));
    CHECK(!within("^[^a-z]$", "^\\W$"));
}

TEST(a_pattern_that_every_text_matches_holds_all)
{
    CHECK(within("", ".*"));
    CHECK(within("", ""));
    CHECK(within("x", "^[\\s\\S]*$"));
    /* A line end is not a dot. */
    CHECK(!within("", "^.*$"));
    CHECK(!within("", ".+"));
}

TEST(what_is_not_regular_or_too_large_is_not_decided)
{
    static const char *const strange[] = {"(a)\\1", "(?=a)a", "\\bword\\b", "a**",     "(a",
                                          "[a",     "a{999}", "\\p{L}",     "(?<n>a)", "a)b"};
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        CHECK(!within(strange[i], ".*"));
        CHECK(!within("^a$", strange[i]));
        CHECK(within(strange[i], strange[i]));
    }
    CHECK(!within("^(a|b)*a(a|b){12}$", "^(a|b)*b(a|b){12}$"));
}

static void samples(const char *narrow, const char *wide, unsigned least, const char *want)
{
    struct buf out;
    buf_init(&out, 256);
    bool found = regular_sample(slice_str(narrow), slice_str(wide), least, &out);
    CHECK_INT(want != NULL, found);
    CHECK_TEXT(want ? want : "", buf_slice(&out));
    buf_fini(&out);
}

TEST(texts_are_told_and_made)
{
    CHECK_INT(ANSWER_YES, regular_takes(SLICE("^\\d{2,3}$"), SLICE("123")));
    CHECK_INT(ANSWER_NO, regular_takes(SLICE("^\\d{2,3}$"), SLICE("1234")));
    CHECK_INT(ANSWER_YES, regular_takes(SLICE("^x-"), SLICE("x-a")));
    CHECK_INT(ANSWER_YES, regular_takes(SLICE("^.$"), SLICE("\xE2\x82\xAC")));
    CHECK_INT(ANSWER_MAYBE, regular_takes(SLICE("b"), SLICE("abc")));
    CHECK_INT(ANSWER_MAYBE, regular_takes(SLICE("(a)\\1"), SLICE("aa")));
    samples("^[a-c]+$", "^a", 0, "b");
    samples("^[a-c]+$", "", 3, "aaa");
    samples("", "^[a-z]+$", 0, "");
    samples("", "^[a-z]*$", 0, "1");
    samples("^ab$", "b", 0, NULL);
    samples("(a)\\1", "", 0, NULL);
}

TESTS_BEGIN()
TESTS_RUN(narrower_patterns_are_within_wider_ones)
TESTS_RUN(a_pattern_that_every_text_matches_holds_all)
TESTS_RUN(texts_are_told_and_made)
TESTS_RUN(what_is_not_regular_or_too_large_is_not_decided)
TESTS_END()
