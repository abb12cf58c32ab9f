#include "http/conn.h"

#include "base/mem.h"
#include "tests/kit/pair.h"
#include "tests/kit/t.h"

enum { HEADER_S = 10, QUIET_S = 60, IDLE_S = 300 };

/* One server connection, its client's end of the wire, and an owner that writes down what it hears. */
struct scene {
    struct now_hand hand;
    struct now now;
    struct loop *loop;
    struct due_clock *clock;
    struct transit_stock *stock;
    struct stream *client;
    struct conn *conn;
    struct transit *t;  /* the exchange in progress */
    struct buf heard;   /* what the owner was told */
    struct buf seen;    /* what the client has read */
    bool answer_at_end; /* 200 with the path as body, once the request is whole */
    bool answer_at_head;
    bool credit;
    bool close_in_head, reset_in_data;
    bool client_ended;
    unsigned gone, freed, closed;
    uint64_t data;
    char fault[64];
};

static struct scene *scene; /* the test's own, for callbacks */

static void answer(struct transit *t)
{
    CHECK_ERR(ERR_OK, transit_answer(t, 200, SLICE("text/plain"), t->in.path));
}

static void on_head(struct transit *t)
{
    buf_putf(&scene->heard, "%.*s %.*s|", SLICE_FMT(t->in.method), SLICE_FMT(t->in.path));
    if (scene->answer_at_head)
        answer(t);
    if (scene->close_in_head)
        scene->conn->ops->close(scene->conn);
}

static void on_data(struct transit *t, struct slice bytes)
{
    scene->data += bytes.len;
    if (bytes.len < 100)
        buf_put(&scene->heard, bytes);
    if (scene->credit)
        transit_credit(t, bytes.len);
    if (scene->reset_in_data)
        transit_reset(t, TRANSIT_WHY_CANCEL);
}

static void on_end(struct transit *t)
{
    for (uint32_t i = 0; i < t->in.trailers.count; i++)
        buf_putf(&scene->heard, " %.*s=%.*s", SLICE_FMT(t->in.trailers.v[i].name),
                 SLICE_FMT(t->in.trailers.v[i].value));
    buf_put(&scene->heard, SLICE(" end"));
    if (scene->answer_at_end)
        answer(t);
}

static void on_gone(struct transit *t, enum transit_end how)
{
    static const char *const words[] = {"done", "reset", "cancelled", "unsent", "nonsense", "late"};
    buf_putf(&scene->heard, " %s;", words[how]);
    CHECK(scene->t == t);
    scene->t = NULL;
    scene->gone++;
    transit_free(&t);
}

static const struct transit_owner owner = {.head = on_head, .data = on_data, .end = on_end, .gone = on_gone};

static void host_accept(struct conn *c, struct transit *t)
{
    CHECK(c == scene->conn && scene->t == NULL);
    CHECK_INT(1, c->exchanges);
    t->owner = &owner;
    scene->t = t;
}

static void host_ready(struct conn *c)
{
    (void)c;
}

static void host_freed(struct conn *c)
{
    CHECK_INT(0, c->exchanges);
    scene->freed++;
}

static void host_closed(struct conn *c, const char *fault)
{
    CHECK(c == scene->conn);
    scene->conn = NULL;
    scene->closed++;
    if (fault)
        strncpy(scene->fault, fault, sizeof(scene->fault) - 1);
}

static const struct conn_host host = {host_accept, host_ready, host_freed, host_closed};

static void scene_init(struct scene *s, const struct pair_conf *pair)
{
    struct stream *ends[2];
    *s = (struct scene){.credit = true};
    scene = s;
    s->now = now_by_hand(&s->hand);
    s->loop = loop_new_by(&s->now);
    s->clock = due_clock_new(s->loop);
    s->stock = transit_stock_new();
    buf_init(&s->heard, BUF_TEXT_BOUND);
    buf_init(&s->seen, BUF_TEXT_BOUND);
    pair_new(s->loop, pair, ends);
    s->client = ends[1];
    struct conn_conf conf = {
        .loop = s->loop,
        .stock = s->stock,
        .clock = s->clock,
        .host = &host,
        .header_timeout_us = HEADER_S * NOW_US_PER_S,
        .idle_timeout_us = IDLE_S * NOW_US_PER_S,
        .stream_idle_us = QUIET_S * NOW_US_PER_S,
    };
    s->conn = h1_server_new(&conf, ends[0], (struct slice){0});
}

static void read_all(struct scene *s)
{
    char room[4096];
    size_t got;
    enum err e;
    while ((e = stream_read(s->client, room, sizeof(room), &got)) == ERR_OK)
        buf_put(&s->seen, slice_of(room, got));
    s->client_ended = e != ERR_AGAIN;
}

static void turn(struct scene *s)
{
    loop_turn(s->loop, false);
    if (s->client)
        read_all(s);
}

/* Until nothing moves any more. */
static void turns(struct scene *s)
{
    for (int i = 0; i < 40; i++)
        turn(s);
}

static void say_slice(struct scene *s, struct slice rest)
{
    for (int i = 0; i < 100000 && rest.len > 0; i++) {
        size_t took = 0;
        enum err e = stream_write(s->client, rest, &took);
        if (e == ERR_OK)
            rest = slice_from(rest, took);
        else
            turn(s);
    }
    turns(s);
}

static void say(struct scene *s, const char *text)
{
    say_slice(s, slice_str(text));
}

static void hang_up(struct scene *s)
{
    stream_close(&s->client);
    turns(s);
}

static void scene_fini(struct scene *s)
{
    if (s->client)
        stream_close(&s->client);
    turns(s);
    if (s->conn) {
        s->conn->ops->close(s->conn);
        turns(s);
    }
    CHECK_INT(1, s->closed);
    CHECK_INT(s->gone, s->freed);
    CHECK(s->t == NULL);
    buf_fini(&s->heard);
    buf_fini(&s->seen);
    transit_stock_free(&s->stock);
    due_clock_free(&s->clock);
    loop_free(&s->loop);
}

#define ANSWER(path, length) "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: " length "\r\n\r\n" path

TEST(a_kept_connection_answers_one_request_after_the_other)
{
    struct scene s;
    scene_init(&s, NULL);
    s.answer_at_end = true;
    say(&s, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK_TEXT("GET /a| end done;", buf_slice(&s.heard));
    say(&s, "GET /bb HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK_TEXT(ANSWER("/a", "2") ANSWER("/bb", "3"), buf_slice(&s.seen));
    CHECK(!s.client_ended);
    hang_up(&s);
    CHECK_TEXT("", slice_str(s.fault));
    scene_fini(&s);
}

TEST(pipelined_requests_are_answered_in_order_and_one_at_a_time)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhiGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK_TEXT("POST /a|hi end", buf_slice(&s.heard));
    answer(s.t);
    turns(&s);
    CHECK_TEXT("POST /a|hi end done;GET /b| end", buf_slice(&s.heard));
    CHECK_TEXT(ANSWER("/a", "2"), buf_slice(&s.seen));
    answer(s.t);
    turns(&s);
    CHECK_TEXT(ANSWER("/a", "2") ANSWER("/b", "2"), buf_slice(&s.seen));
    scene_fini(&s);
}

TEST(a_thousand_pipelined_requests_through_a_wire_of_seven_bytes)
{
    struct scene s;
    struct pair_conf narrow = {.chunk = 7, .room = 64};
    scene_init(&s, &narrow);
    s.answer_at_end = true;
    struct buf requests;
    buf_init(&requests, BUF_TEXT_BOUND);
    for (int i = 0; i < 1000; i++)
        buf_put(&requests, SLICE("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"));
    say_slice(&s, buf_slice(&requests));
    buf_fini(&requests);
    for (int i = 0; i < 1000 && s.gone < 1000; i++)
        turns(&s);
    CHECK_INT(1000, s.gone);
    CHECK_INT(1000 * strlen(ANSWER("/a", "2")), buf_len(&s.seen));
    scene_fini(&s);
}

TEST(connection_close_is_honoured_and_said)
{
    struct scene s;
    scene_init(&s, NULL);
    s.answer_at_end = true;
    say(&s, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK_TEXT("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\nconnection: close\r\n\r\n/a",
               buf_slice(&s.seen));
    CHECK(s.client_ended);
    CHECK_TEXT("GET /a| end done;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(a_body_of_unknown_length_is_chunked_with_trailers_after_it)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "GET /a HTTP/1.1\r\nHost: x\r\nTE: trailers\r\n\r\n");
    s.t->out.status = 200;
    CHECK_ERR(ERR_OK, transit_head(s.t, false));
    CHECK_ERR(ERR_OK, transit_write(s.t, SLICE("hello")));
    CHECK_ERR(ERR_OK, transit_write(s.t, SLICE(" world")));
    turns(&s);
    CHECK_ERR(ERR_OK, transit_write(s.t, SLICE("!")));
    CHECK_ERR(ERR_OK, headers_add(&s.t->out.trailers, SLICE("grpc-status"), SLICE("0")));
    transit_finish(s.t);
    turns(&s);
    CHECK_TEXT("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\nhello world\r\n1\r\n!\r\n"
               "0\r\ngrpc-status: 0\r\n\r\n",
               buf_slice(&s.seen));
    CHECK_TEXT("GET /a| end done;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(a_reader_of_1_0_gets_the_body_up_to_the_close)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK_ERR(ERR_OK, transit_info(s.t, 103, NULL));
    s.t->out.status = 200;
    CHECK_ERR(ERR_OK, transit_head(s.t, false));
    CHECK_ERR(ERR_OK, transit_write(s.t, SLICE("hello")));
    transit_finish(s.t);
    turns(&s);
    CHECK_TEXT("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello", buf_slice(&s.seen));
    CHECK(s.client_ended);
    scene_fini(&s);
}

TEST(a_reader_of_1_0_may_keep_a_counted_connection)
{
    struct scene s;
    scene_init(&s, NULL);
    s.answer_at_end = true;
    say(&s, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(slice_has(buf_slice(&s.seen), SLICE("\r\nconnection: keep-alive\r\n")));
    CHECK(!s.client_ended);
    scene_fini(&s);
}

TEST(chunks_and_their_trailers_reach_the_owner)
{
    struct scene s;
    scene_init(&s, NULL);
    s.answer_at_end = true;
    say(&s, "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nSum: "
            "5\r\n\r\n");
    CHECK_TEXT("POST /a|hello sum=5 end done;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(a_body_that_is_held_back_is_called_for)
{
    struct scene s;
    scene_init(&s, NULL);
    s.answer_at_end = true;
    say(&s, "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    CHECK_TEXT("HTTP/1.1 100 Continue\r\n\r\n", buf_slice(&s.seen));
    say(&s, "hi");
    CHECK_TEXT("HTTP/1.1 100 Continue\r\n\r\n" ANSWER("/a", "2"), buf_slice(&s.seen));
    scene_fini(&s);
}

TEST(a_body_that_has_begun_is_not_called_for)
{
    struct scene s;
    scene_init(&s, NULL);
    s.answer_at_end = true;
    say(&s, "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi");
    CHECK_TEXT(ANSWER("/a", "2"), buf_slice(&s.seen));
    scene_fini(&s);
}

TEST(an_answer_instead_of_100_ends_the_connection)
{
    struct scene s;
    scene_init(&s, NULL);
    s.answer_at_head = true;
    say(&s, "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    CHECK(slice_starts(buf_slice(&s.seen), SLICE("HTTP/1.1 200 OK\r\n")));
    CHECK(slice_has(buf_slice(&s.seen), SLICE("\r\nconnection: close\r\n")));
    CHECK(s.client_ended);
    CHECK_TEXT("POST /a| done;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(interim_responses_come_before_the_answer)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    struct headers hints;
    headers_init(&hints, &s.t->arena);
    CHECK_ERR(ERR_OK, headers_add(&hints, SLICE("link"), SLICE("</s.css>")));
    CHECK_ERR(ERR_OK, transit_info(s.t, 103, &hints));
    answer(s.t);
    turns(&s);
    CHECK_TEXT("HTTP/1.1 103 Early Hints\r\nlink: </s.css>\r\n\r\n" ANSWER("/a", "2"), buf_slice(&s.seen));
    scene_fini(&s);
}

TEST(an_early_answer_is_done_and_a_short_rest_of_the_request_is_skipped)
{
    struct scene s;
    scene_init(&s, NULL);
    s.answer_at_head = true;
    say(&s, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n");
    CHECK_TEXT("POST /a| done;", buf_slice(&s.heard));
    say(&s, "0123456789GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK_TEXT("POST /a| done;GET /b| end done;", buf_slice(&s.heard));
    CHECK_TEXT(ANSWER("/a", "2") ANSWER("/b", "2"), buf_slice(&s.seen));
    scene_fini(&s);
}

static void say_many(struct scene *s, size_t count)
{
    char *bytes = mem_new(count);
    memset(bytes, 'x', count);
    say_slice(s, slice_of(bytes, count));
    mem_free(bytes);
}

TEST(at_most_64_KiB_are_skipped)
{
    struct scene s;
    scene_init(&s, NULL);
    s.answer_at_head = true;
    say(&s, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n");
    say_many(&s, 65536);
    CHECK_INT(0, s.closed);
    say_many(&s, 1);
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

TEST(an_owner_that_credits_nothing_gets_the_window_and_not_a_byte_more)
{
    struct scene s;
    scene_init(&s, NULL);
    s.credit = false;
    say(&s, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    say_many(&s, 400000);
    CHECK_INT(TRANSIT_WINDOW, s.data);
    CHECK_INT(TRANSIT_WINDOW, s.t->owed);
    transit_credit(s.t, 5);
    turns(&s);
    CHECK_INT(TRANSIT_WINDOW + 5, s.data);
    transit_credit(s.t, TRANSIT_WINDOW);
    turns(&s);
    say_many(&s, 1);
    CHECK(s.data > 300000);
    hang_up(&s);
    /* It has not seen the end yet: the rest is behind what it has not credited. */
    while (s.t) {
        transit_credit(s.t, s.t->owed);
        turns(&s);
    }
    CHECK_INT(1, s.gone);
    scene_fini(&s);
}

TEST(a_client_that_does_not_read_stops_the_owner)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    s.t->out.status = 200;
    CHECK_ERR(ERR_OK, transit_head(s.t, false));
    static char piece[32 << 10];
    size_t taken = 0;
    for (int i = 0; i < 100; i++) {
        if (transit_write(s.t, slice_of(piece, sizeof(piece))) == ERR_OK)
            taken += sizeof(piece);
        loop_turn(s.loop, false);
    }
    /* the bound of the transit, one filling of `out` and the wire's room, no more */
    CHECK(taken <= TRANSIT_WINDOW * 2 + (128 << 10) + (64 << 10));
    CHECK(taken >= TRANSIT_WINDOW * 2);
    scene_fini(&s);
    CHECK_INT(1, s.gone);
}

TEST(nonsense_is_answered_by_name_and_ends_the_connection)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK_TEXT("HTTP/1.1 400 Bad Request\r\nweft-error: bare-line-feed\r\ncontent-type: text/plain\r\n"
               "content-length: 15\r\nconnection: close\r\n\r\nbare-line-feed\n",
               buf_slice(&s.seen));
    CHECK(s.client_ended);
    CHECK_TEXT("", buf_slice(&s.heard));
    hang_up(&s);
    CHECK_TEXT("bare-line-feed", slice_str(s.fault));
    scene_fini(&s);
}

TEST(nonsense_in_a_body_ends_the_exchange_too)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhiX");
    CHECK_TEXT("POST /a|hi nonsense;", buf_slice(&s.heard));
    CHECK(slice_starts(buf_slice(&s.seen), SLICE("HTTP/1.1 400 Bad Request\r\nweft-error: bad-chunk\r\n")));
    scene_fini(&s);
}

TEST(a_client_that_leaves_in_the_middle_resets_the_exchange_once)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhi");
    hang_up(&s);
    CHECK_TEXT("POST /a|hi reset;", buf_slice(&s.heard));
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

TEST(a_wire_that_breaks_before_the_answer_resets_the_exchange_once)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    pair_cut(s.client);
    hang_up(&s);
    CHECK_TEXT("GET /a| end reset;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(a_client_that_only_asks_and_closes_its_side_is_answered)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\nGET /half");
    stream_shut(s.client);
    turns(&s);
    CHECK_TEXT("GET /a| end", buf_slice(&s.heard));
    answer(s.t);
    turns(&s);
    CHECK_TEXT("GET /a| end done;GET /b| end", buf_slice(&s.heard));
    answer(s.t);
    turns(&s);
    CHECK_TEXT("GET /a| end done;GET /b| end done;", buf_slice(&s.heard));
    CHECK_TEXT(ANSWER("/a", "2") ANSWER("/b", "2"), buf_slice(&s.seen));
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

TEST(a_client_that_leaves_before_the_answer_resets_the_exchange_once)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    hang_up(&s);
    CHECK_TEXT("GET /a| end reset;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(a_client_that_has_closed_its_side_is_asked_whether_it_is_there)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    stream_shut(s.client);
    turns(&s);
    CHECK_TEXT("HTTP/1.1 100 Continue\r\n\r\n", buf_slice(&s.seen));
    s.hand.mono += NOW_US_PER_S;
    turns(&s);
    CHECK_TEXT("GET /a| end", buf_slice(&s.heard));
    answer(s.t);
    turns(&s);
    CHECK_TEXT("HTTP/1.1 100 Continue\r\n\r\n" ANSWER("/a", "2"), buf_slice(&s.seen));
    scene_fini(&s);
}

TEST(half_a_body_and_a_closed_side_is_no_request)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhi");
    stream_shut(s.client);
    turns(&s);
    CHECK_TEXT("POST /a|hi reset;", buf_slice(&s.heard));
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

TEST(what_does_not_begin_like_http_is_not_answered_in_it)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "INVALID CONNECTION PREFACE\r\n\r\n");
    CHECK_TEXT("", buf_slice(&s.seen));
    CHECK(s.client_ended);
    CHECK_TEXT("not-http", slice_str(s.fault));
    scene_fini(&s);
}

TEST(half_a_head_is_nobodys_exchange)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "GET /a HTTP/1.1\r\nHo");
    hang_up(&s);
    CHECK_TEXT("", buf_slice(&s.heard));
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

TEST(a_connection_closed_from_inside_head_ends_its_exchange_later)
{
    struct scene s;
    scene_init(&s, NULL);
    s.close_in_head = true;
    say(&s, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    CHECK_TEXT("POST /a| cancelled;", buf_slice(&s.heard));
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

TEST(an_exchange_reset_from_inside_data_hears_only_gone)
{
    struct scene s;
    scene_init(&s, NULL);
    s.reset_in_data = true;
    say(&s, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    CHECK_TEXT("POST /a|hi cancelled;", buf_slice(&s.heard));
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

TEST(draining_closes_an_idle_connection_a_moment_later)
{
    struct scene s;
    scene_init(&s, NULL);
    s.conn->ops->drain(s.conn);
    s.hand.mono += 399 * NOW_US_PER_MS;
    turns(&s);
    CHECK_INT(0, s.closed);
    s.hand.mono += NOW_US_PER_MS;
    turns(&s);
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

TEST(draining_answers_the_request_that_was_on_its_way_and_says_close)
{
    struct scene s;
    scene_init(&s, NULL);
    s.conn->ops->drain(s.conn);
    s.hand.mono += 399 * NOW_US_PER_MS;
    turns(&s);
    say(&s, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    answer(s.t);
    turns(&s);
    CHECK(slice_has(buf_slice(&s.seen), SLICE("\r\nconnection: close\r\n")));
    CHECK(s.client_ended);
    scene_fini(&s);
}

TEST(draining_lets_the_exchange_finish_and_says_close)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    s.conn->ops->drain(s.conn);
    turns(&s);
    CHECK_INT(0, s.closed);
    answer(s.t);
    turns(&s);
    CHECK(slice_has(buf_slice(&s.seen), SLICE("\r\nconnection: close\r\n")));
    CHECK(s.client_ended);
    scene_fini(&s);
}

TEST(an_answer_shorter_than_it_promised_is_cut_and_not_completed)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    s.t->out.status = 200;
    CHECK_ERR(ERR_OK, headers_add_token(&s.t->out.headers, HEADERS_CONTENT_LENGTH, SLICE("5")));
    CHECK_ERR(ERR_OK, transit_head(s.t, false));
    CHECK_ERR(ERR_OK, transit_write(s.t, SLICE("hi")));
    transit_finish(s.t);
    turns(&s);
    CHECK_TEXT("GET /a| end cancelled;", buf_slice(&s.heard));
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

static void wait_s(struct scene *s, int64_t seconds)
{
    s->hand.mono += seconds * NOW_US_PER_S;
    turns(s);
}

TEST(a_head_that_drips_is_answered_408_after_the_header_timeout)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "GET /a HTTP/1.1\r\n");
    wait_s(&s, HEADER_S - 1);
    say(&s, "Host: x\r\n");
    CHECK_INT(0, buf_len(&s.seen));
    wait_s(&s, 1);
    CHECK(slice_starts(buf_slice(&s.seen), SLICE("HTTP/1.1 408 Request Timeout\r\nweft-error: head-too-slow\r\n")));
    CHECK(s.client_ended);
    CHECK_TEXT("", buf_slice(&s.heard));
    CHECK_INT(0, s.closed);
    wait_s(&s, 2);
    CHECK_INT(1, s.closed); /* though the client has not closed its side */
    scene_fini(&s);
}

TEST(an_idle_connection_closes_silently)
{
    struct scene s;
    scene_init(&s, NULL);
    s.answer_at_end = true;
    wait_s(&s, IDLE_S - 1);
    say(&s, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_s(&s, IDLE_S - 1);
    CHECK_INT(0, s.closed);
    wait_s(&s, 1);
    CHECK_INT(1, s.closed);
    CHECK_TEXT(ANSWER("/a", "2"), buf_slice(&s.seen));
    CHECK_TEXT("", slice_str(s.fault));
    scene_fini(&s);
}

TEST(a_body_that_stalls_is_answered_408_and_late)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
    wait_s(&s, QUIET_S - 1);
    say(&s, "hi");
    wait_s(&s, QUIET_S - 1);
    CHECK_TEXT("POST /a|hi", buf_slice(&s.heard));
    wait_s(&s, 1);
    CHECK_TEXT("POST /a|hi late;", buf_slice(&s.heard));
    CHECK(slice_has(buf_slice(&s.seen), SLICE("HTTP/1.1 408 Request Timeout\r\nweft-error: request-too-slow\r\n")));
    scene_fini(&s);
}

TEST(the_answer_to_head_has_the_length_and_no_body)
{
    struct scene s;
    scene_init(&s, NULL);
    s.answer_at_end = true;
    say(&s, "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK_TEXT(ANSWER("", "2") ANSWER("/b", "2"), buf_slice(&s.seen));
    scene_fini(&s);
}

#define OFFER "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static void open_tunnel(struct scene *s)
{
    s->t->out.status = s->t->in.protocol.len ? 101 : 200;
    CHECK_ERR(ERR_OK, transit_head(s->t, false));
    turns(s);
}

TEST(an_offer_that_is_taken_opens_a_tunnel)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, OFFER KEY "\r\nearly");
    CHECK_TEXT("GET /chat|", buf_slice(&s.heard)); /* whose the bytes are is not known yet */
    CHECK_TEXT("websocket", s.t->in.protocol);
    open_tunnel(&s);
    CHECK_TEXT("HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
               "connection: upgrade\r\nupgrade: websocket\r\n\r\n",
               buf_slice(&s.seen));
    CHECK_TEXT("GET /chat|early", buf_slice(&s.heard));
    CHECK_ERR(ERR_OK, transit_write(s.t, SLICE("raw")));
    say(&s, "late");
    CHECK_TEXT("GET /chat|earlylate", buf_slice(&s.heard));
    CHECK(slice_ends(buf_slice(&s.seen), SLICE("\r\n\r\nraw")));
    hang_up(&s);
    CHECK_TEXT("GET /chat|earlylate end", buf_slice(&s.heard));
    transit_finish(s.t);
    turns(&s);
    scene_fini(&s);
}

TEST(each_direction_of_a_tunnel_ends_by_itself)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "CONNECT db:1 HTTP/1.1\r\nHost: db:1\r\n\r\n");
    open_tunnel(&s);
    CHECK_TEXT("HTTP/1.1 200 OK\r\n\r\n", buf_slice(&s.seen));
    stream_shut(s.client);
    turns(&s);
    CHECK_TEXT("CONNECT | end", buf_slice(&s.heard));
    CHECK_ERR(ERR_OK, transit_write(s.t, SLICE("still here")));
    turns(&s);
    CHECK(slice_ends(buf_slice(&s.seen), SLICE("still here")));
    transit_finish(s.t);
    turns(&s);
    CHECK_TEXT("CONNECT | end done;", buf_slice(&s.heard));
    CHECK(s.client_ended);
    scene_fini(&s);
}

TEST(our_side_of_a_tunnel_may_end_first)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, OFFER "\r\n");
    open_tunnel(&s);
    transit_finish(s.t);
    turns(&s);
    CHECK(s.client_ended);
    say(&s, "more");
    CHECK_TEXT("GET /chat|more", buf_slice(&s.heard));
    stream_shut(s.client);
    turns(&s);
    CHECK_TEXT("GET /chat|more end done;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(an_offer_that_is_not_taken_was_a_request_like_others)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, OFFER "\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK_TEXT("GET /chat|", buf_slice(&s.heard));
    answer(s.t);
    turns(&s);
    CHECK_TEXT("GET /chat| end done;GET /b| end", buf_slice(&s.heard));
    answer(s.t);
    turns(&s);
    CHECK_TEXT(ANSWER("/chat", "5") ANSWER("/b", "2"), buf_slice(&s.seen));
    scene_fini(&s);
}

TEST(a_client_that_leaves_before_its_tunnel_is_open_resets_it)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, OFFER "\r\n");
    hang_up(&s);
    CHECK_TEXT("GET /chat| reset;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(a_tunnel_carries_no_more_than_its_window)
{
    struct scene s;
    scene_init(&s, NULL);
    s.credit = false;
    say(&s, OFFER "\r\n");
    open_tunnel(&s);
    say_many(&s, TRANSIT_WINDOW + 10000);
    CHECK_INT(TRANSIT_WINDOW, s.t->owed);
    stream_shut(s.client);
    turns(&s);
    CHECK(!s.t->in_ended);
    transit_credit(s.t, s.t->owed);
    turns(&s);
    CHECK_INT(10000, s.t->owed);
    CHECK(s.t->in_ended);
    scene_fini(&s);
}

TESTS_BEGIN()
TESTS_RUN(a_kept_connection_answers_one_request_after_the_other)
TESTS_RUN(pipelined_requests_are_answered_in_order_and_one_at_a_time)
TESTS_RUN(a_thousand_pipelined_requests_through_a_wire_of_seven_bytes)
TESTS_RUN(connection_close_is_honoured_and_said)
TESTS_RUN(a_body_of_unknown_length_is_chunked_with_trailers_after_it)
TESTS_RUN(a_reader_of_1_0_gets_the_body_up_to_the_close)
TESTS_RUN(a_reader_of_1_0_may_keep_a_counted_connection)
TESTS_RUN(chunks_and_their_trailers_reach_the_owner)
TESTS_RUN(a_body_that_is_held_back_is_called_for)
TESTS_RUN(a_body_that_has_begun_is_not_called_for)
TESTS_RUN(an_answer_instead_of_100_ends_the_connection)
TESTS_RUN(interim_responses_come_before_the_answer)
TESTS_RUN(an_early_answer_is_done_and_a_short_rest_of_the_request_is_skipped)
TESTS_RUN(at_most_64_KiB_are_skipped)
TESTS_RUN(an_owner_that_credits_nothing_gets_the_window_and_not_a_byte_more)
TESTS_RUN(a_client_that_does_not_read_stops_the_owner)
TESTS_RUN(nonsense_is_answered_by_name_and_ends_the_connection)
TESTS_RUN(nonsense_in_a_body_ends_the_exchange_too)
TESTS_RUN(a_client_that_leaves_in_the_middle_resets_the_exchange_once)
TESTS_RUN(a_wire_that_breaks_before_the_answer_resets_the_exchange_once)
TESTS_RUN(a_client_that_only_asks_and_closes_its_side_is_answered)
TESTS_RUN(a_client_that_leaves_before_the_answer_resets_the_exchange_once)
TESTS_RUN(a_client_that_has_closed_its_side_is_asked_whether_it_is_there)
TESTS_RUN(half_a_body_and_a_closed_side_is_no_request)
TESTS_RUN(what_does_not_begin_like_http_is_not_answered_in_it)
TESTS_RUN(half_a_head_is_nobodys_exchange)
TESTS_RUN(a_connection_closed_from_inside_head_ends_its_exchange_later)
TESTS_RUN(an_exchange_reset_from_inside_data_hears_only_gone)
TESTS_RUN(draining_closes_an_idle_connection_a_moment_later)
TESTS_RUN(draining_answers_the_request_that_was_on_its_way_and_says_close)
TESTS_RUN(draining_lets_the_exchange_finish_and_says_close)
TESTS_RUN(an_answer_shorter_than_it_promised_is_cut_and_not_completed)
TESTS_RUN(a_head_that_drips_is_answered_408_after_the_header_timeout)
TESTS_RUN(an_idle_connection_closes_silently)
TESTS_RUN(a_body_that_stalls_is_answered_408_and_late)
TESTS_RUN(the_answer_to_head_has_the_length_and_no_body)
TESTS_RUN(an_offer_that_is_taken_opens_a_tunnel)
TESTS_RUN(each_direction_of_a_tunnel_ends_by_itself)
TESTS_RUN(our_side_of_a_tunnel_may_end_first)
TESTS_RUN(an_offer_that_is_not_taken_was_a_request_like_others)
TESTS_RUN(a_client_that_leaves_before_its_tunnel_is_open_resets_it)
TESTS_RUN(a_tunnel_carries_no_more_than_its_window)
TESTS_END()
