#include "proxy/retry_budget.h"

#include "tests/kit/t.h"

enum { SECOND = 1000000 };

static int spend_all(struct retry_budget *b, int64_t now_us)
{
    int n = 0;
    while (n < 100000 && retry_budget_spend(b, now_us) == ERR_OK)
        n++;
    return n;
}

TEST(it_starts_with_a_seconds_pay_and_earns_it_again)
{
    struct retry_budget b;
    retry_budget_init(&b, 20, 10, 0);
    CHECK_INT(10, spend_all(&b, 0));
    CHECK_INT(0, spend_all(&b, SECOND / 10 - 1));
    CHECK_INT(1, spend_all(&b, SECOND / 10));
    CHECK_INT(9, spend_all(&b, SECOND));
}

TEST(a_fifth_of_the_traffic_may_be_retries)
{
    struct retry_budget b;
    retry_budget_init(&b, 20, 0, 0);
    CHECK_INT(0, spend_all(&b, 0));
    for (int i = 0; i < 50; i++)
        retry_budget_earn(&b);
    CHECK_INT(10, spend_all(&b, 0));
}

TEST(quiet_hours_save_up_ten_seconds_pay)
{
    struct retry_budget b;
    retry_budget_init(&b, 20, 10, 0);
    for (int i = 0; i < 100000; i++)
        retry_budget_earn(&b);
    CHECK_INT(100, spend_all(&b, 3600 * (int64_t)SECOND));
}

TESTS_BEGIN()
TESTS_RUN(it_starts_with_a_seconds_pay_and_earns_it_again)
TESTS_RUN(a_fifth_of_the_traffic_may_be_retries)
TESTS_RUN(quiet_hours_save_up_ten_seconds_pay)
TESTS_END()
