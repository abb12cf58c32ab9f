#include "http/server.h"

#include <stdio.h>

#include "tests/kit/pair.h"
#include "tests/kit/recorder.h"
#include "tests/kit/script_peer.h"
#include "tests/kit/t.h"

enum { MOST = 16, SECOND = NOW_US_PER_S };

static struct now_hand hand;
static struct loop *loop;
static struct due_clock *clock_;
static struct server *server;
static struct recorder serves[MOST];
static unsigned served, idles;
static bool answers;

static void hello(struct recorder *r, bool at_end)
{
    if (at_end && answers)
        CHECK_ERR(ERR_OK, transit_answer(r->t, 200, SLICE("text/plain"), SLICE("hello")));
}

static void on_accept(struct transit *t, void *arg)
{
    (void)arg;
    CHECK(served < MOST);
    struct recorder *r = &serves[served++];
    recorder_init(r);
    r->answer = hello;
    recorder_own(r, t);
}

static void on_idle(void *arg)
{
    (void)arg;
    idles++;
}

static void settle(void)
{
    for (int i = 0; i < 100; i++)
        loop_turn(loop, false);
}

static void begin(void)
{
    hand = (struct now_hand){.mono = SECOND};
    struct now now = now_by_hand(&hand);
    loop = loop_new_by(&now);
    clock_ = due_clock_new(loop);
    served = idles = 0;
    answers = true;
    server = server_new(loop, clock_,
                        &(struct server_conf){
                            .accept = on_accept,
                            .header_timeout_us = 10 * SECOND,
                            .idle_timeout_us = 300 * SECOND,
                            .max_streams = 256,
                            .max_connections = 2,
                        });
}

static void end(void)
{
    server_free(&server);
    settle();
    for (unsigned i = 0; i < served; i++) {
        CHECK_INT(1, serves[i].gones);
        recorder_fini(&serves[i]);
    }
    due_clock_free(&clock_);
    loop_free(&loop);
}

static void visit(struct script_peer *p, const char *alpn)
{
    struct stream *ends[2];
    pair_new(loop, NULL, ends);
    pair_introduce(ends[0], "", alpn);
    server_take(server, ends[0], SLICE("192.0.2.7:7"));
    script_peer_init(p, loop, ends[1]);
}

/* GET http://h/ in HPACK's static table. */
static void say_get(struct script_peer *p, uint32_t id)
{
    script_peer_say_frame(p, 1, 5, id, SLICE("\x82\x86\x84\x41\x01h"));
    script_peer_hear(p, 20);
}

TEST(the_preface_alone_makes_it_h2_however_it_is_cut)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    begin();
    struct script_peer p;
    visit(&p, "");
    for (size_t i = 0; i + 1 < sizeof(preface); i++) {
        CHECK_INT(0, buf_len(&p.in));
        script_peer_say(&p, slice_of(preface + i, 1));
        script_peer_hear(&p, 3);
    }
    script_peer_say_frame(&p, 4, 0, 0, (struct slice){0});
    say_get(&p, 1);
    CHECK_INT(1, served);
    CHECK(!serves[0].t && serves[0].how == TRANSIT_DONE);
    script_peer_fini(&p);
    end();
}

TEST(anything_else_is_http_1)
{
    begin();
    struct script_peer p;
    visit(&p, "");
    script_peer_say(&p, SLICE("P"));
    script_peer_hear(&p, 5);
    script_peer_say(&p, SLICE("OST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n"));
    script_peer_hear(&p, 20);
    CHECK_INT(1, served);
    CHECK(slice_starts(buf_slice(&p.in), SLICE("HTTP/1.1 200 OK\r\n")));
    script_peer_fini(&p);
    end();
}

TEST(alpn_decides_before_any_byte)
{
    begin();
    struct script_peer p;
    visit(&p, "h2");
    script_peer_hear(&p, 20);
    CHECK(buf_len(&p.in) > 0); /* the server's SETTINGS */
    script_peer_fini(&p);
    visit(&p, "http/1.1");
    script_peer_say(&p, SLICE("PRI * HTTP/2.0\r\n\r\n"));
    script_peer_hear(&p, 20);
    CHECK(slice_starts(buf_slice(&p.in), SLICE("HTTP/1.1 ")));
    CHECK_INT(0, served);
    script_peer_fini(&p);
    end();
}

TEST(a_guest_that_says_nothing_is_sent_away)
{
    begin();
    struct script_peer p;
    visit(&p, "");
    script_peer_say(&p, SLICE("PRI "));
    script_peer_hear(&p, 5);
    CHECK_INT(1, server_connections(server));
    hand.mono += 10 * SECOND;
    script_peer_hear(&p, 5);
    CHECK(p.ended);
    CHECK_INT(0, server_connections(server));
    script_peer_fini(&p);
    end();
}

TEST(a_guest_that_leaves_is_forgotten)
{
    begin();
    struct script_peer p;
    visit(&p, "");
    script_peer_fini(&p);
    settle();
    CHECK_INT(0, server_connections(server));
    end();
}

TEST(connections_past_the_most_are_closed_at_once)
{
    begin();
    struct script_peer p[3];
    for (int i = 0; i < 3; i++)
        visit(&p[i], "h2");
    CHECK_INT(2, server_connections(server));
    script_peer_hear(&p[2], 5);
    CHECK(p[2].ended);
    for (int i = 0; i < 3; i++)
        script_peer_fini(&p[i]);
    settle();
    CHECK_INT(0, server_connections(server));
    end();
}

TEST(a_drain_waits_for_the_last_exchange)
{
    begin();
    answers = false;
    struct script_peer p;
    visit(&p, "");
    script_peer_say_preface(&p);
    say_get(&p, 1);
    CHECK_INT(1, server_exchanges(server));
    server_drain(server, on_idle, NULL);
    settle();
    CHECK_INT(0, idles);
    CHECK_ERR(ERR_OK, transit_answer(serves[0].t, 200, SLICE(""), SLICE("")));
    settle();
    CHECK_INT(0, idles); /* what is just being sent to us would be heard */
    hand.mono += SECOND / 2;
    settle();
    CHECK_INT(1, idles);
    CHECK_INT(0, server_exchanges(server));
    struct script_peer late;
    visit(&late, "");
    script_peer_hear(&late, 3);
    CHECK(late.ended);
    script_peer_fini(&late);
    script_peer_fini(&p);
    end();
}

TEST(who_was_connected_before_a_drain_may_still_ask)
{
    begin();
    struct script_peer p;
    visit(&p, "");
    server_drain(server, on_idle, NULL);
    settle();
    CHECK_INT(0, idles);
    script_peer_say_preface(&p);
    say_get(&p, 1);
    CHECK_INT(1, served);
    CHECK_INT(TRANSIT_DONE, serves[0].how);
    script_peer_fini(&p);
    settle();
    CHECK_INT(1, idles);
    end();
}

TEST(a_drain_of_an_idle_server_is_over_in_the_next_turn)
{
    begin();
    server_drain(server, on_idle, NULL);
    CHECK_INT(0, idles);
    settle();
    CHECK_INT(1, idles);
    end();
}

TEST(a_freed_server_cuts_what_is_left)
{
    begin();
    answers = false;
    struct script_peer p;
    visit(&p, "");
    script_peer_say_preface(&p);
    say_get(&p, 1);
    server_free(&server);
    CHECK_INT(0, serves[0].gones);
    settle();
    CHECK_INT(TRANSIT_CANCELLED, serves[0].how);
    script_peer_fini(&p);
    end();
}

TESTS_BEGIN()
TESTS_RUN(the_preface_alone_makes_it_h2_however_it_is_cut)
TESTS_RUN(anything_else_is_http_1)
TESTS_RUN(alpn_decides_before_any_byte)
TESTS_RUN(a_guest_that_says_nothing_is_sent_away)
TESTS_RUN(a_guest_that_leaves_is_forgotten)
TESTS_RUN(connections_past_the_most_are_closed_at_once)
TESTS_RUN(a_drain_waits_for_the_last_exchange)
TESTS_RUN(who_was_connected_before_a_drain_may_still_ask)
TESTS_RUN(a_drain_of_an_idle_server_is_over_in_the_next_turn)
TESTS_RUN(a_freed_server_cuts_what_is_left)
TESTS_END()
