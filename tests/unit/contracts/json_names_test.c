#include "contracts/wire/json_names.h"

#include <stdio.h>

#include "tests/kit/t.h"

static enum err add(struct json_names *n, struct json_names_object *o, const char *format, unsigned number)
{
    char name[64];
    int len = snprintf(name, sizeof(name), format, number);
    return json_names_add(n, o, json_names_hash(slice_of(name, (size_t)len)));
}

TEST(a_name_comes_once_in_small_and_in_large_objects)
{
    for (unsigned count = 1; count < 70; count++) {
        struct json_names n = {0};
        struct json_names_object o = json_names_open(&n);
        for (unsigned i = 0; i < count; i++)
            CHECK_ERR(ERR_OK, add(&n, &o, "%u", i));
        for (unsigned i = 0; i < count; i++)
            CHECK_ERR(ERR_EXISTS, add(&n, &o, "%u", i));
        json_names_close(&n, &o);
        CHECK_INT(0, n.count);
        json_names_fini(&n);
    }
}

TEST(open_objects_do_not_see_each_others_names)
{
    struct json_names n = {0};
    struct json_names_object outer = json_names_open(&n), inner;
    for (unsigned i = 0; i < 100; i++) {
        CHECK_ERR(ERR_OK, add(&n, &outer, "n%u", i));
        inner = json_names_open(&n);
        for (unsigned j = 0; j < i; j++)
            CHECK_ERR(ERR_OK, add(&n, &inner, "n%u", j));
        json_names_close(&n, &inner);
        CHECK_ERR(ERR_EXISTS, add(&n, &outer, "n%u", i));
    }
    json_names_close(&n, &outer);
    CHECK_INT(0, n.filled);
    json_names_fini(&n);
}

TEST(there_are_bounds)
{
    struct json_names n = {0};
    struct json_names_object outer[16];
    for (unsigned o = 0; o < 16; o++) {
        outer[o] = json_names_open(&n);
        for (unsigned i = 0; i < JSON_NAMES_OBJECT; i++)
            CHECK_ERR(ERR_OK, add(&n, &outer[o], "%u", i));
        CHECK_ERR(ERR_FULL, add(&n, &outer[o], "%u", JSON_NAMES_OBJECT));
        CHECK_ERR(ERR_EXISTS, add(&n, &outer[o], "%u", 7));
    }
    struct json_names_object last = json_names_open(&n);
    CHECK_ERR(ERR_FULL, add(&n, &last, "%u", 0));
    for (unsigned o = 16; o > 0; o--)
        json_names_close(&n, &outer[o - 1]);
    CHECK_INT(0, n.filled);
    json_names_fini(&n);
}

/* Pairs that a hash which mixes length and letters carelessly takes for one. */
TEST(names_that_look_alike_differ)
{
    static const char *const pairs[][2] = {{"101", "10"},
                                           {"a", "aa"},
                                           {"", "a"},
                                           {"abcdabcd", "abcd"},
                                           {"aaaa", "aaaaa"},
                                           {"aaaaaaaaa", "aaaaaaaaaa"},
                                           {"abcdefghabcdefgh", "abcdefgh"},
                                           {"aab", "abb"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        CHECK(json_names_hash(slice_str(pairs[i][0])) != json_names_hash(slice_str(pairs[i][1])));
    /* Every length, every place. */
    char name[40] = "", other[40];
    for (size_t len = 1; len < sizeof(name); len++)
        for (size_t at = 0; at < len; at++) {
            memset(name, 'x', len);
            memcpy(other, name, len);
            other[at] = 'y';
            CHECK(json_names_hash(slice_of(name, len)) != json_names_hash(slice_of(other, len)));
        }
}

TESTS_BEGIN()
TESTS_RUN(a_name_comes_once_in_small_and_in_large_objects)
TESTS_RUN(open_objects_do_not_see_each_others_names)
TESTS_RUN(there_are_bounds)
TESTS_RUN(names_that_look_alike_differ)
TESTS_END()
