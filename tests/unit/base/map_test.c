#include "base/map.h"

#include <stdio.h>

#include "base/mem.h"
#include "tests/kit/t.h"

TEST(siphash_gives_the_numbers_of_its_authors)
{
    /* Appendix A of the SipHash paper: key 00..0f, bytes 00..0e. */
    const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    char bytes[15];
    for (int i = 0; i < 15; i++)
        bytes[i] = (char)i;
    CHECK(map_siphash(key, slice_of(bytes, 15)) == UINT64_C(0xa129ca6149be45e5));
}

TEST(an_empty_map_answers_nothing)
{
    struct map m = {0};
    size_t at = 0;
    CHECK(!map_get(&m, SLICE("a")));
    CHECK(!map_del(&m, SLICE("a")));
    CHECK(!map_next(&m, &at));
    map_fini(&m);
}

TEST(putting_a_key_again_gives_back_the_old_value)
{
    struct map m = {0};
    int one = 1, two = 2;
    CHECK(map_put(&m, SLICE("k"), &one) == NULL);
    CHECK(map_put(&m, SLICE("k"), &two) == &one);
    CHECK(map_get(&m, SLICE("k")) == &two);
    CHECK_INT(1, m.count);
    map_fini(&m);
}

TEST(a_replaced_entry_borrows_the_new_key)
{
    struct map m = {0};
    int one = 1, two = 2;
    char *old = mem_copy(SLICE("k"));
    map_put(&m, slice_str(old), &one);
    map_put(&m, SLICE("k"), &two);
    old[0] = 'x';
    CHECK(map_get(&m, SLICE("k")) == &two);
    mem_free(old);
    map_fini(&m);
}

TEST(the_empty_key_is_a_key)
{
    struct map m = {0};
    int one = 1;
    map_put(&m, SLICE(""), &one);
    CHECK(map_get(&m, (struct slice){0}) == &one);
    map_fini(&m);
}

/* Names "0" to "999", kept in one array. */
struct names {
    char text[1000][12];
};

static void names_fill(struct names *n)
{
    for (int i = 0; i < 1000; i++)
        snprintf(n->text[i], sizeof(n->text[i]), "%d", i);
}

TEST(a_thousand_entries_are_all_found_and_walked_once)
{
    static struct names n;
    struct map m = {0};
    names_fill(&n);
    for (int i = 0; i < 1000; i++)
        map_put(&m, slice_str(n.text[i]), n.text[i]);
    for (int i = 0; i < 1000; i++)
        CHECK(map_get(&m, slice_str(n.text[i])) == n.text[i]);
    size_t at = 0, walked = 0;
    while (map_next(&m, &at))
        walked++;
    CHECK_INT(1000, walked);
    map_fini(&m);
}

TEST(entries_may_be_deleted_while_walking)
{
    static struct names n;
    struct map m = {0};
    names_fill(&n);
    for (int i = 0; i < 1000; i++)
        map_put(&m, slice_str(n.text[i]), n.text[i]);
    size_t at = 0;
    for (char *name = map_next(&m, &at); name; name = map_next(&m, &at))
        CHECK(map_del(&m, slice_str(name)) == name);
    CHECK_INT(0, m.count);
    map_fini(&m);
}

TEST(coming_and_going_does_not_grow_the_table)
{
    static struct names n;
    struct map m = {0};
    names_fill(&n);
    for (int round = 0; round < 100; round++)
        for (int i = 0; i < 1000; i++) {
            map_put(&m, slice_str(n.text[i]), n.text[i]);
            CHECK(map_del(&m, slice_str(n.text[i])) == n.text[i]);
        }
    CHECK_INT(16, m.cap);
    map_fini(&m);
}

TEST(what_is_kept_stays_when_its_key_is_put_again)
{
    struct map m = {0};
    char first[] = "x", second[] = "x";
    CHECK(map_keep(&m, SLICE("k"), first) == NULL);
    CHECK(map_keep(&m, SLICE("k"), second) == first);
    CHECK(map_get(&m, SLICE("k")) == first);
    CHECK_INT(1, m.count);
    map_fini(&m);
}

TESTS_BEGIN()
TESTS_RUN(siphash_gives_the_numbers_of_its_authors)
TESTS_RUN(an_empty_map_answers_nothing)
TESTS_RUN(putting_a_key_again_gives_back_the_old_value)
TESTS_RUN(a_replaced_entry_borrows_the_new_key)
TESTS_RUN(the_empty_key_is_a_key)
TESTS_RUN(a_thousand_entries_are_all_found_and_walked_once)
TESTS_RUN(entries_may_be_deleted_while_walking)
TESTS_RUN(coming_and_going_does_not_grow_the_table)
TESTS_RUN(what_is_kept_stays_when_its_key_is_put_again)
TESTS_END()
