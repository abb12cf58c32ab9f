#include "broker/backoff.h"

#include "tests/kit/t.h"

/* The middle of the jitter: seed % (2 * spread + 1) == spread. */
static int64_t plain(unsigned failures, int64_t want)
{
    return backoff_delay_ms(failures, (uint64_t)(want / 4));
}

TEST(the_delay_doubles_from_a_second_to_a_minute)
{
    CHECK_INT(1000, plain(1, 1000));
    CHECK_INT(2000, plain(2, 2000));
    CHECK_INT(4000, plain(3, 4000));
    CHECK_INT(32000, plain(6, 32000));
    CHECK_INT(60000, plain(7, 60000));
    CHECK_INT(60000, plain(17, 60000));
    CHECK_INT(60000, plain(4000000000u, 60000));
}

TEST(jitter_is_a_quarter_either_way)
{
    CHECK_INT(750, backoff_delay_ms(1, 0));
    CHECK_INT(1250, backoff_delay_ms(1, 500));
    CHECK_INT(750, backoff_delay_ms(1, 501));
    CHECK_INT(45000, backoff_delay_ms(20, 0));
    CHECK_INT(75000, backoff_delay_ms(20, 30000));
    for (uint64_t seed = 0; seed < 5000; seed++) {
        int64_t d = backoff_delay_ms(2, seed * 0x9e3779b97f4a7c15u);
        CHECK(d >= 1500 && d <= 2500);
    }
}

static struct job running(uint32_t attempt, uint32_t crashes, uint32_t releases)
{
    return (struct job){.id = "00000000000000000000000001",
                        .attempts = 5,
                        .attempt = attempt,
                        .crashes = crashes,
                        .releases = releases};
}

TEST(a_failure_waits_until_its_attempts_are_used_up)
{
    struct job j = running(4, 0, 0);
    struct backoff b = backoff_judge(&j, BACKOFF_FAILED, 0, 100000);
    CHECK_INT(JOB_DELAYED, b.next);
    CHECK(b.due_ms >= 106000 && b.due_ms <= 110000);
    j.attempt = 5;
    b = backoff_judge(&j, BACKOFF_FAILED, 0, 100000);
    CHECK_INT(JOB_DEAD, b.next);
    CHECK_TEXT("every attempt it may have has failed", slice_str(b.why));
}

TEST(the_same_attempt_always_waits_equally_long)
{
    struct job j = running(3, 0, 0);
    int64_t first = backoff_judge(&j, BACKOFF_FAILED, 0, 0).due_ms;
    CHECK_INT(first, backoff_judge(&j, BACKOFF_TIMED_OUT, 0, 0).due_ms);
    j.id[0] = '1';
    CHECK(first != backoff_judge(&j, BACKOFF_FAILED, 0, 0).due_ms);
}

TEST(crashes_and_releases_use_up_no_attempt)
{
    struct job j = running(7, 2, 1);
    CHECK_INT(JOB_DELAYED, backoff_judge(&j, BACKOFF_FAILED, 0, 0).next);
    j = running(8, 2, 1);
    CHECK_INT(JOB_DEAD, backoff_judge(&j, BACKOFF_FAILED, 0, 0).next);
}

TEST(the_third_crash_is_the_last)
{
    struct job j = running(2, 1, 0);
    struct backoff b = backoff_judge(&j, BACKOFF_CRASHED, 0, 1000);
    CHECK_INT(JOB_DELAYED, b.next);
    CHECK(b.due_ms >= 2500 && b.due_ms <= 3500);
    j = running(3, 2, 0);
    CHECK_INT(JOB_DEAD, backoff_judge(&j, BACKOFF_CRASHED, 0, 1000).next);
}

TEST(a_released_job_is_ready_at_once)
{
    struct job j = running(100, 2, 97);
    CHECK_INT(JOB_QUEUED, backoff_judge(&j, BACKOFF_RELEASED, 0, 1000).next);
    j.deadline_ms = 1000;
    CHECK_INT(JOB_DEAD, backoff_judge(&j, BACKOFF_RELEASED, 0, 1000).next);
}

TEST(a_refused_job_is_dead)
{
    struct job j = running(1, 0, 0);
    CHECK_INT(JOB_DEAD, backoff_judge(&j, BACKOFF_REFUSED, 0, 1000).next);
    /* What another worker may take waits for it, however often it was refused. */
    for (int i = 0; i < 40; i++) {
        struct backoff b = backoff_judge(&j, BACKOFF_UNFIT, 0, 1000);
        CHECK_INT(JOB_DELAYED, b.next);
        CHECK(b.due_ms > 1000 && b.due_ms <= 1000 + BACKOFF_CAP_MS * 5 / 4);
        backoff_count(&j, BACKOFF_UNFIT);
    }
    CHECK_INT(40, j.releases);
}

TEST(a_function_may_ask_for_a_longer_wait_not_for_a_shorter)
{
    struct job j = running(1, 0, 0);
    CHECK_INT(31000, backoff_judge(&j, BACKOFF_FAILED, 30000, 1000).due_ms);
    CHECK(backoff_judge(&j, BACKOFF_FAILED, 1, 1000).due_ms >= 1750);
    CHECK_INT(31536000000 + 1000, backoff_judge(&j, BACKOFF_FAILED, UINT64_MAX, 1000).due_ms);
}

TEST(no_attempt_begins_after_the_deadline)
{
    struct job j = running(1, 0, 0);
    j.deadline_ms = 1500;
    CHECK_INT(JOB_DEAD, backoff_judge(&j, BACKOFF_FAILED, 0, 1000).next);
    j.deadline_ms = 2251;
    CHECK_INT(JOB_DELAYED, backoff_judge(&j, BACKOFF_FAILED, 0, 1000).next);
}

TEST(causes_are_counted_apart)
{
    struct job j = running(9, 0, 0);
    backoff_count(&j, BACKOFF_FAILED);
    backoff_count(&j, BACKOFF_TIMED_OUT);
    backoff_count(&j, BACKOFF_CRASHED);
    backoff_count(&j, BACKOFF_RELEASED);
    backoff_count(&j, BACKOFF_RELEASED);
    CHECK_INT(1, j.crashes);
    CHECK_INT(2, j.releases);
    CHECK_INT(9, j.attempt);
}

TESTS_BEGIN()
TESTS_RUN(the_delay_doubles_from_a_second_to_a_minute)
TESTS_RUN(jitter_is_a_quarter_either_way)
TESTS_RUN(a_failure_waits_until_its_attempts_are_used_up)
TESTS_RUN(the_same_attempt_always_waits_equally_long)
TESTS_RUN(crashes_and_releases_use_up_no_attempt)
TESTS_RUN(the_third_crash_is_the_last)
TESTS_RUN(a_released_job_is_ready_at_once)
TESTS_RUN(a_refused_job_is_dead)
TESTS_RUN(a_function_may_ask_for_a_longer_wait_not_for_a_shorter)
TESTS_RUN(no_attempt_begins_after_the_deadline)
TESTS_RUN(causes_are_counted_apart)
TESTS_END()
