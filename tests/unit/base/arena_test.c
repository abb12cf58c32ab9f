#include "base/arena.h"

#include "base/mem.h"
#include "tests/kit/t.h"

TEST(objects_are_zeroed_and_aligned_for_anything)
{
    struct arena a = {0};
    for (size_t size = 0; size < 200; size++) {
        arena_keep(&a, SLICE("x"));
        char *at = arena_new(&a, size);
        CHECK_INT(0, (uintptr_t)at % _Alignof(max_align_t));
        for (size_t i = 0; i < size; i++)
            CHECK_INT(0, at[i]);
        memset(at, 0xff, size);
    }
    arena_fini(&a);
}

TEST(after_a_reset_memory_is_zeroed_again_and_one_block_is_kept)
{
    struct arena a = {0};
    size_t before = mem_alive();
    memset(arena_new(&a, 4000), 0xff, 4000);
    arena_new(&a, 100000);
    CHECK_INT(before + 2, mem_alive());
    arena_reset(&a);
    CHECK_INT(before + 1, mem_alive());
    CHECK_INT(0, a.used);
    CHECK_INT(0, ((char *)arena_new(&a, 4000))[3999]);
    CHECK_INT(before + 1, mem_alive());
    arena_fini(&a);
}

TEST(room_that_was_lent_comes_first_and_stays_after_a_reset)
{
    struct arena a;
    _Alignas(max_align_t) char room[256];
    size_t before = mem_alive();
    memset(room, 0xff, sizeof(room));
    arena_init_in(&a, 10, room, sizeof(room));
    for (int round = 0; round < 2; round++) {
        char *at = arena_new(&a, 200);
        CHECK(at >= room && at + 200 <= room + sizeof(room));
        CHECK_INT(0, at[199]);
        CHECK_INT(before, mem_alive());
        arena_new(&a, 200);
        CHECK_INT(before + 1, mem_alive());
        arena_reset(&a);
        CHECK_INT(0, a.used);
        CHECK_INT(before, mem_alive());
    }
    arena_fini(&a);
    CHECK_INT(before, mem_alive());
}

TEST(a_copy_of_a_peers_bytes_stops_at_the_bound)
{
    struct arena a;
    struct slice copy = {0};
    arena_init(&a, 10);
    CHECK_ERR(ERR_OK, arena_copy(&a, SLICE("012345"), &copy));
    CHECK_ERR(ERR_FULL, arena_copy(&a, SLICE("67890"), &copy));
    CHECK_SLICE(SLICE("012345"), copy);
    CHECK_INT('\0', copy.at[6]);
    CHECK_ERR(ERR_OK, arena_copy(&a, SLICE("6789"), &copy));
    CHECK_ERR(ERR_FULL, arena_copy(&a, SLICE("x"), &copy));
    CHECK_INT(10, a.used);
    arena_fini(&a);
}

TEST(empty_copies_cost_nothing)
{
    struct arena a = {0};
    struct slice copy = {0};
    for (int i = 0; i < 100000; i++)
        CHECK_ERR(ERR_OK, arena_copy(&a, SLICE(""), &copy));
    CHECK(a.blocks == NULL);
    CHECK_INT('\0', copy.at[0]);
    CHECK_ERR(ERR_FULL, arena_copy(&a, SLICE("x"), &copy));
    arena_fini(&a);
}

TEST(our_own_bytes_know_no_bound_but_count)
{
    struct arena a;
    struct slice copy = {0};
    arena_init(&a, 4);
    CHECK_TEXT("abcdef", arena_keep(&a, SLICE("abcdef")));
    CHECK_TEXT("n=7", arena_putf(&a, "n=%d", 7));
    CHECK_TEXT("Order.qty", arena_join(&a, SLICE("Order"), ".", SLICE("qty")));
    CHECK_TEXT("Lines[]", arena_join(&a, SLICE("Lines"), "[]", (struct slice){0}));
    CHECK_INT(25, a.used);
    CHECK_ERR(ERR_FULL, arena_copy(&a, SLICE("x"), &copy));
    arena_fini(&a);
}

TESTS_BEGIN()
TESTS_RUN(objects_are_zeroed_and_aligned_for_anything)
TESTS_RUN(after_a_reset_memory_is_zeroed_again_and_one_block_is_kept)
TESTS_RUN(room_that_was_lent_comes_first_and_stays_after_a_reset)
TESTS_RUN(a_copy_of_a_peers_bytes_stops_at_the_bound)
TESTS_RUN(empty_copies_cost_nothing)
TESTS_RUN(our_own_bytes_know_no_bound_but_count)
TESTS_END()
