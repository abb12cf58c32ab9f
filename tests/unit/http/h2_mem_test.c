#include "http/h2_mem.h"

#include <string.h>

#include "base/mem.h"
#include "tests/kit/t.h"

TEST(a_block_given_back_is_the_next_one_of_its_size)
{
    struct h2_mem *m = h2_mem_new(0);
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
    struct h2_mem *m = h2_mem_new(0);
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
    struct h2_mem *m = h2_mem_new(0);
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

/* As nghttp2 does: its state, two tables, a larger one, and what it writes frames into. */
TEST(what_a_session_begins_with_stands_in_one_home)
{
    struct h2_mem *m = h2_mem_new(2);
    h2_mem_settle(m);
    char *state = h2_mem_take_zeroed(1, 2944, m), *table = h2_mem_take(1000, m), *map = h2_mem_take_zeroed(256, 16, m),
         *frames = h2_mem_take(16464, m);
    h2_mem_settled(m);
    CHECK((uintptr_t)state / 4096 == (uintptr_t)(frames + 100) / 4096); /* one page */
    CHECK((uintptr_t)table / 4096 != (uintptr_t)state / 4096 && (uintptr_t)map / 4096 != (uintptr_t)state / 4096);
    size_t before = mem_alive();
    char *later = h2_mem_take(100, m);
    CHECK_INT(1, mem_alive() - before);
    memset(frames, 'x', 16464);
    memset(map, 'z', 4096);
    memset(table, 'y', 1000);
    char *larger = h2_mem_resize(table, 2048, m);
    CHECK(larger != table && larger[0] == 'y' && larger[999] == 'y');
    h2_mem_give(state, m);
    h2_mem_give(map, m);
    h2_mem_give(frames, m);
    h2_mem_settle(m); /* the home waits for the next one, which finds it zeroed where that was asked for */
    char *next = h2_mem_take_zeroed(1, 2944, m), *next_map = h2_mem_take_zeroed(256, 16, m);
    h2_mem_settled(m);
    CHECK(next == state);
    for (int i = 0; i < 256 * 16; i++)
        CHECK(next_map[i] == 0 && (i >= 2944 || next[i] == 0));
    h2_mem_give(next, m);
    h2_mem_give(next_map, m);
    h2_mem_give(later, m);
    h2_mem_give(larger, m);
    h2_mem_free(&m);
}

TEST(what_finds_no_home_stands_outside)
{
    struct h2_mem *m = h2_mem_new(1);
    h2_mem_settle(m);
    char *first = h2_mem_take(20 << 10, m), *second = h2_mem_take(20 << 10, m); /* it is full */
    h2_mem_settled(m);
    h2_mem_settle(m); /* there is no other */
    char *third = h2_mem_take(100, m);
    h2_mem_settled(m);
    memset(first, 'x', 20 << 10);
    memset(second, 'y', 20 << 10);
    memset(third, 'z', 100);
    CHECK(first[(20 << 10) - 1] == 'x');
    h2_mem_give(third, m);
    h2_mem_give(second, m);
    h2_mem_give(first, m);
    h2_mem_free(&m);
}

TEST(a_hundred_homes_are_given_back_and_taken_again)
{
    enum { COUNT = 100 };
    char *state[COUNT];
    struct h2_mem *m = h2_mem_new(COUNT);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT; i++) {
            h2_mem_settle(m);
            state[i] = h2_mem_take_zeroed(1, 2944, m);
            h2_mem_settled(m);
            CHECK(state[i][0] == 0 && state[i][2943] == 0);
            memset(state[i], 'x', 2944);
        }
        for (int i = 0; i < COUNT; i++)
            h2_mem_give(state[i], m);
    }
    h2_mem_free(&m);
}

TESTS_BEGIN()
TESTS_RUN(a_block_given_back_is_the_next_one_of_its_size)
TESTS_RUN(growing_keeps_the_bytes_and_zeroed_is_zeroed)
TESTS_RUN(no_more_than_a_mebibyte_waits)
TESTS_RUN(what_a_session_begins_with_stands_in_one_home)
TESTS_RUN(what_finds_no_home_stands_outside)
TESTS_RUN(a_hundred_homes_are_given_back_and_taken_again)
TESTS_END()
