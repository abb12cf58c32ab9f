#include "base/regex.h"

#include "tests/kit/t.h"

static struct regex *compile(const char *pattern)
{
    struct regex *r = NULL;
    char why[128] = "";
    size_t at = 0;
    CHECK_ERR(ERR_OK, regex_new(slice_str(pattern), &r, why, &at));
    return r;
}

static void check_whole(enum err want, const char *pattern, const char *text)
{
    struct regex *r = compile(pattern);
    CHECK_ERR(want, regex_whole(r, slice_str(text)));
    regex_free(&r);
    CHECK(r == NULL);
}

static void check_find(enum err want, const char *pattern, const char *text)
{
    struct regex *r = compile(pattern);
    CHECK_ERR(want, regex_find(r, slice_str(text)));
    regex_free(&r);
}

TEST(whole_means_from_the_first_byte_to_the_last)
{
    check_whole(ERR_OK, "a+", "aaa");
    check_whole(ERR_ABSENT, "a+", "baaa");
    check_whole(ERR_ABSENT, "a+", "aaab");
    check_whole(ERR_ABSENT, "a+", "aaa\n");
    check_whole(ERR_ABSENT, "a+$", "aaa\n");
    check_whole(ERR_OK, "a|ab", "ab");
    check_whole(ERR_OK, "", "");
    check_whole(ERR_ABSENT, "", "a");
}

TEST(find_looks_everywhere)
{
    check_find(ERR_OK, "b+", "aabbaa");
    check_find(ERR_ABSENT, "c", "aabbaa");
    check_find(ERR_ABSENT, "a$", "a\n");
}

TEST(a_dot_is_a_character_not_a_byte)
{
    check_whole(ERR_OK, ".", "\xc3\xa4");
}

TEST(text_that_is_not_utf8_matches_nothing)
{
    check_whole(ERR_ABSENT, ".*", "\xff");
}

TEST(a_bad_pattern_says_what_and_where)
{
    struct regex *r = NULL;
    char why[128] = "";
    size_t at = 0;
    CHECK_ERR(ERR_INPUT, regex_new(SLICE("ab(c"), &r, why, &at));
    CHECK_INT(4, at);
    CHECK_TEXT("missing closing parenthesis", slice_str(why));
    CHECK(r == NULL);
}

TEST(a_pattern_over_4096_bytes_is_refused)
{
    static char pattern[4097];
    struct regex *r = NULL;
    char why[128] = "";
    size_t at = 0;
    memset(pattern, 'a', sizeof(pattern));
    CHECK_ERR(ERR_OK, regex_new(slice_of(pattern, 4096), &r, why, &at));
    regex_free(&r);
    CHECK_ERR(ERR_INPUT, regex_new(slice_of(pattern, 4097), &r, why, &at));
    CHECK_INT(4096, at);
}

TEST(a_hostile_pattern_is_stopped)
{
    static const char forty[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!";
    check_whole(ERR_LIMIT, "(a+)+", forty);
    check_find(ERR_LIMIT, "(a|aa)+$", forty);
}

TEST(text_over_16_kib_is_not_looked_at)
{
    static char text[REGEX_TEXT_MOST + 1];
    struct regex *r = compile("a*");
    memset(text, 'a', sizeof(text));
    CHECK_ERR(ERR_OK, regex_whole(r, slice_of(text, REGEX_TEXT_MOST)));
    CHECK_ERR(ERR_LIMIT, regex_whole(r, slice_of(text, sizeof(text))));
    CHECK_ERR(ERR_LIMIT, regex_find(r, slice_of(text, sizeof(text))));
    regex_free(&r);
}

TESTS_BEGIN()
TESTS_RUN(whole_means_from_the_first_byte_to_the_last)
TESTS_RUN(find_looks_everywhere)
TESTS_RUN(a_dot_is_a_character_not_a_byte)
TESTS_RUN(text_that_is_not_utf8_matches_nothing)
TESTS_RUN(a_bad_pattern_says_what_and_where)
TESTS_RUN(a_pattern_over_4096_bytes_is_refused)
TESTS_RUN(a_hostile_pattern_is_stopped)
TESTS_RUN(text_over_16_kib_is_not_looked_at)
TESTS_END()
