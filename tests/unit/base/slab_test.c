#include "base/slab.h"

#include "base/mem.h"
#include "tests/kit/t.h"

enum { MANY = 10000 };

TEST(objects_are_zeroed_and_do_not_overlap)
{
    struct slab s;
    static char *objects[MANY];
    slab_init(&s, 24);
    for (size_t i = 0; i < MANY; i++) {
        objects[i] = slab_new(&s);
        for (size_t at = 0; at < 24; at++)
            CHECK_INT(0, objects[i][at]);
        memset(objects[i], (int)(i % 256), 24);
    }
    for (size_t i = 0; i < MANY; i++)
        for (size_t at = 0; at < 24; at++)
            CHECK_INT(i % 256, (unsigned char)objects[i][at]);
    CHECK_INT(MANY, s.used);
    for (size_t i = 0; i < MANY; i++)
        slab_free(&s, objects[i]);
    slab_fini(&s);
}

TEST(what_was_freed_is_given_out_again_zeroed)
{
    struct slab s;
    slab_init(&s, 100);
    char *first = slab_new(&s), *second = slab_new(&s);
    memset(first, 7, 100);
    slab_free(&s, first);
    char *again = slab_new(&s);
    for (size_t at = 0; at < 100; at++)
        CHECK_INT(0, again[at]);
    slab_free(&s, again);
    slab_free(&s, second);
    slab_fini(&s);
}

TEST(blocks_go_back_when_their_objects_have)
{
    struct slab s;
    static void *objects[MANY];
    size_t before = mem_alive();
    slab_init(&s, 168);
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < MANY; i++)
            objects[i] = slab_new(&s);
        for (size_t i = 0; i < MANY; i++)
            slab_free(&s, objects[(i * 7919) % MANY]);
        CHECK(mem_alive() <= before + 1);
    }
    slab_fini(&s);
    CHECK_INT(before, mem_alive());
}

TESTS_BEGIN()
TESTS_RUN(objects_are_zeroed_and_do_not_overlap)
TESTS_RUN(what_was_freed_is_given_out_again_zeroed)
TESTS_RUN(blocks_go_back_when_their_objects_have)
TESTS_END()
