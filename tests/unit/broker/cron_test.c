#include "broker/cron.h"

#include "base/now.h"
#include "tests/kit/t.h"

#define START INT64_C(1700000000000) /* Tuesday, 2023-11-14T22:13:20Z */

static struct cron read_one(const char *text)
{
    struct cron c;
    const char *why;
    CHECK_ERR(ERR_OK, cron_read(slice_str(text), &c, &why));
    return c;
}

static void check_next(const char *want, const char *text, int64_t after_ms)
{
    struct cron c = read_one(text);
    char at[25];
    now_rfc3339(cron_next_ms(&c, 0, after_ms) * NOW_US_PER_MS, at);
    CHECK_TEXT(want, slice_str(at));
}

TEST(the_next_moment_is_the_first_that_fits)
{
    check_next("2023-11-14T22:14:00.000Z", "* * * * *", START);
    check_next("2023-11-14T22:15:00.000Z", "*/15 * * * *", START);
    check_next("2023-11-15T03:00:00.000Z", "0 3 * * *", START);
    check_next("2023-11-15T09:00:00.000Z", "0 9-17/4 * * MON-FRI", START);
    check_next("2023-11-15T13:00:00.000Z", "0 9-17/4 * * MON-FRI", START + INT64_C(39000000));
    check_next("2023-12-01T00:00:00.000Z", "@monthly", START);
    check_next("2024-01-01T00:00:00.000Z", "@yearly", START);
    check_next("2023-11-19T00:00:00.000Z", "@weekly", START);
    check_next("2023-11-19T00:00:00.000Z", "0 0 * * 7", START);
    check_next("2024-02-29T12:30:00.000Z", "30 12 29 feb *", START);
    check_next("2028-02-29T12:30:00.000Z", "30 12 29 2 *", INT64_C(1709210000000));
    check_next("2023-11-14T22:20:00.000Z", "5,40,20/50 22 * * *", START);
}

TEST(a_moment_is_never_its_own_successor)
{
    struct cron c = read_one("0 * * * *");
    int64_t at = cron_next_ms(&c, 0, START);
    CHECK_INT(at + 3600000, cron_next_ms(&c, 0, at));
    CHECK_INT(at, cron_next_ms(&c, 0, at - 1));
}

TEST(a_day_or_a_weekday_is_enough_when_both_are_said)
{
    check_next("2023-11-15T00:00:00.000Z", "0 0 15 * FRI", START); /* a Wednesday */
    check_next("2023-11-17T00:00:00.000Z", "0 0 15 * FRI", START + INT64_C(86400000));
    check_next("2024-03-15T00:00:00.000Z", "0 0 15 3 *", START);
}

TEST(every_counts_from_when_it_was_made)
{
    struct cron c = read_one("@every 90s");
    CHECK_INT(1000 + 90000, cron_next_ms(&c, 1000, 1000));
    CHECK_INT(1000 + 90000, cron_next_ms(&c, 1000, 0));
    CHECK_INT(1000 + 180000, cron_next_ms(&c, 1000, 91000));
    CHECK_INT(1000 + 180000, cron_last_ms(&c, 1000, 91000, 200000));
    CHECK_INT(0, cron_last_ms(&c, 1000, 91000, 150000));
    CHECK_INT(0, cron_last_ms(&c, 1000, 0, 90999));
}

TEST(the_last_moment_is_the_newest_that_has_passed)
{
    struct cron c = read_one("30 3 * * *");
    int64_t three = cron_next_ms(&c, 0, START);
    CHECK_INT(three, cron_last_ms(&c, 0, START, three));
    CHECK_INT(three + INT64_C(9) * 86400000, cron_last_ms(&c, 0, START, three + INT64_C(9) * 86400000 + 5));
    CHECK_INT(0, cron_last_ms(&c, 0, START, three - 1));
    CHECK_INT(0, cron_last_ms(&c, 0, three, three));
}

TEST(a_field_that_is_wrong_is_named)
{
    static const char *const bad[][2] = {
        {"60 * * * *", "the minute (first field) is 0 to 59, or * with a step like */15"},
        {"* 24 * * *", "the hour (second field) is 0 to 23"},
        {"* * 0 * *", "the day (third field) is 1 to 31"},
        {"* * * FOO *", "the month (fourth field) is 1 to 12, or JAN to DEC"},
        {"* * * * 8", "the weekday (fifth field) is 0 to 7, or SUN to SAT"},
        {"* * * *", "the weekday (fifth field) is 0 to 7, or SUN to SAT"},
        {"* * * * * *", "there are five fields: minute hour day month weekday"},
        {"5-1 * * * *", "the minute (first field) is 0 to 59, or * with a step like */15"},
        {"*/0 * * * *", "the minute (first field) is 0 to 59, or * with a step like */15"},
        {"1, * * * *", "the minute (first field) is 0 to 59, or * with a step like */15"},
        {"", "the minute (first field) is 0 to 59, or * with a step like */15"},
        {"0 0 31 2 *", "no such day ever comes"},
        {"@every 5", "write @every and a duration of 1s to 365d, like @every 15m"},
        {"@every 10ms", "write @every and a duration of 1s to 365d, like @every 15m"},
    };
    struct cron c;
    const char *why;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_ERR(ERR_INPUT, cron_read(slice_str(bad[i][0]), &c, &why));
        CHECK_TEXT(bad[i][1], slice_str(why));
    }
}

TESTS_BEGIN()
TESTS_RUN(the_next_moment_is_the_first_that_fits)
TESTS_RUN(a_moment_is_never_its_own_successor)
TESTS_RUN(a_day_or_a_weekday_is_enough_when_both_are_said)
TESTS_RUN(every_counts_from_when_it_was_made)
TESTS_RUN(the_last_moment_is_the_newest_that_has_passed)
TESTS_RUN(a_field_that_is_wrong_is_named)
TESTS_END()
