#include "base/index.h"

#include "tests/kit/t.h"

enum { MANY = 5000 };

struct thing {
    unsigned number;
    bool in;
};

static struct slice key_of(const void *object)
{
    const struct thing *t = object;
    return slice_of(&t->number, sizeof(t->number));
}

static struct thing things[MANY];

static struct thing *get(const struct index *x, unsigned number)
{
    return index_get(x, slice_of(&number, sizeof(number)));
}

static void put_all(struct index *x)
{
    for (unsigned i = 0; i < MANY; i++) {
        things[i] = (struct thing){i, true};
        index_put(x, &things[i]);
    }
}

TEST(an_empty_one_has_nothing)
{
    struct index x = {.key_of = key_of};
    size_t at = 0;
    CHECK(get(&x, 1) == NULL);
    CHECK(index_next(&x, &at) == NULL);
    index_fini(&x);
}

TEST(each_object_is_found_by_its_key)
{
    struct index x = {.key_of = key_of};
    put_all(&x);
    for (unsigned i = 0; i < MANY; i++)
        CHECK(get(&x, i) == &things[i]);
    CHECK(get(&x, MANY) == NULL);
    CHECK_INT(MANY, x.count);
    index_fini(&x);
}

TEST(what_was_taken_out_is_gone_and_the_rest_stays)
{
    struct index x = {.key_of = key_of};
    put_all(&x);
    for (unsigned i = 0; i < MANY; i += 2)
        index_del(&x, &things[i]);
    for (unsigned i = 0; i < MANY; i++)
        CHECK(get(&x, i) == (i % 2 ? &things[i] : NULL));
    index_fini(&x);
}

TEST(a_walk_that_takes_out_sees_each_once)
{
    struct index x = {.key_of = key_of};
    put_all(&x);
    size_t at = 0, seen = 0;
    for (struct thing *t = index_next(&x, &at); t; t = index_next(&x, &at)) {
        CHECK(t->in);
        t->in = false;
        seen++;
        index_del(&x, t);
    }
    CHECK_INT(MANY, seen);
    CHECK_INT(0, x.count);
    index_fini(&x);
}

TEST(graves_do_not_make_it_grow)
{
    struct index x = {.key_of = key_of};
    struct thing t = {0};
    for (unsigned i = 0; i < MANY; i++) {
        t.number = i;
        index_put(&x, &t);
        index_del(&x, &t);
    }
    CHECK_INT(16, x.cap);
    index_fini(&x);
}

TEST(room_that_was_reserved_is_enough)
{
    struct index x = {.key_of = key_of};
    index_reserve(&x, MANY);
    size_t cap = x.cap;
    CHECK(cap >= MANY);
    put_all(&x);
    CHECK_INT(cap, x.cap);
    index_reserve(&x, 1);
    CHECK_INT(cap, x.cap);
    for (unsigned i = 0; i < MANY; i++)
        CHECK(get(&x, i) == &things[i]);
    index_fini(&x);
}

TESTS_BEGIN()
TESTS_RUN(an_empty_one_has_nothing)
TESTS_RUN(each_object_is_found_by_its_key)
TESTS_RUN(what_was_taken_out_is_gone_and_the_rest_stays)
TESTS_RUN(a_walk_that_takes_out_sees_each_once)
TESTS_RUN(graves_do_not_make_it_grow)
TESTS_RUN(room_that_was_reserved_is_enough)
TESTS_END()
