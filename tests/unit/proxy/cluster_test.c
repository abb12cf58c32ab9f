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

static void begin(const char *const *endpoints, size_t count)
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
        .endpoints = endpoints,
        .endpoint_count = count,
        .creds = creds,
        .connect_timeout_us = SECOND,
        .opened = opened,
    };
    cluster = cluster_new(loop, clock_, &conf);
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

static void picks(const char *address)
{
    CHECK_TEXT(address, cluster_pick(cluster)->text);
}

TEST(a_service_without_endpoints_picks_none)
{
    begin(NULL, 0);
    CHECK(!cluster_pick(cluster));
    end();
}

TEST(even_endpoints_take_turns)
{
    begin(three, 3);
    for (int i = 0; i < 6; i++)
        picks(three[i % 3]);
    end();
}

TEST(the_one_with_the_fewest_exchanges_is_next)
{
    struct recorder asks[2];
    begin(three, 3);
    for (int i = 0; i < 2; i++) {
        recorder_init(&asks[i]);
        asks[i].t = pool_request(cluster->endpoints[i].pool, &recorder_owner, &asks[i]);
    }
    for (int i = 0; i < 3; i++)
        picks(three[2]);
    end();
    for (int i = 0; i < 2; i++) {
        CHECK_INT(TRANSIT_UNSENT, asks[i].how);
        recorder_fini(&asks[i]);
    }
}

TEST(one_that_cannot_be_reached_rests_longer_each_time)
{
    begin(three, 2);
    struct cluster_endpoint *dead = &cluster->endpoints[0];
    static const int64_t rests[] = {1, 2, 4, 8, 16, 32, 60, 60};
    for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
        cluster_failed(dead);
        cluster_failed(dead); /* all who waited together fail together */
        CHECK_INT(hand.mono + rests[i] * SECOND, dead->rests_until_us);
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
    cluster_failed(&cluster->endpoints[0]);
    cluster_failed(&cluster->endpoints[1]);
    CHECK(cluster_pick(cluster) != NULL);
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
TESTS_RUN(even_endpoints_take_turns)
TESTS_RUN(the_one_with_the_fewest_exchanges_is_next)
TESTS_RUN(one_that_cannot_be_reached_rests_longer_each_time)
TESTS_RUN(when_all_rest_they_are_asked_all_the_same)
TESTS_RUN(guests_are_told_when_a_cluster_goes_unless_they_have_left)
TESTS_END()
