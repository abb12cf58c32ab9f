#include "proxy/prefer.h"

#include "tests/kit/t.h"

static struct prefer read(const char *first, const char *second)
{
    struct arena arena;
    arena_init(&arena, 4096);
    struct headers fields;
    headers_init(&fields, &arena);
    CHECK_ERR(ERR_OK, headers_add_token(&fields, HEADERS_PREFER, slice_str(first)));
    if (second)
        CHECK_ERR(ERR_OK, headers_add_token(&fields, HEADERS_PREFER, slice_str(second)));
    struct prefer p;
    prefer_read(&fields, &p);
    arena_fini(&arena);
    return p;
}

TEST(every_spelling_of_respond_async_and_wait_is_read)
{
    static const struct {
        const char *value;
        bool async, has_wait;
        uint32_t wait_s;
    } rows[] = {
        {"respond-async", true, false, 0},
        {"respond-async, wait=10", true, true, 10},
        {"RESPOND-Async;x=1,WAIT=0", true, true, 0},
        {"wait = \"7\" , respond-async", true, true, 7},
        {"wait=3600", false, true, 3600},
        {"wait=3601", false, true, 3600},
        {"wait=18446744073709551615", false, true, 3600},
        {"wait=18446744073709551616", false, false, 0},
        {"wait=-1, respond-async", true, false, 0},
        {"wait", false, false, 0},
        {"wait=, respond-async", true, false, 0},
        {"respond-asynchronous", false, false, 0},
        {"return=minimal; foo=\"a, respond-async\", wait=2", false, true, 2},
        {"note=\"a\\\", respond-async\", wait=2", false, true, 2},
        {"note=\"never closed, respond-async", false, false, 0},
        {",, ,respond-async,", true, false, 0},
        {"=, ;, respond-async", true, false, 0},
        {"", false, false, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct prefer p = read(rows[i].value, NULL);
        CHECK_INT(rows[i].async, p.respond_async);
        CHECK_INT(rows[i].has_wait, p.has_wait);
        CHECK_INT(rows[i].wait_s, p.wait_s);
    }
}

TEST(several_fields_are_one_list_and_the_first_of_a_name_counts)
{
    struct prefer p = read("wait=5, wait=6", "respond-async, wait=7");
    CHECK(p.respond_async);
    CHECK_INT(5, p.wait_s);
}

TEST(a_first_wait_that_is_no_number_hides_a_second)
{
    CHECK(!read("wait=soon", "wait=7").has_wait);
}

TEST(a_quoted_value_comes_without_its_quotes)
{
    struct slice rest = SLICE(" a=\"b c\" ; p=1 , d");
    struct prefer_item item;
    CHECK(prefer_next(&rest, &item));
    CHECK_TEXT("a", item.name);
    CHECK_TEXT("b c", item.value);
    CHECK(prefer_next(&rest, &item));
    CHECK_TEXT("d", item.name);
    CHECK_INT(0, item.value.len);
    CHECK(!prefer_next(&rest, &item));
}

TESTS_BEGIN()
TESTS_RUN(every_spelling_of_respond_async_and_wait_is_read)
TESTS_RUN(several_fields_are_one_list_and_the_first_of_a_name_counts)
TESTS_RUN(a_first_wait_that_is_no_number_hides_a_second)
TESTS_RUN(a_quoted_value_comes_without_its_quotes)
TESTS_END()
