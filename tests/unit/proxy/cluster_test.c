#include "proxy/cluster.h"

#include "tests/kit/certs.h"
#include "tests/kit/recorder.h"
#include "tests/kit/t.h"

enum { SECOND = NOW_US_PER_S };

static struct now_hand hand;
static struct loop *loop;
static struct due_clock *clock_;
static struct creds *creds;
static struct cluster *cluster;

static void opened(struct cluster_endpoint *e, uint64_t conn_id, void *arg)
{
    (void)e, (void)conn_id, (void)arg;
}

static void begin_groups(const struct cluster_group_conf *groups, size_t count)
{
    hand = (struct now_hand){.mono = 100 * (int64_t)SECOND};
    struct now now = now_by_hand(&hand);
    struct certs *certs = certs_new();
    loop = loop_new_by(&now);
    clock_ = due_clock_new(loop);
    creds = certs_good(certs, "spiffe://example.org/web", certs_lax_judge);
    certs_free(&certs);
    struct cluster_conf conf = {
        .name = SLICE("orders"),
        .identity = SLICE("spiffe://example.org/orders"),
        .groups = groups,
        .group_count = count,
        .creds = creds,
        .connect_timeout_us = SECOND,
        .breaker = {7, 80, 100, 10 * SECOND, SECOND, 60 * (int64_t)SECOND},
        .opened = opened,
    };
    cluster = cluster_new(loop, clock_, &conf);
}

static void begin(const char *const *endpoints, size_t count)
{
    struct cluster_group_conf group = {.weight = 1, .endpoints = endpoints, .endpoint_count = count};
    begin_groups(&group, 1);
}

static void end(void)
{
    cluster_free(&cluster);
    for (int i = 0; i < 20; i++)
        loop_turn(loop, false);
    creds_unref(&creds);
    due_clock_free(&clock_);
    loop_free(&loop);
}

static const char *const three[] = {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"};

static struct cluster_endpoint *nth(size_t i)
{
    return cluster->groups[0].endpoints[i];
}

static struct cluster_endpoint *pick_but(const struct cluster_endpoint *avoid)
{
    struct cluster_endpoint *e = NULL;
    CHECK_ERR(ERR_OK, cluster_pick(cluster, avoid, &e));
    return e;
}

static void picks(const char *address)
{
    CHECK_TEXT(address, pick_but(NULL)->text);
}

/* How often each of them is picked, of a thousand. */
static void shares(const struct cluster_endpoint *const *of, size_t count, int *share)
{
    for (int i = 0; i < 1000; i++) {
        struct cluster_endpoint *e = pick_but(NULL);
        for (size_t k = 0; k < count; k++)
            share[k] += e == of[k];
    }
}

TEST(a_service_without_endpoints_picks_none)
{
    struct cluster_endpoint *e;
    begin(NULL, 0);
    CHECK_ERR(ERR_ABSENT, cluster_pick(cluster, NULL, &e));
    end();
}

TEST(two_that_are_even_take_turns)
{
    begin(three, 2);
    for (int i = 0; i < 6; i++)
        picks(three[i % 2]);
    end();
}

TEST(of_three_that_are_even_each_is_picked)
{
    begin(three, 3);
    const struct cluster_endpoint *const of[] = {nth(0), nth(1), nth(2)};
    int share[3] = {0};
    shares(of, 3, share);
    for (int i = 0; i < 3; i++)
        CHECK(share[i] > 250 && share[i] < 420);
    end();
}

TEST(the_slowest_is_picked_only_when_it_is_not_compared)
{
    begin(three, 3);
    cluster_begin(nth(1));
    cluster_answered(nth(1), 2 * SECOND, true);
    cluster_end(nth(1), true);
    for (int i = 0; i < 1000; i++)
        CHECK(pick_but(NULL) != nth(1));
    end();
}

TEST(the_one_with_the_fewest_exchanges_is_next)
{
    begin(three, 2);
    cluster_begin(nth(0));
    for (int i = 0; i < 3; i++)
        picks(three[1]);
    cluster_end(nth(0), true);
    end();
}

TEST(another_one_is_asked_where_there_is_another)
{
    begin(three, 3);
    for (int i = 0; i < 100; i++)
        CHECK(pick_but(nth(1)) != nth(1));
    end();
    begin(three, 1);
    CHECK(pick_but(nth(0)) == nth(0));
    end();
}

TEST(one_that_cannot_be_reached_rests_longer_each_time)
{
    begin(three, 2);
    cluster->conf.breaker.failures = 1000;
    static const int64_t rests[] = {1, 2, 4, 8, 16, 32, 60, 60};
    for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
        cluster_failed(nth(0));
        cluster_failed(nth(0)); /* all who waited together fail together */
        CHECK_INT(hand.mono + rests[i] * SECOND, nth(0)->rests_until_us);
        for (int k = 0; k < 3; k++)
            picks(three[1]);
        hand.mono += rests[i] * SECOND;
        loop_turn(loop, false);
        picks(three[cluster->turn % 2]);
    }
    end();
}

TEST(when_all_rest_they_are_asked_all_the_same)
{
    begin(three, 2);
    cluster_failed(nth(0));
    cluster_failed(nth(1));
    CHECK(pick_but(NULL) != NULL);
    end();
}

TEST(of_two_that_rest_the_one_that_failed_earlier_is_asked)
{
    begin(three, 2);
    cluster_failed(nth(0));
    hand.mono += SECOND / 2;
    loop_turn(loop, false);
    cluster_failed(nth(1));
    for (int i = 0; i < 5; i++)
        picks(three[0]);
    end();
}

TEST(a_connection_that_many_waited_for_is_one_failure)
{
    begin(three, 2);
    for (int i = 0; i < 100; i++)
        cluster_failed(nth(0));
    CHECK_INT(1, nth(0)->breaker.in_a_row);
    CHECK_INT(BREAKER_CLOSED, nth(0)->breaker.sm.at);
    end();
}

static void breaks_alone(struct cluster_endpoint *e)
{
    hand.mono++;
    loop_turn(loop, false);
    cluster_broke(e);
}

TEST(what_breaks_together_is_one_failure)
{
    begin(three, 2);
    for (int i = 0; i < 100; i++)
        cluster_broke(nth(0));
    CHECK_INT(1, nth(0)->breaker.in_a_row);
    end();
}

TEST(a_probe_that_cannot_reach_it_while_it_rests_is_told)
{
    struct cluster_endpoint *e = NULL;
    begin(three, 1);
    for (int i = 0; i < 7; i++)
        breaks_alone(nth(0));
    for (int i = 0; i < 4; i++) {
        nth(0)->rests_until_us = hand.mono + 60 * SECOND;
        hand.mono += (int64_t)SECOND << i;
        loop_turn(loop, false);
        CHECK_ERR(ERR_OK, cluster_pick(cluster, NULL, &e));
        cluster_begin(e);
        cluster_failed(e);
        cluster_end(e, true);
        CHECK_INT(BREAKER_OPEN, nth(0)->breaker.sm.at);
    }
    end();
}

TEST(one_that_fails_seven_times_is_left_alone)
{
    begin(three, 2);
    for (int i = 0; i < 7; i++)
        breaks_alone(nth(0));
    for (int i = 0; i < 4; i++)
        picks(three[1]);
    CHECK(pick_but(nth(1)) == nth(1)); /* before it, the one that was to be avoided */
    end();
}

TEST(when_all_have_failed_the_call_fails_but_for_one_a_second)
{
    struct cluster_endpoint *e = NULL;
    begin(three, 1);
    for (int i = 0; i < 7; i++)
        breaks_alone(nth(0));
    for (int s = 0; s < 5; s++) {
        CHECK_ERR(ERR_FULL, cluster_pick(cluster, NULL, &e));
        hand.mono += SECOND;
        loop_turn(loop, false);
        CHECK_ERR(ERR_OK, cluster_pick(cluster, NULL, &e));
        cluster_begin(e);
        CHECK_ERR(ERR_FULL, cluster_pick(cluster, NULL, &e));
        cluster_broke(e = nth(0));
        cluster_end(e, true);
    }
    end();
}

TEST(versions_share_the_calls_by_weight)
{
    const struct cluster_group_conf groups[] = {
        {.name = SLICE("1"), .weight = 9, .endpoints = three, .endpoint_count = 1},
        {.name = SLICE("2"), .weight = 1, .endpoints = three + 1, .endpoint_count = 1},
        {.name = SLICE("3"), .weight = 0, .endpoints = three + 2, .endpoint_count = 1},
    };
    begin_groups(groups, 3);
    const struct cluster_endpoint *const of[] = {cluster->groups[0].endpoints[0], cluster->groups[1].endpoints[0],
                                                 cluster->groups[2].endpoints[0]};
    int share[3] = {0};
    shares(of, 3, share);
    CHECK(share[0] > 860 && share[0] < 940);
    CHECK_INT(0, share[2]);
    CHECK(pick_but(of[0]) == of[1]); /* a version whose endpoints are gone leaves its calls to the next */
    end();
}

static struct sock_addr address_of(const char *text)
{
    struct sock_addr a;
    const char *why;
    CHECK_ERR(ERR_OK, sock_parse(slice_str(text), &a, &why));
    return a;
}

TEST(endpoints_that_leave_are_not_picked_and_end_in_peace)
{
    struct recorder ask;
    begin(three, 2);
    struct cluster_endpoint *leaving = nth(0), *stays = nth(1);
    recorder_init(&ask);
    cluster_begin(leaving);
    ask.t = pool_request(leaving->pool, &recorder_owner, &ask);
    struct sock_addr next[] = {address_of(three[1]), address_of(three[2]), address_of(three[2])};
    cluster_set(cluster, &cluster->groups[0], next, 3);
    CHECK_INT(2, cluster->groups[0].count); /* an address that is named twice is one */
    CHECK(nth(0) == stays);
    CHECK(!leaving->pool);
    for (int i = 0; i < 20; i++)
        loop_turn(loop, false);
    CHECK_INT(TRANSIT_UNSENT, ask.how);
    cluster_failed(leaving);
    CHECK_INT(0, leaving->failures); /* no fault of its own */
    cluster_end(leaving, true);
    for (int i = 0; i < 10; i++)
        CHECK(pick_but(NULL) != leaving);
    recorder_fini(&ask);
    end();
}

struct visitor {
    struct cluster_guest guest;
    unsigned told;
};

static void closing(struct cluster_guest *g)
{
    LIST_OF(g, struct visitor, guest)->told++;
}

TEST(guests_are_told_when_a_cluster_goes_unless_they_have_left)
{
    struct visitor stays = {.guest = {.conn_id = 7, .closing = closing}}, leaves = stays;
    begin(three, 1);
    cluster_enter(cluster, &stays.guest);
    leaves.guest.conn_id = 8;
    cluster_enter(cluster, &leaves.guest);
    CHECK(cluster_has_guest(cluster, 7) && cluster_has_guest(cluster, 8) && !cluster_has_guest(cluster, 9));
    cluster_leave(&leaves.guest);
    CHECK(!cluster_has_guest(cluster, 8));
    end();
    CHECK_INT(1, stays.told);
    CHECK(!stays.guest.cluster);
    CHECK_INT(0, leaves.told);
}

TESTS_BEGIN()
TESTS_RUN(a_service_without_endpoints_picks_none)
TESTS_RUN(two_that_are_even_take_turns)
TESTS_RUN(of_three_that_are_even_each_is_picked)
TESTS_RUN(the_slowest_is_picked_only_when_it_is_not_compared)
TESTS_RUN(the_one_with_the_fewest_exchanges_is_next)
TESTS_RUN(another_one_is_asked_where_there_is_another)
TESTS_RUN(one_that_cannot_be_reached_rests_longer_each_time)
TESTS_RUN(when_all_rest_they_are_asked_all_the_same)
TESTS_RUN(of_two_that_rest_the_one_that_failed_earlier_is_asked)
TESTS_RUN(a_connection_that_many_waited_for_is_one_failure)
TESTS_RUN(what_breaks_together_is_one_failure)
TESTS_RUN(a_probe_that_cannot_reach_it_while_it_rests_is_told)
TESTS_RUN(one_that_fails_seven_times_is_left_alone)
TESTS_RUN(when_all_have_failed_the_call_fails_but_for_one_a_second)
TESTS_RUN(versions_share_the_calls_by_weight)
TESTS_RUN(endpoints_that_leave_are_not_picked_and_end_in_peace)
TESTS_RUN(guests_are_told_when_a_cluster_goes_unless_they_have_left)
TESTS_END()
