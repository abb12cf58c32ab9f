#include "proxy/balance.h"

#include "tests/kit/t.h"

enum { MS = 1000, SECOND = 1000 * MS };

TEST(a_new_endpoint_is_thought_to_need_30_ms)
{
    struct balance b;
    balance_init(&b, 0, 0);
    CHECK_INT(30 * MS, (int64_t)balance_cost(&b, 0));
    balance_begin(&b);
    CHECK_INT(60 * MS, (int64_t)balance_cost(&b, 0));
    balance_end(&b);
    CHECK_INT(30 * MS, (int64_t)balance_cost(&b, 0));
}

TEST(a_rise_counts_at_once_and_a_fall_in_time)
{
    struct balance b;
    balance_init(&b, 0, 0);
    balance_sample(&b, 90 * MS, 0);
    CHECK_INT(90 * MS, (int64_t)balance_cost(&b, 0));
    balance_sample(&b, 10 * MS, 0);
    CHECK_INT(90 * MS, (int64_t)balance_cost(&b, 0));
    balance_sample(&b, 10 * MS, 10 * SECOND); /* 3/8 of what was there */
    CHECK_INT(40 * MS, (int64_t)balance_cost(&b, 10 * SECOND));
}

TEST(what_nobody_measures_is_forgotten)
{
    struct balance b;
    balance_init(&b, 0, 0);
    balance_sample(&b, 10 * SECOND, 0);
    CHECK(balance_cost(&b, 60 * SECOND) < 200 * MS);
    CHECK(balance_cost(&b, 60 * SECOND) > 0);
}

TEST(small_differences_are_no_reason_to_ask_always_the_same)
{
    struct balance a, b;
    balance_init(&a, 10 * MS, 0);
    balance_init(&b, 19 * MS, 0);
    CHECK(!balance_better(&a, &b, 0) && !balance_better(&b, &a, 0));
    balance_begin(&a);
    CHECK(balance_better(&b, &a, 0));
    balance_end(&a);
    balance_sample(&b, 21 * MS, 0);
    CHECK(balance_better(&a, &b, 0) && !balance_better(&b, &a, 0));
}

TESTS_BEGIN()
TESTS_RUN(a_new_endpoint_is_thought_to_need_30_ms)
TESTS_RUN(a_rise_counts_at_once_and_a_fall_in_time)
TESTS_RUN(what_nobody_measures_is_forgotten)
TESTS_RUN(small_differences_are_no_reason_to_ask_always_the_same)
TESTS_END()
