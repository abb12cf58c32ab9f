#include "base/now.h"

#include "tests/kit/t.h"

static void check_spelling(int64_t wall_us, const char *want)
{
    char text[25];
    now_rfc3339(wall_us, text);
    CHECK_TEXT(want, slice_str(text));
}

TEST(wall_time_is_spelled_as_rfc_3339_says)
{
    check_spelling(0, "1970-01-01T00:00:00.000Z");
    check_spelling(INT64_C(1795476671042999), "2026-11-23T23:31:11.042Z");
    check_spelling(INT64_C(1709210096000000), "2024-02-29T12:34:56.000Z");
    check_spelling(-1, "1969-12-31T23:59:59.999Z");
}

TEST(a_clock_by_hand_moves_only_when_told)
{
    struct now_hand hand = {.mono = 5, .wall = 7};
    struct now now = now_by_hand(&hand);
    CHECK_INT(5, now_mono_us(&now));
    CHECK_INT(7, now_wall_us(&now));
    hand.mono += NOW_US_PER_S;
    CHECK_INT(1000005, now_mono_us(&now));
    CHECK_INT(7, now_wall_us(&now));
}

TEST(the_real_clock_never_steps_back_and_knows_the_year)
{
    int64_t first = now_mono_us(&now_real);
    CHECK(now_mono_us(&now_real) >= first);
    CHECK(now_wall_us(&now_real) > INT64_C(1700000000) * NOW_US_PER_S);
}

TESTS_BEGIN()
TESTS_RUN(wall_time_is_spelled_as_rfc_3339_says)
TESTS_RUN(a_clock_by_hand_moves_only_when_told)
TESTS_RUN(the_real_clock_never_steps_back_and_knows_the_year)
TESTS_END()
