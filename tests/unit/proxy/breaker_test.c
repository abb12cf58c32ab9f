#include "proxy/breaker.h"

#include "tests/kit/t.h"

enum { SECOND = 1000000 };

static const struct breaker_conf conf = {7, 80, 5, 10 * SECOND, SECOND, 60 * (int64_t)SECOND};
static struct breaker b;
static int64_t now_us;

static void begin(void)
{
    breaker_init(&b);
    now_us = SECOND;
}

static void bad(int n)
{
    for (int i = 0; i < n; i++)
        breaker_bad(&b, &conf, now_us);
}

static void good(int n)
{
    for (int i = 0; i < n; i++)
        breaker_good(&b, &conf, now_us);
}

TEST(the_seventh_failure_in_a_row_opens_it)
{
    struct breaker_conf rows = conf;
    begin();
    rows.least = 100;
    for (int i = 0; i < 6; i++)
        breaker_bad(&b, &rows, now_us);
    breaker_good(&b, &rows, now_us);
    for (int i = 0; i < 6; i++)
        breaker_bad(&b, &rows, now_us);
    CHECK(breaker_lets(&b, now_us));
    breaker_bad(&b, &rows, now_us);
    CHECK(!breaker_lets(&b, now_us));
}

TEST(under_80_percent_of_five_opens_it)
{
    begin();
    good(4);
    bad(1); /* just 80 */
    CHECK(breaker_lets(&b, now_us));
    bad(1);
    CHECK(!breaker_lets(&b, now_us));
}

TEST(a_new_window_forgets_the_old_one)
{
    begin();
    good(3);
    bad(1);
    now_us += 10 * SECOND;
    good(3);
    bad(1);
    CHECK(breaker_lets(&b, now_us));
    good(1);
    CHECK(breaker_lets(&b, now_us));
}

TEST(one_real_request_tells_whether_it_closes)
{
    begin();
    bad(7);
    CHECK(!breaker_lets(&b, now_us + SECOND - 1));
    now_us += SECOND;
    CHECK(breaker_lets(&b, now_us));
    breaker_probe(&b, now_us);
    CHECK(!breaker_lets(&b, now_us)); /* one at a time */
    good(1);
    CHECK(breaker_lets(&b, now_us));
    CHECK_INT(BREAKER_CLOSED, b.sm.at);
}

TEST(each_probe_that_fails_doubles_the_wait_up_to_a_minute)
{
    static const int64_t waits[] = {1, 2, 4, 8, 16, 32, 60, 60};
    begin();
    bad(7);
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        CHECK_INT(now_us + waits[i] * SECOND, b.until_us);
        now_us = b.until_us;
        breaker_probe(&b, now_us);
        bad(1);
    }
}

TEST(a_probe_that_told_nothing_is_followed_by_another)
{
    begin();
    bad(7);
    now_us += SECOND;
    breaker_probe(&b, now_us);
    breaker_untold(&b);
    CHECK(breaker_lets(&b, now_us));
}

TEST(where_there_is_nobody_else_it_is_due_each_second)
{
    begin();
    bad(7);
    now_us = b.until_us;
    breaker_probe(&b, now_us);
    bad(1);
    CHECK(!breaker_lets(&b, now_us + SECOND));
    breaker_hurry(&b, &conf);
    CHECK(!breaker_lets(&b, now_us + SECOND - 1));
    CHECK(breaker_lets(&b, now_us + SECOND));
}

TEST(without_a_number_of_failures_it_never_opens)
{
    struct breaker_conf never = {0};
    begin();
    for (int i = 0; i < 1000; i++)
        breaker_bad(&b, &never, now_us);
    CHECK(breaker_lets(&b, now_us));
}

TESTS_BEGIN()
TESTS_RUN(the_seventh_failure_in_a_row_opens_it)
TESTS_RUN(under_80_percent_of_five_opens_it)
TESTS_RUN(a_new_window_forgets_the_old_one)
TESTS_RUN(one_real_request_tells_whether_it_closes)
TESTS_RUN(each_probe_that_fails_doubles_the_wait_up_to_a_minute)
TESTS_RUN(a_probe_that_told_nothing_is_followed_by_another)
TESTS_RUN(where_there_is_nobody_else_it_is_due_each_second)
TESTS_RUN(without_a_number_of_failures_it_never_opens)
TESTS_END()
