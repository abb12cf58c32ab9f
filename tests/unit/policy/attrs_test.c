#include "policy/attrs.h"

#include "tests/kit/t.h"

static void check_path(const char *raw, const char *want)
{
    char into[128];
    struct slice out = {0};

    CHECK_ERR(ERR_OK, attrs_path(slice_str(raw), into, sizeof(into), &out));
    CHECK_TEXT(want, out);
}

static void check_refused(struct slice raw)
{
    char into[128];
    struct slice out;

    CHECK_ERR(ERR_INPUT, attrs_path(raw, into, sizeof(into), &out));
}

TEST(a_normal_path_stays_as_it_is)
{
    check_path("/", "/");
    check_path("/a", "/a");
    check_path("/a/", "/a/");
    check_path("/a/b.c/d~e_f-g", "/a/b.c/d~e_f-g");
    check_path("/a;v=1/b,c:d@e!$&'()*+=", "/a;v=1/b,c:d@e!$&'()*+=");
    check_path("/...", "/...");
    check_path("/.a/..b", "/.a/..b");
}

TEST(dot_segments_and_double_slashes_go)
{
    check_path("/a/./b", "/a/b");
    check_path("/a/b/../c", "/a/c");
    check_path("/a/..", "/");
    check_path("/a/b/..", "/a/");
    check_path("/a/.", "/a/");
    check_path("/.", "/");
    check_path("//a///b//", "/a/b/");
    check_path("/a/b/c/../../d/./e", "/a/d/e");
    check_path("/a//../b", "/b"); /* an empty segment is none, so this climbs out of a */
}

TEST(escapes_are_undone_when_needless_and_else_upper_case)
{
    check_path("/%61%7e%2D", "/a~-");
    check_path("/%c3%a9", "/%C3%A9");
    check_path("/a%20b%3fc%25d", "/a%20b%3Fc%25d");
    check_path("/a/%2e%2E/b", "/b");
    check_path("/%252e%252e/a", "/%252e%252e/a"); /* decoded once, never twice */
}

TEST(what_is_no_path_is_refused)
{
    check_refused(SLICE(""));
    check_refused(SLICE("*"));
    check_refused(SLICE("a/b"));
    check_refused(SLICE("http://example.org/"));
    check_refused(SLICE("/a?b"));
    check_refused(SLICE("/a#b"));
    check_refused(SLICE("/a b"));
    check_refused(SLICE("/a\\b"));
    check_refused(SLICE("/\xc3\xa9"));
    check_refused(SLICE("/a\0b"));
    check_refused(SLICE("/%"));
    check_refused(SLICE("/%4"));
    check_refused(SLICE("/%g0"));
}

TEST(what_could_be_read_in_two_ways_is_refused)
{
    check_refused(SLICE("/a%2fb"));
    check_refused(SLICE("/a%2Fb"));
    check_refused(SLICE("/a%00"));
    check_refused(SLICE("/a/..;/b"));
    check_refused(SLICE("/a/%2e%2e;x=1/b"));
    check_refused(SLICE("/a/;x/b"));
}

TEST(nobody_climbs_above_the_root)
{
    check_refused(SLICE("/.."));
    check_refused(SLICE("/../a"));
    check_refused(SLICE("/a/../../b"));
    check_refused(SLICE("/a/%2e%2e/%2e%2e/b"));
}

TEST(a_path_longer_than_the_room_is_full)
{
    char into[4];
    struct slice out;

    CHECK_ERR(ERR_OK, attrs_path(SLICE("/abc"), into, sizeof(into), &out));
    CHECK_ERR(ERR_FULL, attrs_path(SLICE("/abcd"), into, sizeof(into), &out));
}

TESTS_BEGIN()
TESTS_RUN(a_normal_path_stays_as_it_is)
TESTS_RUN(dot_segments_and_double_slashes_go)
TESTS_RUN(escapes_are_undone_when_needless_and_else_upper_case)
TESTS_RUN(what_is_no_path_is_refused)
TESTS_RUN(what_could_be_read_in_two_ways_is_refused)
TESTS_RUN(nobody_climbs_above_the_root)
TESTS_RUN(a_path_longer_than_the_room_is_full)
TESTS_END()
