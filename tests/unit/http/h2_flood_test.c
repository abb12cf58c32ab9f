/* A peer that speaks HTTP/2 frame by frame, and means no good. */
#include <stdio.h>

#include "http/conn.h"
#include "tests/kit/pair.h"
#include "tests/kit/recorder.h"
#include "tests/kit/script_peer.h"
#include "tests/kit/t.h"

enum { MOST = 4096, SECOND = NOW_US_PER_S };
enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION };
enum { END_STREAM = 1, END_HEADERS = 4, PADDED = 8, PROTOCOL_ERROR = 1, ENHANCE_YOUR_CALM = 11 };

static struct now_hand hand;
static struct loop *loop;
static struct due_clock *clock_;
static struct transit_stock *stock;
static struct conn *server;
static struct script_peer peer;
static struct recorder serves[MOST];
static unsigned served;
static bool answers;
static char fault[128];

static void hello(struct recorder *r, bool at_end)
{
    if (at_end && answers)
        CHECK_ERR(ERR_OK, transit_answer(r->t, 200, SLICE(""), SLICE("")));
}

static void on_accept(struct conn *c, struct transit *t)
{
    (void)c;
    CHECK(served < MOST);
    struct recorder *r = &serves[served++];
    recorder_init(r);
    r->answer = hello;
    recorder_own(r, t);
}

static void on_freed(struct conn *c)
{
    (void)c;
}

static void on_closed(struct conn *c, const char *why)
{
    (void)c;
    snprintf(fault, sizeof(fault), "%s", why ? why : "");
    server = NULL;
}

static const struct conn_host host = {.accept = on_accept, .freed = on_freed, .closed = on_closed};

static void begin(void)
{
    struct stream *ends[2];
    hand = (struct now_hand){.mono = SECOND};
    struct now now = now_by_hand(&hand);
    loop = loop_new_by(&now);
    clock_ = due_clock_new(loop);
    stock = transit_stock_new();
    served = 0;
    answers = true;
    fault[0] = '\0';
    pair_new(loop, NULL, ends);
    struct conn_conf conf = {
        .loop = loop,
        .stock = stock,
        .clock = clock_,
        .host = &host,
        .header_timeout_us = 10 * SECOND,
        .idle_timeout_us = 300 * SECOND,
        .max_streams = 100,
    };
    server = h2_server_new(&conf, ends[0], (struct slice){0});
    script_peer_init(&peer, loop, ends[1]);
    script_peer_say_preface(&peer);
    script_peer_hear(&peer, 10);
}

static void end(void)
{
    if (server)
        server->ops->close(server);
    script_peer_hear(&peer, 10);
    CHECK(!server);
    for (unsigned i = 0; i < served; i++) {
        CHECK_INT(1, serves[i].gones);
        recorder_fini(&serves[i]);
    }
    script_peer_fini(&peer);
    transit_stock_free(&stock);
    due_clock_free(&clock_);
    loop_free(&loop);
}

/* GET http://h/ in HPACK's static table. */
static const struct slice get = {"\x82\x86\x84\x41\x01h", 6};

/* Everything heard so far, looking for one frame; its error code, or -1. */
static long long code_of(uint8_t type, uint32_t stream_id)
{
    struct script_frame f;
    long long code = -1;
    script_peer_hear(&peer, 20);
    while (script_peer_next_frame(&peer, &f))
        if (f.type == type && f.stream_id == stream_id && f.payload.len >= 4)
            code = (unsigned char)f.payload.at[type == GOAWAY ? 7 : 3];
    return code;
}

static unsigned repeat_until_closed(uint8_t type, uint8_t flags, uint32_t stream_id, struct slice payload)
{
    unsigned said = 0;
    while (server && !peer.ended && said < 200000) {
        script_peer_say_frame(&peer, type, flags, stream_id, payload);
        said++;
    }
    return said;
}

/* What fits on the wire at once is taken before the answer is heard, so counts are bounds. */
static void check_calm(const char *why, unsigned said, unsigned least, unsigned most)
{
    CHECK(said >= least && said <= most);
    CHECK_INT(ENHANCE_YOUR_CALM, code_of(GOAWAY, 0));
    CHECK_TEXT(why, slice_str(fault));
    CHECK(!server);
}

enum { ON_THE_WIRE = (64 << 10) / 9 * 2 };

TEST(rapid_resets_end_the_connection)
{
    begin();
    answers = false;
    unsigned said = 0;
    for (uint32_t id = 1; server && !peer.ended && said < 20000; id += 2, said++) {
        script_peer_say_frame(&peer, HEADERS, END_HEADERS | END_STREAM, id, get);
        script_peer_say_frame(&peer, RST_STREAM, 0, id, SLICE("\0\0\0\x8"));
    }
    check_calm("too many stream resets", said, 1000, 1000 + ON_THE_WIRE);
    CHECK(served <= 2100);
    end();
}

TEST(streams_that_we_must_reset_count_as_resets)
{
    begin();
    unsigned said = 0;
    for (uint32_t id = 1; server && !peer.ended && said < 20000; id += 2, said++) {
        script_peer_say_frame(&peer, HEADERS, END_HEADERS, id, SLICE("\x82\x86")); /* no :path */
        script_peer_hear(&peer, 1);
    }
    check_calm("too many stream resets", said, 1000, 1010);
    end();
}

TEST(pings_settings_priorities_and_window_updates_are_bounded)
{
    static const struct {
        uint8_t type;
        uint32_t stream_id;
        struct slice payload;
        const char *why;
        unsigned least;
    } floods[] = {
        {PING, 0, {"12345678", 8}, "too many PING frames", 1000},
        {SETTINGS, 0, {"", 0}, "too many SETTINGS frames", 49},
        {PRIORITY, 1, {"\0\0\0\0\0", 5}, "too many PRIORITY frames", 1000},
        {WINDOW_UPDATE, 0, {"\0\0\0\1", 4}, "too many WINDOW_UPDATE frames", 2000},
    };
    for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
        begin();
        unsigned said = repeat_until_closed(floods[i].type, 0, floods[i].stream_id, floods[i].payload);
        check_calm(floods[i].why, said, floods[i].least, floods[i].least + ON_THE_WIRE);
        end();
    }
}

TEST(empty_data_is_bounded)
{
    begin();
    script_peer_say_frame(&peer, HEADERS, END_HEADERS, 1, get);
    check_calm("too many empty DATA frames", repeat_until_closed(DATA, 0, 1, (struct slice){0}), 200,
               200 + ON_THE_WIRE);
    CHECK_INT(1, served);
    end();
}

TEST(data_of_nothing_but_padding_is_empty_too)
{
    begin();
    script_peer_say_frame(&peer, HEADERS, END_HEADERS, 1, get);
    unsigned said = repeat_until_closed(DATA, PADDED, 1, slice_of("\0", 1));
    check_calm("too many empty DATA frames", said, 200, 200 + (64 << 10) / 10 * 2);
    end();
}

TEST(a_head_in_too_many_pieces_ends_the_connection)
{
    begin();
    script_peer_say_frame(&peer, HEADERS, 0, 1, get);
    unsigned said = repeat_until_closed(CONTINUATION, 0, 1, SLICE("\x10\x01x\x01y"));
    CHECK(said >= 8 && said <= 8 + ON_THE_WIRE);
    CHECK_INT(ENHANCE_YOUR_CALM, code_of(GOAWAY, 0));
    CHECK_INT(0, served);
    end();
}

TEST(a_head_with_too_many_fields_is_431)
{
    struct script_frame f;
    unsigned status_at = 0;
    begin();
    script_peer_say_frame(&peer, HEADERS, END_STREAM, 1, get);
    for (int i = 0; i < 101; i++) /* crumbs count each: a literal cookie, by the static table's index 32 */
        if (i % 50 == 0)
            script_peer_say_frame(&peer, CONTINUATION, i == 100 ? END_HEADERS : 0, 1,
                                  slice_of("\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y"
                                           "\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y"
                                           "\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y"
                                           "\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y"
                                           "\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y"
                                           "\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y"
                                           "\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y\x0f\x11\x01y",
                                           34 * 4));
    script_peer_hear(&peer, 20);
    while (script_peer_next_frame(&peer, &f))
        if (f.type == HEADERS && f.stream_id == 1)
            status_at++;
    CHECK_INT(1, status_at);
    CHECK_INT(0, served);
    CHECK(server);
    script_peer_say_frame(&peer, HEADERS, END_HEADERS | END_STREAM, 3, get);
    script_peer_hear(&peer, 20);
    CHECK_INT(1, served);
    CHECK_INT(TRANSIT_DONE, serves[0].how);
    end();
}

TEST(the_101st_stream_at_once_is_refused)
{
    begin();
    answers = false;
    for (uint32_t id = 1; id <= 201; id += 2)
        script_peer_say_frame(&peer, HEADERS, END_HEADERS | END_STREAM, id, get);
    CHECK_INT(7, code_of(RST_STREAM, 201));
    CHECK_INT(100, served);
    end();
}

TEST(a_request_without_a_path_is_reset_and_not_accepted)
{
    begin();
    script_peer_say_frame(&peer, HEADERS, END_HEADERS | END_STREAM, 1, SLICE("\x82\x86"));
    CHECK_INT(PROTOCOL_ERROR, code_of(RST_STREAM, 1));
    CHECK_INT(0, served);
    CHECK(server);
    end();
}

TEST(connection_fields_are_refused)
{
    begin();
    script_peer_say_frame(&peer, HEADERS, END_HEADERS | END_STREAM, 1,
                          SLICE("\x82\x86\x84\x41\x01h\x00\x0a"
                                "connection\x01x"));
    CHECK_INT(PROTOCOL_ERROR, code_of(RST_STREAM, 1));
    CHECK_INT(0, served);
    end();
}

TEST(bytes_that_are_no_frames_end_the_connection_with_a_reason)
{
    begin();
    script_peer_say_frame(&peer, DATA, 0, 0, SLICE("x"));
    CHECK_INT(PROTOCOL_ERROR, code_of(GOAWAY, 0));
    CHECK(!server);
    CHECK_TEXT("the peer broke HTTP/2", slice_str(fault));
    end();
}

TEST(a_head_that_never_ends_is_cut_off_after_the_header_timeout)
{
    begin();
    script_peer_say_frame(&peer, HEADERS, 0, 1, get);
    script_peer_hear(&peer, 5);
    hand.mono += 10 * SECOND - 1;
    script_peer_hear(&peer, 5);
    CHECK(server);
    hand.mono += 1;
    script_peer_hear(&peer, 5);
    CHECK(!server);
    CHECK_TEXT("a request head took too long", slice_str(fault));
    end();
}

TESTS_BEGIN()
TESTS_RUN(rapid_resets_end_the_connection)
TESTS_RUN(streams_that_we_must_reset_count_as_resets)
TESTS_RUN(pings_settings_priorities_and_window_updates_are_bounded)
TESTS_RUN(empty_data_is_bounded)
TESTS_RUN(data_of_nothing_but_padding_is_empty_too)
TESTS_RUN(a_head_in_too_many_pieces_ends_the_connection)
TESTS_RUN(a_head_with_too_many_fields_is_431)
TESTS_RUN(the_101st_stream_at_once_is_refused)
TESTS_RUN(a_request_without_a_path_is_reset_and_not_accepted)
TESTS_RUN(connection_fields_are_refused)
TESTS_RUN(bytes_that_are_no_frames_end_the_connection_with_a_reason)
TESTS_RUN(a_head_that_never_ends_is_cut_off_after_the_header_timeout)
TESTS_END()
