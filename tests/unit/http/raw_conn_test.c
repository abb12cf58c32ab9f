/* Two raw connections back to back would be a wire; each is tested against a stream in memory. */
#include "http/conn.h"
#include "tests/kit/pair.h"
#include "tests/kit/recorder.h"
#include "tests/kit/t.h"

enum { SECOND = NOW_US_PER_S };

static struct now_hand hand;
static struct loop *loop;
static struct due_clock *clock_;
static struct transit_stock *stock;
static struct conn *conn;
static struct stream *far;
static struct recorder owner;
static unsigned readies, closes;
static struct buf seen;

static void on_accept(struct conn *c, struct transit *t)
{
    (void)c;
    CHECK_TEXT("CONNECT", t->in.method);
    recorder_own(&owner, t);
}

static void on_ready(struct conn *c)
{
    CHECK_INT(1, c->room);
    readies++;
}

static void on_freed(struct conn *c)
{
    CHECK_INT(0, c->exchanges);
}

static void on_closed(struct conn *c, const char *fault)
{
    (void)c, (void)fault;
    conn = NULL;
    closes++;
}

static const struct conn_host host = {.accept = on_accept, .ready = on_ready, .freed = on_freed, .closed = on_closed};

static void hear(void)
{
    char bytes[4096];
    size_t got;
    for (int i = 0; i < 20; i++) {
        loop_turn(loop, false);
        while (far && stream_read(far, bytes, sizeof(bytes), &got) == ERR_OK)
            buf_put(&seen, slice_of(bytes, got));
    }
}

static void begin(bool server)
{
    struct stream *ends[2];
    hand = (struct now_hand){.mono = SECOND};
    struct now now = now_by_hand(&hand);
    loop = loop_new_by(&now);
    clock_ = due_clock_new(loop);
    stock = transit_stock_new();
    readies = closes = 0;
    buf_init(&seen, 1 << 20);
    recorder_init(&owner);
    owner.credit = true;
    pair_new(loop, NULL, ends);
    far = ends[1];
    struct conn_conf conf = {
        .loop = loop,
        .stock = stock,
        .clock = clock_,
        .host = &host,
        .connect_timeout_us = SECOND,
        .idle_timeout_us = 4 * SECOND,
        .stream_idle_us = 60 * SECOND,
    };
    conn = server ? raw_conn_server(&conf, ends[0]) : raw_conn_client(&conf, ends[0]);
    hear();
}

static void end(void)
{
    if (conn)
        conn->ops->close(conn);
    hear();
    CHECK(!conn);
    CHECK_INT(1, closes);
    stream_close(&far);
    recorder_fini(&owner);
    buf_fini(&seen);
    transit_stock_free(&stock);
    due_clock_free(&clock_);
    loop_free(&loop);
}

static void say(const char *text)
{
    size_t took;
    CHECK_ERR(ERR_OK, stream_write(far, slice_str(text), &took));
    hear();
}

static const struct transit_carrier nobody;

static void ask(const char *method)
{
    struct transit *t = transit_stock_take(stock, &nobody, NULL);
    recorder_own(&owner, t);
    recorder_ask(t, method, "");
    conn->ops->request(conn, t);
    CHECK_ERR(ERR_OK, transit_head(t, false));
    hear();
}

static void accept_it(unsigned status)
{
    owner.t->out.status = status;
    CHECK_ERR(ERR_OK, transit_head(owner.t, false));
    hear();
}

TEST(whoever_dials_a_server_has_asked_for_a_tunnel)
{
    begin(true);
    say("before"); /* nobody has to wait for an answer that nobody sees */
    CHECK_INT(1, owner.heads);
    CHECK_TEXT("before", buf_slice(&owner.body));
    accept_it(200);
    CHECK_ERR(ERR_OK, transit_write(owner.t, SLICE("hello")));
    say(" after");
    CHECK_TEXT("before after", buf_slice(&owner.body));
    CHECK_TEXT("hello", buf_slice(&seen));
    end();
    CHECK_INT(TRANSIT_CANCELLED, owner.how);
}

TEST(a_tunnel_that_is_refused_is_a_closed_connection)
{
    begin(true);
    accept_it(403);
    CHECK_INT(1, owner.gones);
    CHECK_INT(1, closes);
    CHECK_INT(0, buf_len(&seen));
    end();
}

TEST(each_direction_ends_by_itself_and_then_the_connection)
{
    begin(false);
    CHECK_INT(1, readies);
    ask("CONNECT");
    CHECK_INT(200, owner.status);
    say("one");
    stream_shut(far);
    hear();
    CHECK_INT(1, owner.ends);
    CHECK_INT(0, owner.gones);
    CHECK_ERR(ERR_OK, transit_write(owner.t, SLICE("two")));
    transit_finish(owner.t);
    hear();
    CHECK_TEXT("one", buf_slice(&owner.body));
    CHECK_TEXT("two", buf_slice(&seen));
    CHECK_INT(TRANSIT_DONE, owner.how);
    CHECK_INT(1, closes);
    end();
}

TEST(a_request_in_http_does_not_fit_bytes)
{
    begin(false);
    ask("GET");
    CHECK_INT(TRANSIT_NONSENSE, owner.how);
    CHECK_TEXT("behind this address are bytes, not HTTP: CONNECT to it", slice_str(owner.fault));
    CHECK_INT(0, buf_len(&seen));
    end();
}

TEST(a_connection_that_breaks_resets_its_exchange)
{
    begin(false);
    ask("CONNECT");
    pair_cut(far);
    hear();
    CHECK_INT(TRANSIT_RESET, owner.how);
    end();
}

TEST(a_tunnel_in_which_nothing_moves_is_late)
{
    begin(false);
    ask("CONNECT");
    hand.mono += 59 * SECOND;
    say("a sign of life");
    hand.mono += 59 * SECOND;
    hear();
    CHECK_INT(0, owner.gones);
    hand.mono += 2 * SECOND;
    hear();
    CHECK_INT(TRANSIT_LATE, owner.how);
    end();
}

TEST(an_owner_that_credits_nothing_gets_one_window)
{
    static char many[TRANSIT_WINDOW + 50000];
    begin(true);
    owner.credit = false;
    accept_it(200);
    for (size_t at = 0; at < sizeof(many);) {
        size_t took = 0;
        if (stream_write(far, slice_of(many + at, sizeof(many) - at), &took) != ERR_OK)
            break;
        at += took;
        hear();
    }
    CHECK_INT(TRANSIT_WINDOW, owner.data_bytes);
    CHECK_INT(TRANSIT_WINDOW, owner.t->owed);
    transit_credit(owner.t, owner.t->owed);
    hear();
    CHECK_INT(sizeof(many), owner.data_bytes);
    end();
}

TEST(one_that_waits_for_a_request_goes_when_the_other_side_does)
{
    begin(false);
    stream_close(&far);
    hear();
    CHECK_INT(1, closes);
    end();
}

TESTS_BEGIN()
TESTS_RUN(whoever_dials_a_server_has_asked_for_a_tunnel)
TESTS_RUN(a_tunnel_that_is_refused_is_a_closed_connection)
TESTS_RUN(each_direction_ends_by_itself_and_then_the_connection)
TESTS_RUN(a_request_in_http_does_not_fit_bytes)
TESTS_RUN(a_connection_that_breaks_resets_its_exchange)
TESTS_RUN(a_tunnel_in_which_nothing_moves_is_late)
TESTS_RUN(an_owner_that_credits_nothing_gets_one_window)
TESTS_RUN(one_that_waits_for_a_request_goes_when_the_other_side_does)
TESTS_END()
