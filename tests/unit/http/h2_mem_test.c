#include "http/h2_mem.h"

#include <string.h>

#include "base/mem.h"
#include "tests/kit/t.h"

TEST(a_block_given_back_is_the_next_one_of_its_size)
{
    struct h2_mem *m = h2_mem_new();
    void *a = h2_mem_take(100, m), *other = h2_mem_take(200, m);
    h2_mem_give(a, m);
    void *third = h2_mem_take(200, m);
    CHECK(third != a);
    CHECK(h2_mem_take(128, m) == a);
    h2_mem_give(a, m);
    h2_mem_give(other, m);
    h2_mem_give(third, m);
    h2_mem_give(NULL, m);
    size_t before = mem_alive();
    h2_mem_free(&m);
    CHECK(m == NULL);
    CHECK_INT(4, before - mem_alive());
}

TEST(growing_keeps_the_bytes_and_zeroed_is_zeroed)
{
    struct h2_mem *m = h2_mem_new();
    char *a = h2_mem_take(8, m);
    memset(a, 'x', 8);
    CHECK(h2_mem_resize(a, 64, m) == a);
    char *b = h2_mem_resize(a, 65, m);
    CHECK(b != a && memcmp(b, "xxxxxxxx", 8) == 0);
    char *z = h2_mem_take_zeroed(4, 16, m);
    CHECK(z == a);
    for (int i = 0; i < 64; i++)
        CHECK_INT(0, z[i]);
    h2_mem_give(b, m);
    h2_mem_give(z, m);
    h2_mem_free(&m);
}

TEST(no_more_than_a_mebibyte_waits)
{
    enum { COUNT = 1100 };
    static void *blocks[COUNT];
    struct h2_mem *m = h2_mem_new();
    size_t before = mem_alive();
    for (int i = 0; i < COUNT; i++)
        blocks[i] = h2_mem_take(1024, m);
    CHECK_INT(COUNT, mem_alive() - before);
    for (int i = 0; i < COUNT; i++)
        h2_mem_give(blocks[i], m);
    CHECK_INT(1024, mem_alive() - before);
    h2_mem_give(h2_mem_take(1025, m), m); /* too large to wait */
    CHECK_INT(1024, mem_alive() - before);
    h2_mem_free(&m);
}

TESTS_BEGIN()
TESTS_RUN(a_block_given_back_is_the_next_one_of_its_size)
TESTS_RUN(growing_keeps_the_bytes_and_zeroed_is_zeroed)
TESTS_RUN(no_more_than_a_mebibyte_waits)
TESTS_END()
