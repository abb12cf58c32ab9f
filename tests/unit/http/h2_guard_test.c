#include "http/h2_guard.h"

#include "tests/kit/t.h"

enum { MS = 1000, SECOND = 1000 * MS };

static int notes_until_limit(struct h2_guard *g, enum h2_guard_kind kind, int64_t now_us)
{
    int n = 0;
    while (h2_guard_note(g, kind, now_us) == ERR_OK)
        n++;
    return n;
}

TEST(a_burst_of_1000_resets_is_allowed_and_then_33_a_second)
{
    struct h2_guard g;
    h2_guard_init(&g, SECOND);
    CHECK_INT(1000, notes_until_limit(&g, H2_GUARD_RESET, SECOND));
    CHECK_INT(33, notes_until_limit(&g, H2_GUARD_RESET, 2 * SECOND));
    CHECK_INT(0, notes_until_limit(&g, H2_GUARD_RESET, 2 * SECOND + 30 * MS));
    CHECK_INT(1, notes_until_limit(&g, H2_GUARD_RESET, 2 * SECOND + 31 * MS));
}

TEST(quiet_hours_save_up_no_more_than_the_burst)
{
    struct h2_guard g;
    h2_guard_init(&g, 0);
    CHECK_INT(1000, notes_until_limit(&g, H2_GUARD_PING, SECOND));
    CHECK_INT(1000, notes_until_limit(&g, H2_GUARD_PING, INT64_C(86400) * SECOND));
}

TEST(kinds_are_counted_apart)
{
    struct h2_guard g;
    h2_guard_init(&g, 0);
    CHECK_INT(50, notes_until_limit(&g, H2_GUARD_SETTINGS, 0));
    CHECK_INT(200, notes_until_limit(&g, H2_GUARD_EMPTY, 0));
    CHECK_INT(1000, notes_until_limit(&g, H2_GUARD_PRIORITY, 0));
}

TEST(data_that_we_send_pays_for_four_window_updates_and_a_ping)
{
    struct h2_guard g;
    h2_guard_init(&g, 0);
    CHECK_INT(2000, notes_until_limit(&g, H2_GUARD_WINDOW, 0));
    CHECK_INT(1000, notes_until_limit(&g, H2_GUARD_PING, 0));
    h2_guard_sent_data(&g);
    CHECK_INT(1, notes_until_limit(&g, H2_GUARD_PING, 0));
    CHECK_INT(4, notes_until_limit(&g, H2_GUARD_WINDOW, 0));
}

TEST(each_head_may_have_eight_continuations)
{
    struct h2_guard g;
    h2_guard_init(&g, 0);
    CHECK_INT(8, notes_until_limit(&g, H2_GUARD_CONTINUATION, 100 * (int64_t)SECOND));
    CHECK_INT(0, notes_until_limit(&g, H2_GUARD_CONTINUATION, 200 * (int64_t)SECOND));
    h2_guard_new_head(&g);
    CHECK_INT(8, notes_until_limit(&g, H2_GUARD_CONTINUATION, 200 * (int64_t)SECOND));
}

TEST(each_limit_has_its_own_words)
{
    for (int a = 0; a < H2_GUARD_KINDS; a++)
        for (int b = 0; b < a; b++)
            CHECK(strcmp(h2_guard_fault((enum h2_guard_kind)a), h2_guard_fault((enum h2_guard_kind)b)) != 0);
}

TESTS_BEGIN()
TESTS_RUN(a_burst_of_1000_resets_is_allowed_and_then_33_a_second)
TESTS_RUN(quiet_hours_save_up_no_more_than_the_burst)
TESTS_RUN(kinds_are_counted_apart)
TESTS_RUN(data_that_we_send_pays_for_four_window_updates_and_a_ping)
TESTS_RUN(each_head_may_have_eight_continuations)
TESTS_RUN(each_limit_has_its_own_words)
TESTS_END()
