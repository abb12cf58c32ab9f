#include "broker/lease.h"

#include "tests/kit/t.h"

#define ONE "00000000000000000000000001"
#define TWO "00000000000000000000000002"

static void grant(struct lease_table *t, const char *job, uint64_t token, uint64_t worker, int64_t until_us)
{
    struct lease terms = {.token = token, .worker = worker, .until_us = until_us};
    memcpy(terms.job, job, JOB_ID);
    lease_grant(t, &terms);
}

TEST(only_the_holder_of_the_latest_token_may_speak)
{
    struct lease_table t;
    lease_table_init(&t);
    CHECK_ERR(ERR_STALE, lease_check(&t, SLICE(ONE), 1));
    grant(&t, ONE, 1, 7, 100);
    CHECK_ERR(ERR_OK, lease_check(&t, SLICE(ONE), 1));
    CHECK_ERR(ERR_STALE, lease_check(&t, SLICE(ONE), 0));
    CHECK_ERR(ERR_STALE, lease_check(&t, SLICE(ONE), 2));
    CHECK_ERR(ERR_STALE, lease_check(&t, SLICE(TWO), 1));
    grant(&t, ONE, 2, 8, 200);
    CHECK_ERR(ERR_STALE, lease_check(&t, SLICE(ONE), 1));
    CHECK_ERR(ERR_STALE, lease_renew(&t, SLICE(ONE), 1, 7, 900));
    CHECK_INT(200, lease_find(&t, SLICE(ONE))->until_us);
    CHECK_INT(1, lease_count(&t));
    lease_table_fini(&t);
}

TEST(a_renewed_lease_ends_later)
{
    struct lease_table t;
    int64_t until = 0;
    lease_table_init(&t);
    grant(&t, ONE, 1, 7, 100);
    grant(&t, TWO, 1, 7, 150);
    CHECK(lease_next_expiry(&t, &until));
    CHECK_INT(100, until);
    CHECK_ERR(ERR_OK, lease_renew(&t, SLICE(ONE), 1, 7, 300));
    CHECK(lease_next_expiry(&t, &until));
    CHECK_INT(150, until);
    lease_table_fini(&t);
}

TEST(leases_end_earliest_first_and_not_before_their_time)
{
    struct lease_table t;
    lease_table_init(&t);
    grant(&t, ONE, 1, 7, 200);
    grant(&t, TWO, 4, 7, 100);
    CHECK(lease_expired(&t, 99) == NULL);
    const struct lease *l = lease_expired(&t, 100);
    CHECK(l != NULL);
    CHECK_TEXT(TWO, slice_str(l->job));
    CHECK_INT(4, l->token);
    lease_drop(&t, SLICE(TWO));
    CHECK(lease_expired(&t, 199) == NULL);
    CHECK_TEXT(ONE, slice_str(lease_expired(&t, 200)->job));
    lease_table_fini(&t);
}

TEST(a_dropped_lease_is_stale)
{
    struct lease_table t;
    int64_t until;
    lease_table_init(&t);
    grant(&t, ONE, 1, 7, 200);
    lease_drop(&t, SLICE(ONE));
    lease_drop(&t, SLICE(ONE));
    CHECK_ERR(ERR_STALE, lease_renew(&t, SLICE(ONE), 1, 7, 300));
    CHECK(lease_find(&t, SLICE(ONE)) == NULL);
    CHECK(!lease_next_expiry(&t, &until));
    CHECK_INT(0, lease_count(&t));
    lease_table_fini(&t);
}

TEST(a_worker_takes_its_lease_up_again_after_a_restart)
{
    struct lease_table t;
    lease_table_init(&t);
    grant(&t, ONE, 3, LEASE_NOBODY, 200);
    CHECK_ERR(ERR_STALE, lease_renew(&t, SLICE(ONE), 2, 9, 300));
    CHECK_INT(LEASE_NOBODY, lease_find(&t, SLICE(ONE))->worker);
    CHECK_ERR(ERR_OK, lease_renew(&t, SLICE(ONE), 3, 9, 300));
    CHECK_INT(9, lease_find(&t, SLICE(ONE))->worker);
    lease_table_fini(&t);
}

TEST(all_leases_can_be_walked_and_dropped)
{
    struct lease_table t;
    size_t at = 0, seen = 0;
    lease_table_init(&t);
    grant(&t, ONE, 1, 7, 200);
    grant(&t, TWO, 1, 8, 300);
    for (const struct lease *l = lease_each(&t, &at); l; l = lease_each(&t, &at)) {
        seen++;
        lease_drop(&t, slice_of(l->job, JOB_ID));
    }
    CHECK_INT(2, seen);
    CHECK_INT(0, lease_count(&t));
    lease_table_fini(&t);
}

TESTS_BEGIN()
TESTS_RUN(only_the_holder_of_the_latest_token_may_speak)
TESTS_RUN(a_renewed_lease_ends_later)
TESTS_RUN(leases_end_earliest_first_and_not_before_their_time)
TESTS_RUN(a_dropped_lease_is_stale)
TESTS_RUN(a_worker_takes_its_lease_up_again_after_a_restart)
TESTS_RUN(all_leases_can_be_walked_and_dropped)
TESTS_END()
