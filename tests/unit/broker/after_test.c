#include "broker/after.h"

#include "tests/kit/t.h"

static const char *const ids[] = {"00000000000000000000000000", "00000000000000000000000001",
                                  "00000000000000000000000002", "00000000000000000000000003"};
#define JOB(n) slice_str(ids[n])

TEST(one_waits_for_two_and_goes_on_with_the_last)
{
    struct after a = {0};
    char job[JOB_ID + 1];
    bool any_end;
    size_t left;
    after_wait(&a, JOB(2), JOB(0), false);
    after_wait(&a, JOB(2), JOB(1), false);
    CHECK_INT(2, after_count(&a, JOB(2)));
    CHECK(after_ended(&a, JOB(0), job, &any_end, &left));
    CHECK_TEXT(ids[2], slice_str(job));
    CHECK_INT(1, left);
    CHECK(!after_ended(&a, JOB(0), job, &any_end, &left));
    CHECK(after_ended(&a, JOB(1), job, &any_end, &left));
    CHECK_INT(0, left);
    CHECK_INT(0, after_count(&a, JOB(2)));
    after_fini(&a);
}

TEST(two_wait_for_one_and_each_says_how_it_may_end)
{
    struct after a = {0};
    char job[JOB_ID + 1];
    bool any_end;
    size_t left;
    after_wait(&a, JOB(1), JOB(0), true);
    after_wait(&a, JOB(2), JOB(0), false);
    CHECK(after_ended(&a, JOB(0), job, &any_end, &left));
    CHECK_TEXT(ids[1], slice_str(job));
    CHECK(any_end);
    CHECK(after_ended(&a, JOB(0), job, &any_end, &left));
    CHECK_TEXT(ids[2], slice_str(job));
    CHECK(!any_end);
    CHECK(!after_ended(&a, JOB(0), job, &any_end, &left));
    after_fini(&a);
}

TEST(who_is_dropped_waits_for_nobody)
{
    struct after a = {0};
    char job[JOB_ID + 1];
    bool any_end;
    size_t left;
    after_wait(&a, JOB(2), JOB(0), false);
    after_wait(&a, JOB(2), JOB(1), false);
    after_wait(&a, JOB(3), JOB(1), false);
    after_drop(&a, JOB(2));
    after_drop(&a, JOB(2));
    CHECK(!after_ended(&a, JOB(0), job, &any_end, &left));
    CHECK(after_ended(&a, JOB(1), job, &any_end, &left));
    CHECK_TEXT(ids[3], slice_str(job));
    after_fini(&a);
}

static bool count_two(void *arg, struct slice other)
{
    CHECK_SLICE(JOB(*(size_t *)arg), other);
    return ++*(size_t *)arg < 2;
}

TEST(what_one_waits_for_is_named_in_order_until_it_is_enough)
{
    struct after a = {0};
    size_t seen = 0;
    for (size_t i = 0; i < 3; i++)
        after_wait(&a, JOB(3), JOB(i), false);
    after_each(&a, JOB(3), count_two, &seen);
    CHECK_INT(2, seen);
    after_fini(&a);
}

TESTS_BEGIN()
TESTS_RUN(one_waits_for_two_and_goes_on_with_the_last)
TESTS_RUN(two_wait_for_one_and_each_says_how_it_may_end)
TESTS_RUN(who_is_dropped_waits_for_nobody)
TESTS_RUN(what_one_waits_for_is_named_in_order_until_it_is_enough)
TESTS_END()
