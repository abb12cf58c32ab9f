#include "proxy/limit.h"

#include "tests/kit/t.h"

enum { MS = 1000 };

static struct limit l;
static int64_t now_us;

/* `n` at once, all answered after so long. */
static void round_of(int n, int64_t latency_us, bool overloaded)
{
    int in = 0;
    while (in < n && limit_enter(&l))
        in++;
    now_us += LIMIT_WINDOW_US;
    for (; in > 0; in--)
        limit_leave(&l, latency_us, overloaded, now_us);
}

TEST(no_more_than_the_limit_get_in)
{
    limit_init(&l, 1, 3);
    for (int i = 0; i < 3; i++)
        CHECK(limit_enter(&l));
    CHECK(!limit_enter(&l));
    limit_leave(&l, -1, false, 0);
    CHECK(limit_enter(&l));
}

TEST(it_stays_where_answers_take_no_longer)
{
    limit_init(&l, 20, 100);
    for (int i = 0; i < 100; i++)
        round_of(100, 10 * MS, false);
    CHECK_INT(100, (int)l.most_now);
}

TEST(it_shrinks_while_answers_queue_and_grows_back)
{
    limit_init(&l, 20, 100);
    for (int i = 0; i < 10; i++)
        round_of(100, 10 * MS, false);
    for (int i = 0; i < 10; i++)
        round_of(100, 100 * MS, false);
    int shrunk = (int)l.most_now;
    CHECK(shrunk >= 20 && shrunk < 70);
    for (int i = 0; i < 60; i++)
        round_of(100, 10 * MS, false);
    CHECK_INT(100, (int)l.most_now);
}

TEST(words_of_overload_shrink_it_by_a_tenth_a_window)
{
    limit_init(&l, 20, 100);
    round_of(50, 10 * MS, true);
    CHECK_INT(90, (int)l.most_now);
    for (int i = 0; i < 100; i++)
        round_of(50, 10 * MS, true);
    CHECK_INT(20, (int)l.most_now);
}

TEST(a_function_that_is_slow_by_itself_and_not_crowded_keeps_it)
{
    limit_init(&l, 20, 1000);
    for (int i = 0; i < 50; i++)
        round_of(12, (i % 10 + 1) * 100 * MS, false);
    CHECK_INT(1000, (int)l.most_now);
}

TESTS_BEGIN()
TESTS_RUN(no_more_than_the_limit_get_in)
TESTS_RUN(it_stays_where_answers_take_no_longer)
TESTS_RUN(it_shrinks_while_answers_queue_and_grows_back)
TESTS_RUN(words_of_overload_shrink_it_by_a_tenth_a_window)
TESTS_RUN(a_function_that_is_slow_by_itself_and_not_crowded_keeps_it)
TESTS_END()
