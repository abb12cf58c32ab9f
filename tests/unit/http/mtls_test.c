/* A pool and a server over mTLS: what relay will do, with nothing between. */
#include <stdio.h>

#include "base/creds.h"
#include "http/pool.h"
#include "http/server.h"
#include "tests/kit/certs.h"
#include "tests/kit/pair.h"
#include "tests/kit/recorder.h"
#include "tests/kit/t.h"

enum { MOST = 32, SECOND = NOW_US_PER_S, BODY = 200 << 10 };

#define WEB "spiffe://example.org/web"
#define API "spiffe://example.org/api"

static struct loop *loop;
static struct due_clock *clock_;
static struct server *server;
static struct pool *pool;
static struct certs *certs;
static struct creds *web, *api;
static const char *expected;
static struct recorder asks[MOST], serves[MOST];
static unsigned served;

static void answer(struct recorder *r, bool at_end)
{
    static char body[BODY];
    CHECK_TEXT(WEB, r->t->peer_id);
    if (at_end)
        CHECK_ERR(ERR_OK, transit_answer(r->t, 200, SLICE("a/b"), slice_of(body, sizeof(body))));
}

static void on_accept(struct transit *t, void *arg)
{
    (void)arg;
    CHECK(served < MOST);
    recorder_init(&serves[served]);
    serves[served].answer = answer;
    recorder_own(&serves[served++], t);
}

static struct stream *dial(void *arg, const char **why)
{
    struct stream *ends[2];
    (void)arg;
    (void)why;
    pair_new(loop, NULL, ends);
    struct stream_tls_conf conf = {.role = STREAM_SERVER, .creds = api, .alpn = {"h2", "http/1.1"}};
    server_take(server, stream_tls_new(loop, ends[0], &conf), SLICE("192.0.2.1:1"));
    conf = (struct stream_tls_conf){.role = STREAM_CLIENT, .creds = web, .alpn = {"h2"}, .peer = slice_str(expected)};
    return stream_tls_new(loop, ends[1], &conf);
}

static void turns(int n)
{
    for (int i = 0; i < n; i++)
        loop_turn(loop, false);
}

static void begin(const char *expect)
{
    loop = loop_new();
    clock_ = due_clock_new(loop);
    certs = certs_new();
    web = certs_good(certs, WEB, certs_lax_judge);
    api = certs_good(certs, API, certs_lax_judge);
    expected = expect;
    served = 0;
    server = server_new(
        loop, clock_,
        &(struct server_conf){
            .accept = on_accept, .header_timeout_us = 10 * SECOND, .max_streams = 256, .max_connections = 10});
    pool = pool_new(loop, clock_,
                    &(struct pool_conf){.dial = dial,
                                        .protocol = POOL_H2,
                                        .connect_timeout_us = 10 * SECOND,
                                        .max_streams = 100,
                                        .max_connections = 10,
                                        .max_waiting = 100});
}

static void end(void)
{
    pool_close(&pool);
    turns(100);
    server_free(&server);
    turns(100);
    for (unsigned i = 0; i < served; i++)
        recorder_fini(&serves[i]);
    creds_unref(&web);
    creds_unref(&api);
    certs_free(&certs);
    due_clock_free(&clock_);
    loop_free(&loop);
}

static void ask(unsigned i)
{
    recorder_init(&asks[i]);
    asks[i].t = pool_request(pool, &recorder_owner, &asks[i]);
    recorder_ask(asks[i].t, "GET", "/");
    CHECK_ERR(ERR_OK, transit_head(asks[i].t, true));
}

TEST(requests_go_over_one_handshake_and_both_sides_know_each_other)
{
    begin(API);
    for (unsigned i = 0; i < MOST; i++)
        ask(i);
    for (int i = 0; i < 100 && asks[MOST - 1].gones == 0; i++)
        turns(100);
    turns(100);
    CHECK_INT(1, pool_stats(pool).dialled);
    for (unsigned i = 0; i < MOST; i++) {
        CHECK_INT(TRANSIT_DONE, asks[i].how);
        CHECK_INT(BODY, asks[i].data_bytes);
        recorder_fini(&asks[i]);
    }
    end();
}

TEST(a_peer_that_is_someone_else_fails_those_who_wait_with_the_reason)
{
    begin(WEB);
    ask(0);
    turns(300);
    CHECK_INT(TRANSIT_UNSENT, asks[0].how);
    CHECK(slice_has(slice_str(asks[0].fault), SLICE(API)));
    CHECK_INT(0, served);
    CHECK_INT(0, server_connections(server));
    recorder_fini(&asks[0]);
    end();
}

TESTS_BEGIN()
TESTS_RUN(requests_go_over_one_handshake_and_both_sides_know_each_other)
TESTS_RUN(a_peer_that_is_someone_else_fails_those_who_wait_with_the_reason)
TESTS_END()
