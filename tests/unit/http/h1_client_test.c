#include "http/conn.h"

#include "base/mem.h"
#include "tests/kit/pair.h"
#include "tests/kit/t.h"

enum { CONNECT_S = 1, QUIET_S = 60, IDLE_S = 300 };

/* One client connection, the function's end of the wire, and an owner that writes down what it hears. */
struct scene {
    struct now_hand hand;
    struct now now;
    struct loop *loop;
    struct due_clock *clock;
    struct transit_stock *stock;
    struct stream *function;
    struct conn *conn;
    struct transit *t; /* the exchange in progress */
    struct buf heard;  /* what the owner was told */
    struct buf seen;   /* what the function has read */
    bool credit, was_ready;
    bool close_in_head, reset_in_data, ask_again_in_freed;
    unsigned ready, gone, freed, closed;
    uint64_t data;
    char fault[64];
};

static struct scene *scene;

static void on_head(struct transit *t)
{
    buf_putf(&scene->heard, "%u|", t->in.status);
    if (scene->close_in_head)
        scene->conn->ops->close(scene->conn);
}

static void on_info(struct transit *t, unsigned status)
{
    buf_putf(&scene->heard, "%u %u;", status, t->in.headers.count);
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
}

static void on_gone(struct transit *t, enum transit_end how)
{
    static const char *const words[] = {"done", "reset", "cancelled", "unsent", "nonsense", "late"};
    buf_putf(&scene->heard, " %s", words[how]);
    if (t->fault)
        buf_putf(&scene->heard, ": %s", t->fault);
    buf_put(&scene->heard, SLICE(";"));
    CHECK(scene->t == t);
    scene->t = NULL;
    scene->gone++;
    transit_free(&t);
}

static const struct transit_owner owner = {
    .head = on_head, .info = on_info, .data = on_data, .end = on_end, .gone = on_gone};

/* Stands where the pool stands until a connection is the carrier. */
static enum err wait_head(struct transit *t, bool end)
{
    (void)t, (void)end;
    return ERR_OK;
}

static void wait_wake(struct transit *t)
{
    (void)t;
}

static const struct transit_carrier waiting = {.head = wait_head, .wake = wait_wake};

static void begin(struct scene *s, const char *method)
{
    struct transit *t = transit_stock_take(s->stock, &waiting, NULL);
    t->owner = &owner;
    t->out.method = slice_str(method);
    t->out.path = SLICE("/p");
    t->out.authority = SLICE("a:1");
    s->t = t;
}

static void turns(struct scene *s);

static void ask(struct scene *s, const char *method)
{
    begin(s, method);
    s->conn->ops->request(s->conn, s->t);
    CHECK_ERR(ERR_OK, transit_head(s->t, true));
    turns(s);
}

static void host_ready(struct conn *c)
{
    CHECK_INT(1, c->room);
    scene->ready++;
}

static void host_freed(struct conn *c)
{
    CHECK_INT(0, c->exchanges);
    scene->freed++;
    if (!scene->ask_again_in_freed)
        return;
    scene->ask_again_in_freed = false;
    begin(scene, "GET");
    c->ops->request(c, scene->t);
    CHECK_ERR(ERR_OK, transit_head(scene->t, true));
}

static void host_closed(struct conn *c, const char *fault)
{
    CHECK(c == scene->conn);
    CHECK_INT(0, c->room);
    scene->was_ready = c->ready; /* tells the pool a lost connection from a failed one */
    scene->conn = NULL;
    scene->closed++;
    if (fault)
        strncpy(scene->fault, fault, sizeof(scene->fault) - 1);
}

static const struct conn_host host = {.ready = host_ready, .freed = host_freed, .closed = host_closed};

static struct conn_conf conf_of(struct scene *s)
{
    return (struct conn_conf){
        .loop = s->loop,
        .clock = s->clock,
        .host = &host,
        .connect_timeout_us = CONNECT_S * NOW_US_PER_S,
        .idle_timeout_us = IDLE_S * NOW_US_PER_S,
        .stream_idle_us = QUIET_S * NOW_US_PER_S,
    };
}

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
    s->function = ends[1];
    struct conn_conf conf = conf_of(s);
    s->conn = h1_client_new(&conf, ends[0]);
    CHECK(!s->conn->ready);
    turns(s);
    CHECK_INT(1, s->ready);
}

static void turns(struct scene *s)
{
    char room[4096];
    size_t got;
    for (int i = 0; i < 40; i++) {
        loop_turn(s->loop, false);
        while (s->function && stream_read(s->function, room, sizeof(room), &got) == ERR_OK)
            buf_put(&s->seen, slice_of(room, got));
    }
}

static void say_slice(struct scene *s, struct slice rest)
{
    for (int i = 0; i < 10000 && rest.len > 0; i++) {
        size_t took = 0;
        if (stream_write(s->function, rest, &took) == ERR_OK)
            rest = slice_from(rest, took);
        else
            loop_turn(s->loop, false);
    }
    turns(s);
}

static void say(struct scene *s, const char *text)
{
    say_slice(s, slice_str(text));
}

static void hang_up(struct scene *s)
{
    stream_close(&s->function);
    turns(s);
}

static void scene_fini(struct scene *s)
{
    if (s->function)
        stream_close(&s->function);
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

TEST(a_kept_connection_carries_one_exchange_after_the_other)
{
    struct scene s;
    scene_init(&s, NULL);
    ask(&s, "GET");
    CHECK_INT(0, s.conn->room);
    say(&s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    CHECK_TEXT("200|hi end done;", buf_slice(&s.heard));
    CHECK_INT(1, s.conn->room);
    ask(&s, "POST");
    say(&s, "HTTP/1.1 204 No Content\r\n\r\n");
    CHECK_TEXT("GET /p HTTP/1.1\r\nhost: a:1\r\n\r\nPOST /p HTTP/1.1\r\nhost: a:1\r\ncontent-length: 0\r\n\r\n",
               buf_slice(&s.seen));
    CHECK_TEXT("200|hi end done;204| end done;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(a_request_begun_before_it_had_a_connection_is_sent_as_far_as_it_is)
{
    struct scene s;
    scene_init(&s, NULL);
    begin(&s, "POST");
    CHECK_ERR(ERR_OK, transit_head(s.t, false));
    CHECK_ERR(ERR_OK, transit_write(s.t, SLICE("hello")));
    s.conn->ops->request(s.conn, s.t);
    turns(&s);
    CHECK_TEXT("POST /p HTTP/1.1\r\nhost: a:1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", buf_slice(&s.seen));
    transit_finish(s.t);
    turns(&s);
    CHECK(slice_ends(buf_slice(&s.seen), SLICE("0\r\n\r\n")));
    say(&s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: v\r\n\r\n");
    CHECK_TEXT("200|hi t=v end done;", buf_slice(&s.heard));
    CHECK_INT(1, s.conn->room);
    scene_fini(&s);
}

TEST(the_next_request_may_come_while_the_last_is_let_go)
{
    struct scene s;
    scene_init(&s, NULL);
    s.ask_again_in_freed = true;
    ask(&s, "GET");
    say(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    say(&s, "HTTP/1.1 201 OK\r\nContent-Length: 0\r\n\r\n");
    CHECK_TEXT("200| end done;201| end done;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(interim_responses_are_passed_on_with_their_own_fields)
{
    struct scene s;
    scene_init(&s, NULL);
    ask(&s, "GET");
    say(&s, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\nLink: b\r\n\r\n");
    CHECK_TEXT("100 0;103 2;", buf_slice(&s.heard));
    say(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    CHECK_TEXT("100 0;103 2;200| end done;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(a_body_may_end_with_the_connection)
{
    struct scene s;
    scene_init(&s, NULL);
    ask(&s, "GET");
    say(&s, "HTTP/1.1 200 OK\r\n\r\nhello");
    hang_up(&s);
    CHECK_TEXT("200|hello end done;", buf_slice(&s.heard));
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

TEST(a_body_that_ends_with_a_broken_wire_is_not_whole)
{
    struct scene s;
    scene_init(&s, NULL);
    ask(&s, "GET");
    say(&s, "HTTP/1.1 200 OK\r\n\r\nhello");
    pair_cut(s.function);
    turns(&s);
    CHECK_TEXT("200|hello reset: the function closed the connection in the middle of its answer;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(a_counted_body_that_is_cut_off_is_a_reset)
{
    struct scene s;
    scene_init(&s, NULL);
    ask(&s, "GET");
    say(&s, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello");
    hang_up(&s);
    CHECK_TEXT("200|hello reset: the function closed the connection in the middle of its answer;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(a_chunked_body_that_is_cut_off_is_a_reset)
{
    struct scene s;
    scene_init(&s, NULL);
    ask(&s, "GET");
    say(&s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    hang_up(&s);
    CHECK_TEXT("200|hello reset: the function closed the connection in the middle of its answer;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(a_kept_connection_that_closes_without_a_byte_says_so)
{
    struct scene s;
    scene_init(&s, NULL);
    ask(&s, "GET");
    say(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    ask(&s, "GET");
    hang_up(&s);
    CHECK_TEXT("200| end done; reset: the function closed a kept connection;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(a_new_connection_that_closes_without_a_byte_is_another_fault)
{
    struct scene s;
    scene_init(&s, NULL);
    ask(&s, "GET");
    hang_up(&s);
    CHECK_TEXT(" reset: the function closed the connection without an answer;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(a_request_of_which_nothing_was_sent_is_unsent)
{
    struct scene s;
    scene_init(&s, NULL);
    begin(&s, "GET");
    s.conn->ops->request(s.conn, s.t);
    hang_up(&s);
    CHECK_TEXT(" unsent: the function closed the connection before anything was sent;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(an_answer_before_the_request_is_whole_is_passed_on_and_ends_the_connection)
{
    struct scene s;
    scene_init(&s, NULL);
    begin(&s, "POST");
    s.conn->ops->request(s.conn, s.t);
    CHECK_ERR(ERR_OK, transit_head(s.t, false));
    CHECK_ERR(ERR_OK, transit_write(s.t, SLICE("hello")));
    turns(&s);
    say(&s, "HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno");
    CHECK_TEXT("413|no end done;", buf_slice(&s.heard));
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

TEST(an_answer_is_read_even_when_the_request_can_no_longer_be_written)
{
    struct scene s;
    scene_init(&s, NULL);
    begin(&s, "POST");
    s.conn->ops->request(s.conn, s.t);
    CHECK_ERR(ERR_OK, transit_head(s.t, false));
    turns(&s);
    size_t took;
    struct slice no = SLICE("HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno");
    CHECK_ERR(ERR_OK, stream_write(s.function, no, &took));
    CHECK_ERR(ERR_OK, transit_write(s.t, SLICE("hello")));
    hang_up(&s);
    CHECK_TEXT("413|no end done;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(connection_close_from_the_function_is_honoured)
{
    struct scene s;
    scene_init(&s, NULL);
    ask(&s, "GET");
    say(&s, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    CHECK_TEXT("200| end done;", buf_slice(&s.heard));
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

TEST(bytes_behind_an_answer_end_the_connection)
{
    struct scene s;
    scene_init(&s, NULL);
    ask(&s, "GET");
    say(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    CHECK_TEXT("200| end done;", buf_slice(&s.heard));
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

TEST(a_function_that_speaks_unasked_is_left)
{
    struct scene s;
    scene_init(&s, NULL);
    say(&s, "HTTP/1.1 408 Too slow\r\n\r\n");
    CHECK_INT(1, s.closed);
    CHECK(s.was_ready);
    CHECK_TEXT("the function spoke without being asked", slice_str(s.fault));
    scene_fini(&s);
}

TEST(a_stream_that_never_opens_is_closed_with_its_fault_and_never_ready)
{
    struct scene s;
    struct stream *ends[2];
    scene_init(&s, NULL);
    s.conn->ops->close(s.conn);
    turns(&s);
    pair_new(s.loop, NULL, ends);
    struct conn_conf conf = conf_of(&s);
    s.conn = h1_client_new(&conf, ends[0]);
    s.closed = 0;
    pair_cut(ends[1]);
    ends[0]->fn(ends[0]->arg, STREAM_BROKEN);
    CHECK_INT(1, s.closed);
    CHECK(!s.was_ready);
    CHECK_TEXT("the wire was cut", slice_str(s.fault));
    stream_close(&ends[1]);
    scene_fini(&s);
}

static void wait_s(struct scene *s, int64_t seconds)
{
    s->hand.mono += seconds * NOW_US_PER_S;
    turns(s);
}

TEST(a_stream_that_is_not_open_in_time_is_given_up)
{
    struct scene s;
    struct stream *ends[2];
    scene_init(&s, NULL);
    s.conn->ops->close(s.conn);
    turns(&s);
    pair_new(s.loop, NULL, ends);
    struct conn_conf conf = conf_of(&s);
    s.conn = h1_client_new(&conf, ends[0]);
    s.closed = 0;
    ends[0]->fn = NULL; /* nobody will say that it is open */
    wait_s(&s, CONNECT_S);
    CHECK_INT(1, s.closed);
    CHECK(!s.was_ready);
    CHECK_TEXT("connecting took too long", slice_str(s.fault));
    stream_close(&ends[1]);
    scene_fini(&s);
}

TEST(a_function_in_which_nothing_moves_is_late)
{
    struct scene s;
    scene_init(&s, NULL);
    ask(&s, "GET");
    wait_s(&s, QUIET_S - 1);
    say(&s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh");
    wait_s(&s, QUIET_S - 1);
    say(&s, "i");
    CHECK_TEXT("200|hi end done;", buf_slice(&s.heard));
    ask(&s, "GET");
    wait_s(&s, QUIET_S);
    CHECK_TEXT("200|hi end done; late: nothing moved for too long;", buf_slice(&s.heard));
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

TEST(an_idle_connection_is_released_in_time)
{
    struct scene s;
    scene_init(&s, NULL);
    wait_s(&s, IDLE_S - 1);
    CHECK_INT(0, s.closed);
    wait_s(&s, 1);
    CHECK_INT(1, s.closed);
    CHECK_TEXT("", slice_str(s.fault));
    scene_fini(&s);
}

TEST(a_waiting_request_that_cannot_be_written_is_cancelled)
{
    struct scene s;
    scene_init(&s, NULL);
    begin(&s, "GET");
    s.t->out.path = SLICE("/a b");
    CHECK_ERR(ERR_OK, transit_head(s.t, true));
    s.conn->ops->request(s.conn, s.t);
    turns(&s);
    CHECK_TEXT(" cancelled: the request cannot be written as HTTP/1.1;", buf_slice(&s.heard));
    CHECK_INT(0, buf_len(&s.seen));
    scene_fini(&s);
}

TEST(nonsense_is_named)
{
    struct scene s;
    scene_init(&s, NULL);
    ask(&s, "GET");
    say(&s, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab");
    CHECK_TEXT(" nonsense: two-content-lengths;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(an_owner_that_credits_nothing_gets_the_window_and_not_a_byte_more)
{
    struct scene s;
    scene_init(&s, NULL);
    s.credit = false;
    ask(&s, "GET");
    say(&s, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
    char *bytes = mem_new(300000);
    say_slice(&s, slice_of(bytes, 300000));
    mem_free(bytes);
    CHECK_INT(TRANSIT_WINDOW, s.data);
    transit_credit(s.t, 7);
    turns(&s);
    CHECK_INT(TRANSIT_WINDOW + 7, s.data);
    transit_credit(s.t, TRANSIT_WINDOW);
    turns(&s);
    CHECK_INT(300000, s.data);
    CHECK_INT(1, s.gone);
    CHECK_INT(1, s.conn->room);
    scene_fini(&s);
}

TEST(a_function_that_does_not_read_stops_the_owner)
{
    struct scene s;
    struct pair_conf narrow = {.room = 1000};
    scene_init(&s, &narrow);
    begin(&s, "POST");
    s.conn->ops->request(s.conn, s.t);
    CHECK_ERR(ERR_OK, transit_head(s.t, false));
    static char piece[1000];
    size_t taken = 0;
    for (int i = 0; i < 1000; i++) {
        if (transit_write(s.t, slice_of(piece, sizeof(piece))) == ERR_OK)
            taken += sizeof(piece);
        loop_turn(s.loop, false);
    }
    CHECK(taken >= TRANSIT_WINDOW * 2 - 1000);
    CHECK(taken <= TRANSIT_WINDOW * 2 + (128 << 10) + 2000);
    scene_fini(&s);
}

TEST(a_connection_closed_from_inside_head_ends_its_exchange_later)
{
    struct scene s;
    scene_init(&s, NULL);
    s.close_in_head = true;
    ask(&s, "GET");
    say(&s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    CHECK_TEXT("200| cancelled: the connection was closed;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(an_exchange_reset_from_inside_data_hears_only_gone)
{
    struct scene s;
    scene_init(&s, NULL);
    s.reset_in_data = true;
    ask(&s, "GET");
    say(&s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    CHECK_TEXT("200|hi cancelled: the owner gave up;", buf_slice(&s.heard));
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

TEST(draining_ends_after_the_exchange)
{
    struct scene s;
    scene_init(&s, NULL);
    ask(&s, "GET");
    s.conn->ops->drain(s.conn);
    turns(&s);
    CHECK_INT(0, s.closed);
    say(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    CHECK_TEXT("200| end done;", buf_slice(&s.heard));
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

TEST(a_head_with_a_line_end_in_it_is_refused_and_another_may_be_sent)
{
    struct scene s;
    scene_init(&s, NULL);
    begin(&s, "GET");
    s.conn->ops->request(s.conn, s.t);
    CHECK_ERR(ERR_OK, headers_add(&s.t->out.headers, SLICE("a"), SLICE("b\r\nc: d")));
    CHECK_ERR(ERR_INPUT, transit_head(s.t, true));
    headers_init(&s.t->out.headers, &s.t->arena);
    CHECK_ERR(ERR_OK, transit_head(s.t, true));
    turns(&s);
    CHECK_TEXT("GET /p HTTP/1.1\r\nhost: a:1\r\n\r\n", buf_slice(&s.seen));
    scene_fini(&s);
}

/* --- tunnels --- */

static void ask_tunnel(struct scene *s, const char *method, struct slice protocol)
{
    begin(s, method);
    s->t->out.protocol = protocol;
    s->conn->ops->request(s->conn, s->t);
    CHECK_ERR(ERR_OK, transit_head(s->t, false));
    CHECK_ERR(ERR_OK, transit_write(s->t, SLICE("early")));
    turns(s);
}

TEST(a_tunnel_opens_with_101_and_then_carries_bytes)
{
    struct scene s;
    scene_init(&s, NULL);
    s.credit = true;
    ask_tunnel(&s, "GET", SLICE("x-echo"));
    CHECK_TEXT("GET /p HTTP/1.1\r\nhost: a:1\r\nconnection: upgrade\r\nupgrade: x-echo\r\n\r\n", buf_slice(&s.seen));
    say(&s, "HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: x-echo\r\n\r\nhi");
    CHECK_TEXT("101|hi", buf_slice(&s.heard));
    CHECK(slice_ends(buf_slice(&s.seen), SLICE("\r\n\r\nearly")));
    transit_finish(s.t);
    turns(&s);
    say(&s, " there");
    stream_close(&s.function);
    turns(&s);
    CHECK_TEXT("101|hi there end done;", buf_slice(&s.heard));
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

TEST(the_other_side_of_a_tunnel_may_end_first)
{
    struct scene s;
    scene_init(&s, NULL);
    ask_tunnel(&s, "CONNECT", (struct slice){0});
    CHECK_TEXT("CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n", buf_slice(&s.seen));
    say(&s, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    stream_shut(s.function);
    turns(&s);
    CHECK_TEXT("200| end", buf_slice(&s.heard));
    CHECK_ERR(ERR_OK, transit_write(s.t, SLICE(" late")));
    transit_finish(s.t);
    turns(&s);
    CHECK(slice_ends(buf_slice(&s.seen), SLICE("\r\n\r\nearly late")));
    CHECK_TEXT("200| end done;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(a_tunnel_that_is_refused_ends_with_the_answer)
{
    struct scene s;
    scene_init(&s, NULL);
    s.credit = true;
    ask_tunnel(&s, "GET", SLICE("x-echo"));
    say(&s, "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
    CHECK_TEXT("403|no end done;", buf_slice(&s.heard));
    CHECK(!slice_has(buf_slice(&s.seen), SLICE("early")));
    CHECK_INT(1, s.closed);
    scene_fini(&s);
}

TEST(a_switch_that_nobody_asked_for_is_nonsense)
{
    struct scene s;
    scene_init(&s, NULL);
    ask(&s, "GET");
    say(&s, "HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n");
    CHECK_TEXT(" nonsense: unasked-switch-of-protocols;", buf_slice(&s.heard));
    scene_fini(&s);
}

TEST(a_websocket_that_came_without_a_key_gets_one)
{
    struct scene s;
    scene_init(&s, NULL);
    ask_tunnel(&s, "GET", SLICE("websocket"));
    CHECK(slice_has(buf_slice(&s.seen), SLICE("\r\nsec-websocket-version: 13\r\nsec-websocket-key: ")));
    stream_close(&s.function);
    turns(&s);
    scene_fini(&s);
}

TESTS_BEGIN()
TESTS_RUN(a_kept_connection_carries_one_exchange_after_the_other)
TESTS_RUN(a_request_begun_before_it_had_a_connection_is_sent_as_far_as_it_is)
TESTS_RUN(the_next_request_may_come_while_the_last_is_let_go)
TESTS_RUN(interim_responses_are_passed_on_with_their_own_fields)
TESTS_RUN(a_body_may_end_with_the_connection)
TESTS_RUN(a_body_that_ends_with_a_broken_wire_is_not_whole)
TESTS_RUN(a_counted_body_that_is_cut_off_is_a_reset)
TESTS_RUN(a_chunked_body_that_is_cut_off_is_a_reset)
TESTS_RUN(a_kept_connection_that_closes_without_a_byte_says_so)
TESTS_RUN(a_new_connection_that_closes_without_a_byte_is_another_fault)
TESTS_RUN(a_request_of_which_nothing_was_sent_is_unsent)
TESTS_RUN(an_answer_before_the_request_is_whole_is_passed_on_and_ends_the_connection)
TESTS_RUN(an_answer_is_read_even_when_the_request_can_no_longer_be_written)
TESTS_RUN(connection_close_from_the_function_is_honoured)
TESTS_RUN(bytes_behind_an_answer_end_the_connection)
TESTS_RUN(a_function_that_speaks_unasked_is_left)
TESTS_RUN(a_stream_that_never_opens_is_closed_with_its_fault_and_never_ready)
TESTS_RUN(a_stream_that_is_not_open_in_time_is_given_up)
TESTS_RUN(a_function_in_which_nothing_moves_is_late)
TESTS_RUN(an_idle_connection_is_released_in_time)
TESTS_RUN(a_waiting_request_that_cannot_be_written_is_cancelled)
TESTS_RUN(nonsense_is_named)
TESTS_RUN(an_owner_that_credits_nothing_gets_the_window_and_not_a_byte_more)
TESTS_RUN(a_function_that_does_not_read_stops_the_owner)
TESTS_RUN(a_connection_closed_from_inside_head_ends_its_exchange_later)
TESTS_RUN(an_exchange_reset_from_inside_data_hears_only_gone)
TESTS_RUN(draining_ends_after_the_exchange)
TESTS_RUN(a_head_with_a_line_end_in_it_is_refused_and_another_may_be_sent)
TESTS_RUN(a_tunnel_opens_with_101_and_then_carries_bytes)
TESTS_RUN(the_other_side_of_a_tunnel_may_end_first)
TESTS_RUN(a_tunnel_that_is_refused_ends_with_the_answer)
TESTS_RUN(a_switch_that_nobody_asked_for_is_nonsense)
TESTS_RUN(a_websocket_that_came_without_a_key_gets_one)
TESTS_END()
