#include "contracts/paths.h"

#include <stdio.h>

#include "tests/kit/t.h"

#define GET(template_)                                       \
    {                                                        \
        .method = SLICE("GET"), .template = SLICE(template_) \
    }
#define POST(template_)                                       \
    {                                                         \
        .method = SLICE("POST"), .template = SLICE(template_) \
    }
#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

static int find(const struct paths *p, const char *method, const char *path)
{
    return paths_find(p, slice_str(method), slice_str(path));
}

TEST(the_first_difference_that_is_a_literal_wins)
{
    const struct paths_entry some[] = {GET("/{a}/x/{c}"), GET("/o/{b}/{c}"), GET("/o/x/{c}"), GET("/o/{b}/z")};
    struct paths *p = paths_new(some, COUNT(some));
    CHECK_INT(2, find(p, "GET", "/o/x/z"));
    CHECK_INT(3, find(p, "GET", "/o/y/z"));
    CHECK_INT(1, find(p, "GET", "/o/y/y"));
    CHECK_INT(0, find(p, "GET", "/p/x/z"));
    CHECK_INT(PATHS_NO_PATH, find(p, "GET", "/p/y/z"));
    paths_free(&p);
}

/* A literal that leads nowhere, or to another method, is no reason to miss the variable. */
TEST(a_branch_that_ends_badly_is_left_again)
{
    const struct paths_entry some[] = {POST("/o/recent"), GET("/o/{id}"), GET("/o/recent/x"), GET("/{any}/{id}/y")};
    struct paths *p = paths_new(some, COUNT(some));
    CHECK_INT(1, find(p, "GET", "/o/recent"));
    CHECK_INT(0, find(p, "POST", "/o/recent"));
    CHECK_INT(3, find(p, "GET", "/o/recent/y"));
    CHECK_INT(PATHS_NO_METHOD, find(p, "PUT", "/o/recent"));
    CHECK_INT(PATHS_NO_METHOD, find(p, "POST", "/o/7"));
    paths_free(&p);
}

TEST(of_equal_templates_the_first_counts)
{
    const struct paths_entry some[] = {POST("/o/{a}"), GET("/o/{b}"), GET("/o/{c}")};
    struct paths *p = paths_new(some, COUNT(some));
    CHECK_INT(1, find(p, "GET", "/o/7"));
    CHECK_INT(0, find(p, "POST", "/o/7"));
    paths_free(&p);
}

TEST(a_call_of_grpc_has_its_own_path_where_no_template_has_it)
{
    const struct paths_entry some[] = {
        {.grpc = SLICE("/p.S/Get")},
        {.method = SLICE("GET"), .template = SLICE("/p.S/{x}"), .grpc = SLICE("/p.S/Put")},
        {.grpc = SLICE("/p.S/Get")}};
    struct paths *p = paths_new(some, COUNT(some));
    CHECK_INT(PATHS_NO_METHOD, find(p, "POST", "/p.S/Get")); /* the template has the path, and not the method */
    CHECK_INT(1, find(p, "GET", "/p.S/Get"));
    paths_free(&p);
    p = paths_new(some, 1);
    CHECK_INT(0, find(p, "POST", "/p.S/Get"));
    CHECK_INT(PATHS_NO_METHOD, find(p, "GET", "/p.S/Get"));
    CHECK_INT(PATHS_NO_PATH, find(p, "POST", "/p.S/Put"));
    paths_free(&p);
}

TEST(no_entries_have_no_paths)
{
    struct paths *p = paths_new(NULL, 0);
    CHECK_INT(PATHS_NO_PATH, find(p, "GET", "/"));
    CHECK_INT(PATHS_NO_PATH, find(p, "GET", ""));
    paths_free(&p);
}

TEST(templates_of_any_depth_are_found)
{
    char deep[2][400] = {"", ""}, other[400];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(deep[0] + strlen(deep[0]), 8, "/%s", i == 50 ? "{x}" : "a");
        (void)snprintf(deep[1] + strlen(deep[1]), 8, "/a");
    }
    struct paths_entry some[] = {GET("/a"),
                                 {.method = SLICE("GET"), .template = slice_str(deep[0])},
                                 {.method = SLICE("GET"), .template = slice_str(deep[1])}};
    struct paths *p = paths_new(some, COUNT(some));
    CHECK_INT(2, find(p, "GET", deep[1]));
    memcpy(other, deep[1], sizeof(other));
    other[101] = 'b'; /* the segment that is a variable in the other template */
    CHECK_INT(1, find(p, "GET", other));
    CHECK_INT(PATHS_NO_METHOD, find(p, "PUT", other));
    CHECK_INT(0, find(p, "GET", "/a"));
    paths_free(&p);
}

/* --- beside the definition: every template is held against the path --- */

static bool is_variable(struct slice s)
{
    return slice_starts(s, SLICE("{")) && slice_ends(s, SLICE("}"));
}

static size_t cut(struct slice path, struct slice segments[16])
{
    size_t n = 0, at;
    for (; slice_find(path, '/', &at); path = slice_from(path, at + 1))
        segments[n++] = slice_to(path, at);
    segments[n++] = path;
    return n;
}

static bool fits(struct slice template, struct slice path)
{
    struct slice want[16], have[16];
    size_t n = cut(template, want);
    if (n != cut(path, have))
        return false;
    for (size_t i = 0; i < n; i++)
        if (is_variable(want[i]) ? have[i].len == 0 : !slice_eq(want[i], have[i]))
            return false;
    return true;
}

static bool is_more_literal(struct slice a, struct slice b)
{
    struct slice x[16], y[16];
    size_t n = cut(a, x);
    (void)cut(b, y);
    for (size_t i = 0; i < n; i++)
        if (is_variable(x[i]) != is_variable(y[i]))
            return is_variable(y[i]);
    return false;
}

static int slow_find(const struct paths_entry *v, size_t count, struct slice method, struct slice path)
{
    int best = PATHS_NO_PATH;
    for (size_t i = 0; i < count; i++) {
        if (!fits(v[i].template, path))
            continue;
        if (!slice_eq(v[i].method, method))
            best = best == PATHS_NO_PATH ? PATHS_NO_METHOD : best;
        else if (best < 0 || is_more_literal(v[i].template, v[best].template))
            best = (int)i;
    }
    return best;
}

static size_t draw(uint64_t *random, size_t below)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(*random >> 33) % below;
}

static struct slice make_path(uint64_t *r, char room[64], bool template)
{
    static const char *const segments[] = {"a", "b", "ab", "", "{x}", "{y}"};
    size_t depth = 1 + draw(r, 4), len = 0;
    for (size_t i = 0; i < depth; i++)
        len += (size_t)snprintf(room + len, 64 - len, "/%s", segments[draw(r, template ? 6 : 4)]);
    return slice_of(room, len);
}

TEST(a_tree_finds_what_the_definition_says)
{
    enum { ENTRIES = 30, ROUNDS = 300, PATHS = 100 };
    static const char *const methods[] = {"GET", "PUT"};
    static char room[ENTRIES][64];
    struct paths_entry some[ENTRIES];
    uint64_t r = 7;
    char path[64];
    size_t found = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < ENTRIES; i++)
            some[i] = (struct paths_entry){.method = slice_str(methods[draw(&r, 2)]),
                                           .template = make_path(&r, room[i], true)};
        struct paths *p = paths_new(some, ENTRIES);
        for (int i = 0; i < PATHS; i++) {
            struct slice method = slice_str(methods[draw(&r, 2)]), asked = make_path(&r, path, false);
            int want = slow_find(some, ENTRIES, method, asked);
            CHECK_INT(want, paths_find(p, method, asked));
            found += want >= 0;
        }
        paths_free(&p);
    }
    CHECK(found > (size_t)ROUNDS * PATHS / 4);
}

TESTS_BEGIN()
TESTS_RUN(the_first_difference_that_is_a_literal_wins)
TESTS_RUN(a_branch_that_ends_badly_is_left_again)
TESTS_RUN(of_equal_templates_the_first_counts)
TESTS_RUN(a_call_of_grpc_has_its_own_path_where_no_template_has_it)
TESTS_RUN(no_entries_have_no_paths)
TESTS_RUN(templates_of_any_depth_are_found)
TESTS_RUN(a_tree_finds_what_the_definition_says)
TESTS_END()
