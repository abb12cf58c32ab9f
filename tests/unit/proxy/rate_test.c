#include "proxy/rate.h"

#include <stdio.h>

#include "tests/kit/t.h"

enum { SECOND = 1000000 };

static int ask_many(struct rate *r, const char *who, uint64_t all, uint64_t each, int64_t now_us)
{
    int n = 0;
    while (n < 10000 && rate_ask(r, slice_str(who), all, each, now_us) == ERR_OK)
        n++;
    return n;
}

TEST(a_seconds_worth_may_come_at_once_and_then_as_time_passes)
{
    struct rate r;
    rate_init(&r);
    CHECK_INT(10, ask_many(&r, "a", 10, 0, SECOND));
    CHECK_INT(0, ask_many(&r, "b", 10, 0, SECOND + 99999));
    CHECK_INT(1, ask_many(&r, "b", 10, 0, SECOND + 100000));
    CHECK_INT(10, ask_many(&r, "b", 10, 0, 60 * (int64_t)SECOND));
    rate_fini(&r);
}

TEST(each_identity_has_its_own)
{
    struct rate r;
    rate_init(&r);
    CHECK_INT(3, ask_many(&r, "a", 0, 3, SECOND));
    CHECK_INT(3, ask_many(&r, "b", 0, 3, SECOND));
    CHECK_INT(0, ask_many(&r, "a", 0, 3, SECOND));
    rate_fini(&r);
}

TEST(what_an_identity_may_not_ask_is_not_taken_from_the_others)
{
    struct rate r;
    rate_init(&r);
    CHECK_INT(2, ask_many(&r, "a", 10, 2, SECOND));
    CHECK_INT(0, ask_many(&r, "a", 10, 2, SECOND));
    CHECK_INT(8, ask_many(&r, "b", 10, 20, SECOND));
    rate_fini(&r);
}

TEST(without_a_number_there_is_no_limit)
{
    struct rate r;
    rate_init(&r);
    CHECK_INT(10000, ask_many(&r, "a", 0, 0, SECOND));
    rate_fini(&r);
}

TEST(identities_past_the_table_share_a_bucket_until_it_is_forgotten)
{
    struct rate r;
    char name[16];
    rate_init(&r);
    for (int i = 0; i < RATE_IDENTITIES; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        CHECK_ERR(ERR_OK, rate_ask(&r, slice_str(name), 0, 2, SECOND));
    }
    r.others.empty_us = SECOND + 1;
    CHECK_INT(1, ask_many(&r, "x", 0, 2, SECOND));
    CHECK_INT(0, ask_many(&r, "y", 0, 2, SECOND));
    CHECK_INT(RATE_IDENTITIES, r.identities.count);
    CHECK_INT(2, ask_many(&r, "y", 0, 2, 10 * SECOND));
    CHECK_INT(1, r.identities.count);
    rate_fini(&r);
}

TESTS_BEGIN()
TESTS_RUN(a_seconds_worth_may_come_at_once_and_then_as_time_passes)
TESTS_RUN(each_identity_has_its_own)
TESTS_RUN(what_an_identity_may_not_ask_is_not_taken_from_the_others)
TESTS_RUN(without_a_number_there_is_no_limit)
TESTS_RUN(identities_past_the_table_share_a_bucket_until_it_is_forgotten)
TESTS_END()
