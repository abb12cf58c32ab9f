#include "http/pool.h"

#include <stdio.h>

#include "http/conn.h"
#include "tests/kit/pair.h"
#include "tests/kit/recorder.h"
#include "tests/kit/t.h"

enum { MOST = 160, ENDS = 16, SECOND = NOW_US_PER_S };

static struct now_hand hand;
static struct loop *loop;
static struct due_clock *clock_;
static struct transit_stock *stock;
static struct pool *pool;
static struct recorder asks[MOST], serves[MOST];
static unsigned served, dials, opens, pools_closed;
static struct conn *servers[ENDS];
static unsigned servers_alive;
static uint32_t server_streams;
static bool no_route, mute;
static struct stream *mute_end;
static uint64_t last_opened;

/* The endpoint: a server on the other end of each dialled pair, which answers when told. */

static void on_accept(struct conn *c, struct transit *t)
{
    (void)c;
    CHECK(served < MOST);
    struct recorder *r = &serves[served++];
    recorder_init(r);
    recorder_own(r, t);
}

static void on_freed(struct conn *c)
{
    (void)c;
}

static void on_closed(struct conn *c, const char *fault)
{
    (void)fault;
    servers_alive--;
    for (unsigned i = 0; i < ENDS; i++)
        if (servers[i] == c)
            servers[i] = NULL;
}

static const struct conn_host endpoint = {.accept = on_accept, .freed = on_freed, .closed = on_closed};

static struct stream *dial(void *arg, const char **why)
{
    struct stream *ends[2];
    (void)arg;
    CHECK(dials < ENDS);
    if (no_route) {
        *why = "no route to host";
        dials++;
        return NULL;
    }
    pair_new(loop, NULL, ends);
    struct conn_conf conf = {
        .loop = loop, .stock = stock, .clock = clock_, .host = &endpoint, .max_streams = server_streams};
    if (mute) {
        mute_end = ends[0];
    } else {
        servers[dials] = h2_server_new(&conf, ends[0], (struct slice){0});
        servers_alive++;
    }
    dials++;
    return ends[1];
}

static void on_opened(struct pool *p, uint64_t conn_id, void *arg)
{
    (void)p;
    (void)arg;
    opens++;
    last_opened = conn_id;
}

static void on_pool_closed(void *arg)
{
    (void)arg;
    pools_closed++;
}

static void settle(void)
{
    for (int i = 0; i < 200; i++)
        loop_turn(loop, false);
}

static void begin_with(uint32_t max_connections, uint32_t max_waiting)
{
    hand = (struct now_hand){.mono = SECOND};
    struct now now = now_by_hand(&hand);
    loop = loop_new_by(&now);
    clock_ = due_clock_new(loop);
    stock = transit_stock_new();
    served = dials = opens = pools_closed = servers_alive = 0;
    server_streams = 100;
    no_route = mute = false;
    pool = pool_new(loop, clock_,
                    &(struct pool_conf){
                        .dial = dial,
                        .opened = on_opened,
                        .closed = on_pool_closed,
                        .protocol = POOL_H2,
                        .connect_timeout_us = SECOND,
                        .idle_timeout_us = 300 * SECOND,
                        .max_streams = 100,
                        .max_connections = max_connections,
                        .max_waiting = max_waiting,
                    });
}

static void begin(void)
{
    begin_with(8, 1000);
}

static void end(unsigned asked)
{
    pool_close(&pool);
    for (unsigned i = 0; i < served; i++)
        if (serves[i].t)
            transit_reset(serves[i].t, TRANSIT_WHY_CANCEL);
    settle();
    CHECK_INT(1, pools_closed);
    CHECK_INT(0, servers_alive);
    for (unsigned i = 0; i < served; i++)
        recorder_fini(&serves[i]);
    for (unsigned i = 0; i < asked; i++) {
        CHECK_INT(1, asks[i].gones);
        recorder_fini(&asks[i]);
    }
    transit_stock_free(&stock);
    due_clock_free(&clock_);
    loop_free(&loop);
}

static struct transit *ask(unsigned i)
{
    recorder_init(&asks[i]);
    struct transit *t = pool_request(pool, &recorder_owner, &asks[i]);
    asks[i].t = t;
    if (!t)
        return NULL;
    recorder_ask(t, "GET", "/");
    CHECK_ERR(ERR_OK, transit_head(t, true));
    return t;
}

static void answer(unsigned i)
{
    CHECK_ERR(ERR_OK, transit_answer(serves[i].t, 200, SLICE(""), SLICE("hi")));
}

TEST(many_requests_share_one_handshake_and_one_connection)
{
    begin();
    for (unsigned i = 0; i < 100; i++)
        CHECK(ask(i) != NULL);
    CHECK_INT(1, dials);
    CHECK_INT(100, pool_stats(pool).waiting);
    settle();
    CHECK_INT(1, opens);
    CHECK_INT(100, served);
    CHECK_INT(0, pool_stats(pool).waiting);
    CHECK_INT(100, pool_stats(pool).in_flight);
    for (unsigned i = 0; i < 100; i++)
        answer(i);
    settle();
    for (unsigned i = 0; i < 100; i++)
        CHECK_INT(TRANSIT_DONE, asks[i].how);
    CHECK_INT(1, pool_stats(pool).connections);
    end(100);
}

TEST(the_101st_stream_opens_a_second_connection)
{
    begin();
    for (unsigned i = 0; i < 101; i++)
        CHECK(ask(i) != NULL);
    CHECK_INT(2, dials);
    settle();
    CHECK_INT(101, served);
    CHECK_INT(2, pool_stats(pool).connections);
    end(101);
}

TEST(with_all_connections_full_the_next_waits_for_the_first_that_ends)
{
    begin_with(1, 1000);
    for (unsigned i = 0; i < 101; i++)
        CHECK(ask(i) != NULL);
    settle();
    CHECK_INT(1, dials);
    CHECK_INT(100, served);
    CHECK_INT(1, pool_stats(pool).waiting);
    answer(40);
    settle();
    CHECK_INT(101, served);
    CHECK_INT(0, pool_stats(pool).waiting);
    end(101);
}

TEST(the_peers_own_limit_counts_when_it_is_smaller)
{
    begin();
    server_streams = 2;
    for (unsigned i = 0; i < 3; i++)
        CHECK(ask(i) != NULL);
    settle();
    CHECK_INT(3, served);
    CHECK_INT(2, pool_stats(pool).connections);
    end(3);
}

TEST(the_queue_is_bounded)
{
    begin_with(8, 2);
    CHECK(ask(0) && ask(1));
    CHECK(ask(2) == NULL);
    recorder_fini(&asks[2]);
    settle();
    CHECK(ask(2) != NULL);
    settle();
    CHECK_INT(3, served);
    end(3);
}

TEST(what_the_owner_said_before_the_connection_is_carried_on)
{
    begin();
    recorder_init(&asks[0]);
    struct transit *t = asks[0].t = pool_request(pool, &recorder_owner, &asks[0]);
    CHECK_INT(0, t->conn_id);
    recorder_ask(t, "POST", "/up");
    CHECK_ERR(ERR_OK, transit_head(t, false));
    CHECK_ERR(ERR_OK, transit_write(t, SLICE("one ")));
    CHECK_ERR(ERR_OK, transit_write(t, SLICE("two")));
    CHECK_ERR(ERR_OK, headers_add(&t->out.trailers, SLICE("x-sum"), SLICE("7")));
    transit_finish(t);
    settle();
    CHECK(t->conn_id == last_opened);
    CHECK_TEXT("one two", buf_slice(&serves[0].body));
    CHECK_TEXT("7", slice_str(serves[0].trailer));
    end(1);
}

TEST(a_request_reset_while_it_waits_is_cancelled_and_never_sent)
{
    begin();
    struct transit *t = ask(0);
    ask(1);
    transit_reset(t, TRANSIT_WHY_CANCEL);
    CHECK_INT(0, asks[0].gones);
    settle();
    CHECK_INT(TRANSIT_CANCELLED, asks[0].how);
    CHECK_INT(1, served);
    end(2);
}

TEST(a_dial_that_cannot_begin_fails_all_that_wait_with_its_reason)
{
    begin();
    no_route = true;
    ask(0);
    CHECK_INT(0, asks[0].gones);
    settle();
    CHECK_INT(TRANSIT_UNSENT, asks[0].how);
    CHECK_TEXT("no route to host", slice_str(asks[0].fault));
    CHECK_INT(1, pool_stats(pool).failed);
    end(1);
}

TEST(for_fifty_milliseconds_after_a_failure_requests_fail_at_once)
{
    begin();
    no_route = true;
    ask(0);
    settle();
    hand.mono += 50 * NOW_US_PER_MS - 1;
    settle();
    ask(1);
    settle();
    CHECK_INT(1, dials);
    CHECK_INT(TRANSIT_UNSENT, asks[1].how);
    CHECK_TEXT("no route to host", slice_str(asks[1].fault));
    no_route = false;
    hand.mono += 1;
    settle();
    ask(2);
    settle();
    CHECK_INT(2, dials);
    CHECK_INT(1, served);
    end(3);
}

TEST(a_handshake_that_takes_too_long_fails_all_that_wait)
{
    begin();
    mute = true;
    ask(0);
    ask(1);
    settle();
    CHECK_INT(2, pool_stats(pool).waiting);
    hand.mono += SECOND;
    settle();
    CHECK_INT(TRANSIT_UNSENT, asks[0].how);
    CHECK_TEXT("the handshake took too long", slice_str(asks[1].fault));
    CHECK_INT(0, pool_stats(pool).connections);
    stream_close(&mute_end);
    end(2);
}

/* A busy machine may be too slow for one more handshake. */
TEST(who_waits_while_another_connection_serves_outlives_a_failed_handshake)
{
    begin();
    server_streams = 1;
    ask(0);
    settle();
    mute = true;
    ask(1);
    settle();
    CHECK_INT(2, dials);
    hand.mono += SECOND;
    settle();
    CHECK_INT(1, pool_stats(pool).failed);
    CHECK_INT(0, asks[1].gones);
    stream_close(&mute_end);
    ask(2); /* within 50 ms: nobody dials, and it waits as well */
    settle();
    CHECK_INT(2, dials);
    mute = false;
    answer(0);
    settle();
    CHECK_INT(TRANSIT_DONE, asks[0].how);
    CHECK_INT(2, served);
    answer(1);
    settle();
    CHECK_INT(TRANSIT_DONE, asks[1].how);
    CHECK_INT(3, served);
    end(3);
}

TEST(a_connection_that_drains_serves_nobody_who_waits)
{
    begin();
    ask(0);
    settle();
    servers[0]->ops->drain(servers[0]);
    settle();
    mute = true;
    ask(1);
    settle();
    hand.mono += SECOND;
    settle();
    CHECK_INT(TRANSIT_UNSENT, asks[1].how);
    CHECK_INT(0, asks[0].gones);
    stream_close(&mute_end);
    end(2);
}

TEST(a_connection_that_drains_takes_nothing_new)
{
    begin();
    ask(0);
    settle();
    servers[0]->ops->drain(servers[0]);
    settle();
    ask(1);
    CHECK_INT(2, dials);
    settle();
    CHECK_INT(2, served);
    answer(0);
    settle();
    CHECK_INT(TRANSIT_DONE, asks[0].how);
    CHECK_INT(1, pool_stats(pool).connections);
    end(2);
}

TEST(those_who_wait_for_a_connection_that_drains_get_another)
{
    begin();
    server_streams = 1;
    ask(0);
    settle();
    CHECK_INT(1, served);
    servers[0]->ops->drain(servers[0]);
    ask(1);
    settle();
    CHECK_INT(2, served);
    end(2);
}

TEST(a_request_on_a_named_connection_goes_there_or_nowhere)
{
    begin();
    ask(0);
    settle();
    recorder_init(&asks[1]);
    struct transit *t = asks[1].t = pool_request_on(pool, last_opened, &recorder_owner, &asks[1]);
    CHECK(t->conn_id == last_opened);
    CHECK(pool_request_on(pool, last_opened + 1000, &recorder_owner, &asks[1]) == NULL);
    transit_reset(t, TRANSIT_WHY_CANCEL);
    end(2);
}

TEST(an_idle_connection_is_released_after_five_minutes)
{
    begin();
    ask(0);
    settle();
    answer(0);
    settle();
    CHECK_INT(1, pool_stats(pool).connections);
    hand.mono += 300 * (int64_t)SECOND;
    settle();
    CHECK_INT(0, pool_stats(pool).connections);
    CHECK_INT(0, servers_alive);
    end(1);
}

TEST(a_pool_that_closes_lets_exchanges_finish)
{
    begin();
    ask(0);
    settle();
    struct pool *closing = pool;
    pool_close(&closing);
    CHECK(ask(1) == NULL);
    recorder_fini(&asks[1]);
    settle();
    CHECK_INT(0, pools_closed);
    answer(0);
    settle();
    CHECK_INT(1, pools_closed);
    CHECK_INT(TRANSIT_DONE, asks[0].how);
    pool = NULL;
    end(1);
}

TEST(a_pool_that_closes_fails_what_still_waits)
{
    begin();
    mute = true;
    ask(0);
    pool_close(&pool);
    settle();
    CHECK_INT(TRANSIT_UNSENT, asks[0].how);
    CHECK_TEXT("the pool is closing", slice_str(asks[0].fault));
    stream_close(&mute_end);
    end(1);
}

TESTS_BEGIN()
TESTS_RUN(many_requests_share_one_handshake_and_one_connection)
TESTS_RUN(the_101st_stream_opens_a_second_connection)
TESTS_RUN(with_all_connections_full_the_next_waits_for_the_first_that_ends)
TESTS_RUN(the_peers_own_limit_counts_when_it_is_smaller)
TESTS_RUN(the_queue_is_bounded)
TESTS_RUN(what_the_owner_said_before_the_connection_is_carried_on)
TESTS_RUN(a_request_reset_while_it_waits_is_cancelled_and_never_sent)
TESTS_RUN(a_dial_that_cannot_begin_fails_all_that_wait_with_its_reason)
TESTS_RUN(for_fifty_milliseconds_after_a_failure_requests_fail_at_once)
TESTS_RUN(a_handshake_that_takes_too_long_fails_all_that_wait)
TESTS_RUN(who_waits_while_another_connection_serves_outlives_a_failed_handshake)
TESTS_RUN(a_connection_that_drains_serves_nobody_who_waits)
TESTS_RUN(a_connection_that_drains_takes_nothing_new)
TESTS_RUN(those_who_wait_for_a_connection_that_drains_get_another)
TESTS_RUN(a_request_on_a_named_connection_goes_there_or_nowhere)
TESTS_RUN(an_idle_connection_is_released_after_five_minutes)
TESTS_RUN(a_pool_that_closes_lets_exchanges_finish)
TESTS_RUN(a_pool_that_closes_fails_what_still_waits)
TESTS_END()
