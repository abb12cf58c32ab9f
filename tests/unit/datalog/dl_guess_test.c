#include "datalog/dl_guess.h"

#include "tests/kit/t.h"

/* 6,000 tuples: a number of its own, one of 600 keys, one of 3, always the same. */
static void fill(struct dl_rel *r)
{
    struct dl_origin origin = {0};
    dl_rel_init(r, 4, 7, false);
    for (datalog_word n = 0; n < 6000; n++)
        dl_rel_put(r, (datalog_word[]){n, n * 7 % 600, n % 3, 5}, &origin);
}

TEST(without_a_key_every_tuple_is_met)
{
    struct dl_rel r;
    fill(&r);
    CHECK_INT(6000, dl_guess_matches(&r, 0));
    dl_rel_fini(&r);
}

TEST(a_key_of_its_own_meets_about_one_tuple)
{
    struct dl_rel r;
    fill(&r);
    CHECK(dl_guess_matches(&r, 1) <= 1);
    CHECK(dl_guess_matches(&r, 1 | 8) <= 1);
    dl_rel_fini(&r);
}

TEST(keys_that_repeat_are_guessed_within_a_factor_of_four)
{
    struct dl_rel r;
    fill(&r);
    uint32_t ten = dl_guess_matches(&r, 2);
    CHECK(ten >= 3 && ten <= 40);
    CHECK_INT(2000, dl_guess_matches(&r, 4));
    CHECK_INT(6000, dl_guess_matches(&r, 8));
    dl_rel_fini(&r);
}

TEST(nothing_meets_nothing)
{
    struct dl_rel r;
    dl_rel_init(&r, 2, 7, false);
    CHECK_INT(0, dl_guess_matches(&r, 1));
    dl_rel_fini(&r);
}

TESTS_BEGIN()
TESTS_RUN(without_a_key_every_tuple_is_met)
TESTS_RUN(a_key_of_its_own_meets_about_one_tuple)
TESTS_RUN(keys_that_repeat_are_guessed_within_a_factor_of_four)
TESTS_RUN(nothing_meets_nothing)
TESTS_END()
