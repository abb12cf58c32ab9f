/* Both ends of one HTTP/2 connection, over a pair with chosen chunking and a clock of ours. */
#include "http/conn.h"

#include <stdio.h>

#include "tests/kit/pair.h"
#include "tests/kit/recorder.h"
#include "tests/kit/script_peer.h"
#include "tests/kit/t.h"

enum { MOST = 720, SECOND = NOW_US_PER_S };

static struct now_hand hand;
static struct loop *loop;
static struct due_clock *clock_;
static struct transit_stock *stock;
static struct conn *server, *client;
static struct stream *ends[2];
static struct recorder asks[MOST], serves[MOST];
static unsigned served, readies;
static bool server_credits;
static void (*serve)(struct recorder *r, bool at_end);
static char client_fault[128], server_fault[128];

static void on_accept(struct conn *c, struct transit *t)
{
    (void)c;
    CHECK(served < MOST);
    struct recorder *r = &serves[served++];
    recorder_init(r);
    r->credit = server_credits;
    r->answer = serve;
    recorder_own(r, t);
}

static void on_ready(struct conn *c)
{
    (void)c;
    readies++;
}

static void on_freed(struct conn *c)
{
    (void)c;
}

static void on_closed(struct conn *c, const char *fault)
{
    char *text = c == client ? client_fault : server_fault;
    CHECK_INT(0, c->exchanges);
    snprintf(text, 128, "%s", fault ? fault : "");
    if (c == client)
        client = NULL;
    else
        server = NULL;
}

static const struct conn_host host = {on_accept, on_ready, on_freed, on_closed};

static struct conn_conf conf_of(void)
{
    return (struct conn_conf){
        .loop = loop,
        .stock = stock,
        .clock = clock_,
        .host = &host,
        .peer_addr = SLICE("192.0.2.1:1"),
        .connect_timeout_us = SECOND,
        .header_timeout_us = 10 * SECOND,
        .idle_timeout_us = 300 * SECOND,
        .stream_idle_us = 60 * SECOND,
        .ping_us = 10 * SECOND,
        .ping_timeout_us = 20 * SECOND,
        .max_streams = 100,
    };
}

static void turns(int n)
{
    for (int i = 0; i < n; i++)
        loop_turn(loop, false);
}

static void pass(int64_t us)
{
    hand.mono += us;
    turns(30);
}

/* Until the ends have nothing more to say to each other. */
static void settle(void)
{
    turns(3000);
}

static void begin_world(void)
{
    hand = (struct now_hand){.mono = SECOND};
    struct now now = now_by_hand(&hand);
    loop = loop_new_by(&now);
    clock_ = due_clock_new(loop);
    stock = transit_stock_new();
    served = readies = 0;
    server_credits = true;
    serve = NULL;
}

static void begin_chopped(size_t chunk, size_t room, uint32_t max_streams)
{
    begin_world();
    pair_new(loop, &(struct pair_conf){.chunk = chunk, .room = room}, ends);
    pair_introduce(ends[0], "spiffe://a/client", "h2");
    struct conn_conf conf = conf_of();
    conf.max_streams = max_streams;
    server = h2_server_new(&conf, ends[0], (struct slice){0});
    conf.max_streams = 100;
    client = h2_client_new(&conf, ends[1]);
    turns(60);
    CHECK_INT(1, readies);
}

static void begin(void)
{
    begin_chopped(0, 0, 100);
}

static void end(void)
{
    if (client)
        client->ops->close(client);
    turns(5);
    if (server)
        server->ops->close(server);
    settle();
    CHECK(!client && !server);
    for (unsigned i = 0; i < served; i++) {
        CHECK_INT(1, serves[i].gones);
        recorder_fini(&serves[i]);
    }
    transit_stock_free(&stock);
    due_clock_free(&clock_);
    loop_free(&loop);
}

/* The pool's part: a transit of the stock handed to the conn. */
static const struct transit_carrier none;

static struct recorder *ask(unsigned i, const char *method, const char *path)
{
    recorder_init(&asks[i]);
    recorder_own(&asks[i], transit_stock_take(stock, &none, NULL));
    recorder_ask(asks[i].t, method, path);
    client->ops->request(client, asks[i].t);
    return &asks[i];
}

static void write_all(struct transit *t, size_t n)
{
    static const char block[1024] = "0123456789";
    for (; n >= sizeof(block); n -= sizeof(block))
        CHECK_ERR(ERR_OK, transit_write(t, slice_of(block, sizeof(block))));
    CHECK_ERR(ERR_OK, transit_write(t, slice_of(block, n)));
}

static void answer_hello(struct recorder *r, bool at_end)
{
    if (at_end)
        CHECK_ERR(ERR_OK, transit_answer(r->t, 200, SLICE("text/plain"), SLICE("hello")));
}

static void answer_head_only(struct recorder *r, bool at_end)
{
    if (at_end)
        return;
    r->t->out.status = r->t->in.protocol.len ? 101 : 200;
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
}

TEST(a_request_is_answered_whole)
{
    begin();
    serve = answer_head_only;
    struct recorder *r = ask(0, "GET", "/a?b");
    CHECK_INT(99, client->room);
    CHECK_ERR(ERR_OK, transit_head(r->t, true));
    settle();
    CHECK_INT(1, served);
    CHECK_TEXT("GET", serves[0].t->in.method);
    CHECK_TEXT("/a?b", serves[0].t->in.path);
    CHECK_TEXT("test.example", serves[0].t->in.authority);
    CHECK_TEXT("spiffe://a/client", serves[0].t->peer_id);
    CHECK_TEXT("192.0.2.1:1", serves[0].t->peer_addr);
    CHECK_ERR(ERR_OK, transit_write(serves[0].t, SLICE("hello")));
    transit_finish(serves[0].t);
    settle();
    CHECK_INT(200, r->status);
    CHECK_TEXT("hello", buf_slice(&r->body));
    CHECK_INT(TRANSIT_DONE, r->how);
    CHECK_INT(TRANSIT_DONE, serves[0].how);
    CHECK_INT(100, client->room);
    CHECK_INT(0, server->exchanges);
    recorder_fini(r);
    end();
}

static void answer_twelve_kib(struct recorder *r, bool at_end)
{
    if (!at_end)
        return;
    r->t->out.status = 200;
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    write_all(r->t, 12 << 10);
    transit_finish(r->t);
}

static void give_up_the_other(struct recorder *r, bool at_end)
{
    struct recorder *other = r->arg;
    if (!at_end && other->t)
        transit_reset(other->t, TRANSIT_WHY_CANCEL);
}

/* Both answers come in one read; what is lost of the second's would close the connection's window in the end. */
TEST(who_is_given_up_while_its_answer_waits_hears_nothing_and_costs_no_window)
{
    enum { ROUNDS = 350 };
    begin_chopped(64 << 10, 128 << 10, 100);
    serve = answer_twelve_kib;
    for (int i = 0; i < ROUNDS; i++) {
        struct recorder *first = ask(0, "GET", "/first"), *second = ask(1, "GET", "/second");
        first->answer = give_up_the_other;
        first->arg = second;
        first->credit = true;
        CHECK_ERR(ERR_OK, transit_head(first->t, true));
        CHECK_ERR(ERR_OK, transit_head(second->t, true));
        turns(40);
        CHECK_INT(12 << 10, first->data_bytes);
        CHECK_INT(TRANSIT_DONE, first->how);
        CHECK_INT(0, second->heads + second->ends + second->data_bytes);
        CHECK_INT(TRANSIT_CANCELLED, second->how);
        recorder_fini(first);
        recorder_fini(second);
    }
    CHECK_INT(2 * ROUNDS, served);
    end();
}

TEST(what_was_said_before_the_connection_is_sent_with_it)
{
    begin();
    serve = answer_hello;
    recorder_init(&asks[0]);
    struct transit *t = transit_stock_take(stock, &none, NULL);
    recorder_own(&asks[0], t);
    recorder_ask(t, "POST", "/");
    t->out_head = t->out_ended = true;
    CHECK_ERR(ERR_OK, buf_add(&t->body, SLICE("early")));
    client->ops->request(client, t);
    settle();
    CHECK_TEXT("early", buf_slice(&serves[0].body));
    CHECK_INT(TRANSIT_DONE, asks[0].how);
    recorder_fini(&asks[0]);
    end();
}

static void answer_with_trailers(struct recorder *r, bool at_end)
{
    if (!at_end)
        return;
    struct transit *t = r->t;
    t->out.status = 200;
    CHECK_ERR(ERR_OK, headers_add_token(&t->out.trailers, HEADERS_GRPC_STATUS, SLICE("0")));
    CHECK_ERR(ERR_OK, transit_head(t, false));
    CHECK_ERR(ERR_OK, transit_write(t, SLICE("body")));
    transit_finish(t);
}

TEST(trailers_travel_both_ways)
{
    begin();
    serve = answer_with_trailers;
    struct recorder *r = ask(0, "POST", "/");
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    CHECK_ERR(ERR_OK, transit_write(r->t, SLICE("x")));
    CHECK_ERR(ERR_OK, headers_add(&r->t->out.trailers, SLICE("x-sum"), SLICE("42")));
    transit_finish(r->t);
    settle();
    CHECK_TEXT("42", slice_str(serves[0].trailer));
    CHECK_TEXT("0", slice_str(r->trailer));
    CHECK_TEXT("body", buf_slice(&r->body));
    CHECK_INT(TRANSIT_DONE, r->how);
    recorder_fini(r);
    end();
}

TEST(trailers_need_no_body)
{
    begin();
    serve = answer_with_trailers;
    struct recorder *r = ask(0, "POST", "/");
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    CHECK_ERR(ERR_OK, headers_add(&r->t->out.trailers, SLICE("x-sum"), SLICE("42")));
    transit_finish(r->t);
    settle();
    CHECK_TEXT("42", slice_str(serves[0].trailer));
    CHECK_INT(0, serves[0].data_bytes);
    CHECK_INT(TRANSIT_DONE, r->how);
    recorder_fini(r);
    end();
}

static void answer_after_hints(struct recorder *r, bool at_end)
{
    if (at_end)
        return;
    CHECK_ERR(ERR_OK, transit_info(r->t, 100, NULL));
    CHECK_ERR(ERR_OK, transit_info(r->t, 103, NULL));
    CHECK_ERR(ERR_OK, transit_answer(r->t, 204, SLICE(""), SLICE("")));
}

TEST(informational_heads_come_before_the_answer)
{
    begin();
    serve = answer_after_hints;
    struct recorder *r = ask(0, "GET", "/");
    CHECK_ERR(ERR_OK, transit_head(r->t, true));
    settle();
    CHECK_INT(2, r->infos);
    CHECK_INT(103, r->last_info);
    CHECK_INT(204, r->status);
    CHECK_INT(TRANSIT_DONE, r->how);
    recorder_fini(r);
    end();
}

TEST(an_early_answer_ends_the_exchange_without_an_error)
{
    begin();
    serve = answer_after_hints;
    struct recorder *r = ask(0, "POST", "/");
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    CHECK_ERR(ERR_OK, transit_write(r->t, SLICE("half")));
    settle();
    CHECK_INT(204, r->status);
    CHECK_INT(TRANSIT_DONE, r->how);
    CHECK_INT(TRANSIT_DONE, serves[0].how);
    recorder_fini(r);
    end();
}

TEST(without_credit_the_sender_stops_at_the_window)
{
    begin();
    serve = answer_head_only;
    server_credits = false;
    struct recorder *r = ask(0, "POST", "/");
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    write_all(r->t, 2 * TRANSIT_WINDOW);
    CHECK_ERR(ERR_FULL, transit_write(r->t, SLICE("x")));
    settle();
    CHECK_INT(TRANSIT_WINDOW, serves[0].data_bytes);
    CHECK_INT(TRANSIT_WINDOW, buf_len(&r->t->body));
    CHECK_INT(0, r->sents);
    transit_credit(serves[0].t, TRANSIT_WINDOW);
    settle();
    CHECK_INT(2 * TRANSIT_WINDOW, serves[0].data_bytes);
    CHECK_INT(1, r->sents);
    transit_reset(r->t, TRANSIT_WHY_CANCEL);
    settle();
    CHECK_INT(TRANSIT_CANCELLED, r->how);
    CHECK_INT(TRANSIT_RESET, serves[0].how);
    recorder_fini(r);
    end();
}

TEST(bytes_that_nobody_credits_come_back_with_the_end_of_the_exchange)
{
    begin();
    serve = answer_head_only;
    server_credits = false;
    for (unsigned i = 0; i < 40; i++) { /* 10 MiB through a connection window of 4 MiB */
        struct recorder *r = ask(0, "POST", "/");
        CHECK_ERR(ERR_OK, transit_head(r->t, false));
        write_all(r->t, TRANSIT_WINDOW);
        turns(60);
        CHECK_INT(TRANSIT_WINDOW, serves[i].data_bytes);
        transit_reset(r->t, TRANSIT_WHY_CANCEL);
        turns(20);
        CHECK_INT(1, r->gones);
        recorder_fini(r);
    }
    end();
}

/* Room that is not worth a call of its own is not lost: 16 MiB through a connection window of 4 MiB. */
TEST(short_bodies_give_their_room_back_when_they_end)
{
    begin();
    serve = answer_hello;
    for (unsigned i = 0; i < MOST - 1; i++) {
        struct recorder *r = ask(0, "POST", "/");
        CHECK_ERR(ERR_OK, transit_head(r->t, false));
        write_all(r->t, i % 2 ? 3000 : TRANSIT_WINDOW);
        transit_finish(r->t);
        turns(60);
        CHECK_INT(i % 2 ? 3000 : TRANSIT_WINDOW, serves[i].data_bytes);
        CHECK_INT(TRANSIT_DONE, r->how);
        recorder_fini(r);
    }
    end();
}

enum { MIB = 1 << 20 };

static void echo_sent(struct transit *t)
{
    struct recorder *r = t->owner_data;
    size_t *left = r->arg;
    while (*left > 0 && transit_write(t, slice_of("0123456789abcdef", 16)) == ERR_OK)
        *left -= 16;
    bool may_end = r != &serves[0] || t->in_ended; /* an early answer would cut the request short */
    if (*left == 0 && !t->out_ended && may_end)
        transit_finish(t);
}

static struct transit_owner pump_owner;
static size_t to_answer, to_ask;

static void answer_pump(struct recorder *r, bool at_end)
{
    if (at_end) {
        echo_sent(r->t);
        return;
    }
    r->t->owner = &pump_owner;
    r->arg = &to_answer;
    r->t->out.status = 200;
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    echo_sent(r->t);
}

static void pump_both_ways(size_t chunk, size_t room)
{
    begin_chopped(chunk, room, 100);
    pump_owner = recorder_owner;
    pump_owner.sent = echo_sent;
    to_answer = to_ask = MIB;
    serve = answer_pump;
    struct recorder *r = ask(0, "POST", "/");
    r->arg = &to_ask;
    r->t->owner = &pump_owner;
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    echo_sent(r->t);
    for (int i = 0; i < 400 && r->gones == 0; i++)
        turns(1000);
    CHECK_INT(MIB, serves[0].data_bytes);
    CHECK_INT(MIB, r->data_bytes);
    CHECK_INT(TRANSIT_DONE, r->how);
    CHECK_INT(TRANSIT_DONE, serves[0].how);
    recorder_fini(r);
    end();
}

TEST(a_mebibyte_goes_both_ways_at_once)
{
    pump_both_ways(0, 0);
}

TEST(a_mebibyte_goes_both_ways_in_pieces_of_997_bytes)
{
    pump_both_ways(997, 4096);
}

TEST(frames_survive_being_cut_at_every_byte)
{
    begin_chopped(1, 3, 100);
    serve = answer_with_trailers;
    struct recorder *r = ask(0, "POST", "/");
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    CHECK_ERR(ERR_OK, transit_write(r->t, SLICE("bytes")));
    transit_finish(r->t);
    settle();
    CHECK_TEXT("bytes", buf_slice(&serves[0].body));
    CHECK_TEXT("body", buf_slice(&r->body));
    CHECK_INT(TRANSIT_DONE, r->how);
    recorder_fini(r);
    end();
}

TEST(a_hundred_streams_at_once)
{
    begin();
    serve = answer_hello;
    for (unsigned i = 0; i < 100; i++)
        CHECK_ERR(ERR_OK, transit_head(ask(i, "GET", "/")->t, true));
    CHECK_INT(0, client->room);
    settle();
    for (unsigned i = 0; i < 100; i++) {
        CHECK_INT(TRANSIT_DONE, asks[i].how);
        recorder_fini(&asks[i]);
    }
    CHECK_INT(100, client->room);
    end();
}

TEST(room_is_the_smaller_of_both_limits)
{
    begin_chopped(0, 0, 7);
    CHECK_INT(7, client->room);
    end();
}

TEST(a_reset_before_the_head_says_nothing_to_the_peer)
{
    begin();
    struct recorder *r = ask(0, "GET", "/");
    transit_reset(r->t, TRANSIT_WHY_CANCEL);
    CHECK_INT(0, r->gones);
    settle();
    CHECK_INT(TRANSIT_CANCELLED, r->how);
    CHECK_INT(0, served);
    recorder_fini(r);
    end();
}

TEST(a_reset_in_the_turn_of_the_head_is_not_served)
{
    begin();
    struct recorder *r = ask(0, "GET", "/");
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    transit_reset(r->t, TRANSIT_WHY_CANCEL);
    CHECK_ERR(ERR_CLOSED, transit_write(r->t, SLICE("x")));
    settle();
    CHECK_INT(TRANSIT_CANCELLED, r->how);
    CHECK_INT(0, served);
    CHECK_INT(100, client->room);
    recorder_fini(r);
    end();
}

static void refuse(struct recorder *r, bool at_end)
{
    if (!at_end)
        transit_reset(r->t, TRANSIT_WHY_REFUSED);
}

TEST(a_refused_stream_is_unsent)
{
    begin();
    serve = refuse;
    struct recorder *r = ask(0, "POST", "/");
    CHECK_ERR(ERR_OK, transit_head(r->t, true));
    settle();
    CHECK_INT(TRANSIT_UNSENT, r->how);
    CHECK_INT(TRANSIT_CANCELLED, serves[0].how);
    CHECK_INT(0, serves[0].ends);
    recorder_fini(r);
    end();
}

TEST(a_reset_after_the_head_names_its_reason)
{
    begin();
    serve = answer_head_only;
    struct recorder *r = ask(0, "POST", "/");
    CHECK_ERR(ERR_OK, transit_head(r->t, true));
    settle();
    transit_reset(serves[0].t, TRANSIT_WHY_INTERNAL);
    settle();
    CHECK_INT(200, r->status);
    CHECK_INT(TRANSIT_RESET, r->how);
    CHECK_TEXT("INTERNAL_ERROR", slice_str(r->fault));
    recorder_fini(r);
    end();
}

TEST(a_connection_closed_by_its_host_cancels_what_is_in_flight)
{
    begin();
    serve = answer_head_only;
    struct recorder *sent = ask(0, "GET", "/"), *unsent = ask(1, "GET", "/");
    CHECK_ERR(ERR_OK, transit_head(sent->t, true));
    settle();
    client->ops->close(client);
    CHECK_INT(0, sent->gones);
    settle();
    CHECK_INT(TRANSIT_CANCELLED, sent->how);
    CHECK_INT(TRANSIT_UNSENT, unsent->how);
    CHECK_INT(TRANSIT_RESET, serves[0].how);
    CHECK(!client);
    recorder_fini(sent);
    recorder_fini(unsent);
    end();
}

TEST(a_cut_wire_resets_what_was_sent)
{
    begin();
    serve = answer_head_only;
    struct recorder *r = ask(0, "GET", "/");
    CHECK_ERR(ERR_OK, transit_head(r->t, true));
    settle();
    pair_cut(ends[0]);
    settle();
    CHECK_INT(TRANSIT_RESET, r->how);
    CHECK_INT(TRANSIT_RESET, serves[0].how);
    CHECK(!client && !server);
    recorder_fini(r);
    end();
}

TEST(a_server_that_drains_finishes_what_it_has_and_closes)
{
    begin();
    serve = answer_head_only;
    struct recorder *r = ask(0, "GET", "/");
    CHECK_ERR(ERR_OK, transit_head(r->t, true));
    settle();
    server->ops->drain(server);
    settle();
    CHECK(client->draining);
    CHECK_INT(0, client->room);
    CHECK(server && client);
    CHECK_ERR(ERR_OK, transit_write(serves[0].t, SLICE("late")));
    transit_finish(serves[0].t);
    settle();
    CHECK_INT(TRANSIT_DONE, r->how);
    CHECK_TEXT("late", buf_slice(&r->body));
    CHECK(!server && !client);
    CHECK_TEXT("", slice_str(client_fault));
    CHECK_TEXT("", slice_str(server_fault));
    recorder_fini(r);
    end();
}

TEST(a_client_that_drains_closes_after_its_last_exchange)
{
    begin();
    serve = answer_hello;
    struct recorder *r = ask(0, "GET", "/");
    CHECK_ERR(ERR_OK, transit_head(r->t, true));
    client->ops->drain(client);
    CHECK_INT(0, client->room);
    settle();
    CHECK_INT(TRANSIT_DONE, r->how);
    CHECK(!server && !client);
    recorder_fini(r);
    end();
}

static void answer_200_kib(struct recorder *r, bool at_end)
{
    if (!at_end)
        return;
    r->t->out.status = 200;
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    write_all(r->t, 200 << 10);
    transit_finish(r->t);
    server->ops->drain(server);
}

TEST(a_drain_cuts_nothing_that_is_still_to_be_written)
{
    begin_chopped(0, 4096, 100);
    serve = answer_200_kib;
    struct recorder *r = ask(0, "GET", "/");
    CHECK_ERR(ERR_OK, transit_head(r->t, true));
    settle();
    CHECK_INT(200 << 10, r->data_bytes);
    CHECK_INT(TRANSIT_DONE, r->how);
    CHECK(!server && !client);
    recorder_fini(r);
    end();
}

static struct transit_owner rash_owner;

static void reset_in_data(struct transit *t, struct slice bytes)
{
    recorder_owner.data(t, bytes);
    transit_reset(t, TRANSIT_WHY_CANCEL);
}

static void close_in_data(struct transit *t, struct slice bytes)
{
    recorder_owner.data(t, bytes);
    server->ops->close(server);
}

static void be_rash(struct recorder *r, bool at_end)
{
    if (!at_end)
        r->t->owner = &rash_owner;
}

static void check_rash(void (*data)(struct transit *t, struct slice bytes))
{
    begin();
    serve = be_rash;
    rash_owner = recorder_owner;
    rash_owner.data = data;
    struct recorder *r = ask(0, "POST", "/");
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    write_all(r->t, 100 << 10);
    transit_finish(r->t);
    settle();
    CHECK_INT(TRANSIT_CANCELLED, serves[0].how);
    CHECK_INT(0, serves[0].ends);
    CHECK_INT(TRANSIT_RESET, r->how);
    recorder_fini(r);
    end();
}

TEST(an_owner_may_reset_while_it_is_given_bytes)
{
    check_rash(reset_in_data);
}

TEST(a_connection_may_be_closed_while_an_owner_is_given_bytes)
{
    check_rash(close_in_data);
}

static void keep_gone(struct transit *t, enum transit_end how)
{
    struct recorder *r = t->owner_data;
    r->gones++;
    r->how = how;
}

TEST(a_transit_may_be_kept_after_its_connection)
{
    begin();
    serve = answer_hello;
    rash_owner = recorder_owner;
    rash_owner.gone = keep_gone;
    struct recorder *r = ask(0, "GET", "/");
    r->credit = false;
    struct transit *t = r->t;
    t->owner = &rash_owner;
    CHECK_ERR(ERR_OK, transit_head(t, true));
    settle();
    client->ops->close(client);
    settle();
    CHECK_INT(1, r->gones);
    CHECK_TEXT("text/plain", headers_value(&t->in.headers, HEADERS_CONTENT_TYPE));
    transit_credit(t, 5);
    transit_reset(t, TRANSIT_WHY_CANCEL);
    CHECK_ERR(ERR_CLOSED, transit_write(t, SLICE("x")));
    end();
    transit_free(&t);
    recorder_fini(r);
}

static void answer_length(struct recorder *r, bool at_end)
{
    if (!at_end)
        CHECK_INT(5, r->t->in.length);
    answer_hello(r, at_end);
}

TEST(a_declared_length_is_known_and_kept_in_the_headers)
{
    begin();
    serve = answer_length;
    struct recorder *r = ask(0, "POST", "/");
    CHECK_ERR(ERR_OK, headers_add_token(&r->t->out.headers, HEADERS_CONTENT_LENGTH, SLICE("5")));
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    CHECK_ERR(ERR_OK, transit_write(r->t, SLICE("12345")));
    transit_finish(r->t);
    settle();
    CHECK_INT(TRANSIT_DONE, r->how);
    recorder_fini(r);
    end();
}

TEST(a_length_that_lies_is_nonsense)
{
    begin();
    serve = answer_head_only;
    struct recorder *r = ask(0, "POST", "/");
    CHECK_ERR(ERR_OK, headers_add_token(&r->t->out.headers, HEADERS_CONTENT_LENGTH, SLICE("5")));
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    CHECK_ERR(ERR_OK, transit_write(r->t, SLICE("1234567")));
    settle();
    CHECK_INT(TRANSIT_NONSENSE, serves[0].how);
    CHECK_INT(TRANSIT_RESET, r->how);
    recorder_fini(r);
    end();
}

TEST(connection_fields_are_left_out)
{
    begin();
    serve = answer_head_only;
    struct recorder *r = ask(0, "GET", "/");
    CHECK_ERR(ERR_OK, headers_add_token(&r->t->out.headers, HEADERS_CONNECTION, SLICE("x")));
    CHECK_ERR(ERR_OK, headers_add_token(&r->t->out.headers, HEADERS_TE, SLICE("trailers")));
    CHECK_ERR(ERR_OK, transit_head(r->t, true));
    settle();
    CHECK_INT(1, serves[0].t->in.headers.count);
    CHECK_TEXT("trailers", headers_value(&serves[0].t->in.headers, HEADERS_TE));
    recorder_fini(r);
    client->ops->close(client);
    settle();
    end();
}

TEST(an_extended_connect_names_its_protocol)
{
    begin();
    serve = answer_head_only;
    struct recorder *r = ask(0, "GET", "/chat");
    r->t->out.protocol = SLICE("websocket"); /* the method is what HTTP/1.1 would say */
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    settle();
    CHECK_TEXT("websocket", serves[0].t->in.protocol);
    CHECK_TEXT("/chat", serves[0].t->in.path);
    CHECK_TEXT("GET", serves[0].t->in.method);
    CHECK_INT(101, r->status); /* 200 on the wire */
    CHECK_ERR(ERR_OK, transit_write(r->t, SLICE("ping")));
    settle();
    CHECK_TEXT("ping", buf_slice(&serves[0].body));
    transit_reset(r->t, TRANSIT_WHY_CANCEL);
    settle();
    recorder_fini(r);
    end();
}

TEST(a_head_larger_than_the_peer_takes_is_refused_before_it_is_sent)
{
    static char big[HEADERS_BYTES];
    begin();
    memset(big, 'a', sizeof(big));
    struct recorder *r = ask(0, "GET", "/");
    CHECK_ERR(ERR_OK, headers_add(&r->t->out.headers, SLICE("x"), slice_of(big, HEADERS_BYTES - 10)));
    CHECK_ERR(ERR_FULL, transit_head(r->t, true));
    headers_remove_name(&r->t->out.headers, SLICE("x"));
    CHECK_ERR(ERR_OK, transit_head(r->t, true));
    settle();
    CHECK_INT(1, served);
    recorder_fini(r);
    client->ops->close(client);
    settle();
    end();
}

TEST(an_exchange_in_which_nothing_moves_is_late)
{
    begin();
    serve = answer_head_only;
    struct recorder *r = ask(0, "GET", "/");
    CHECK_ERR(ERR_OK, transit_head(r->t, true));
    settle();
    pass(9 * SECOND); /* the PINGs between keep the connection, not the exchange */
    for (int i = 0; i < 5; i++)
        pass(10 * SECOND);
    CHECK_INT(0, r->gones);
    pass(SECOND);
    CHECK_INT(1, r->gones);
    CHECK_INT(TRANSIT_LATE, r->how);
    CHECK(client && server);
    recorder_fini(r);
    end();
}

TEST(an_exchange_is_timed_though_its_connection_is_not)
{
    begin_world();
    pair_new(loop, NULL, ends);
    struct conn_conf conf = conf_of();
    conf.idle_timeout_us = conf.ping_us = 0;
    server = h2_server_new(&conf, ends[0], (struct slice){0});
    conf.stream_idle_us = 0;
    client = h2_client_new(&conf, ends[1]);
    turns(60);
    struct recorder *r = ask(0, "GET", "/");
    CHECK_ERR(ERR_OK, transit_head(r->t, true));
    settle();
    pass(60 * SECOND - 1);
    CHECK_INT(0, r->gones);
    pass(1);
    CHECK_INT(TRANSIT_LATE, serves[0].how);
    CHECK_INT(TRANSIT_RESET, r->how);
    CHECK_TEXT("CANCEL", slice_str(r->fault));
    recorder_fini(r);
    end();
}

TEST(an_idle_connection_is_closed_after_five_minutes)
{
    begin();
    for (int i = 0; i < 29; i++)
        pass(10 * SECOND);
    CHECK(client && server);
    pass(11 * SECOND);
    CHECK(!client && !server);
    CHECK_TEXT("", slice_str(client_fault));
    end();
}

TEST(a_silent_peer_is_given_up_after_ping_and_patience)
{
    begin_world();
    pair_new(loop, NULL, ends);
    struct conn_conf conf = conf_of();
    server = h2_server_new(&conf, ends[0], (struct slice){0});
    client = h2_client_new(&conf, ends[1]);
    turns(60);
    stream_want(ends[0], 0);
    pass(10 * SECOND);
    pass(19 * SECOND);
    CHECK(client);
    pass(2 * SECOND);
    CHECK(!client);
    CHECK_TEXT("the peer does not answer PING", slice_str(client_fault));
    end();
}

enum { FRAME_SETTINGS = 4, FRAME_PING = 6, FRAME_ACK = 1 };

/* Answers the PINGs it hears; how many were they? */
static unsigned pings(struct script_peer *peer)
{
    struct script_frame f;
    unsigned count = 0;
    script_peer_hear(peer, 30);
    while (script_peer_next_frame(peer, &f)) {
        if (f.type != FRAME_PING || f.flags & FRAME_ACK)
            continue;
        count++;
        script_peer_say_frame(peer, FRAME_PING, FRAME_ACK, 0, f.payload);
    }
    turns(30); /* the answers arrive */
    return count;
}

/* PINGs in a silence of ten minutes, of a server with these SETTINGS. */
static unsigned pings_of_ten_minutes(struct slice settings, int64_t ping_us)
{
    struct script_peer peer;
    begin_world();
    pair_new(loop, NULL, ends);
    struct conn_conf conf = conf_of();
    conf.stream_idle_us = 0;
    conf.ping_us = ping_us;
    client = h2_client_new(&conf, ends[1]);
    script_peer_init(&peer, loop, ends[0]);
    script_peer_say_frame(&peer, FRAME_SETTINGS, 0, 0, settings);
    script_peer_hear(&peer, 30);
    buf_took(&peer.in, strlen("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    struct recorder *r = ask(0, "GET", "/");
    CHECK_ERR(ERR_OK, transit_head(r->t, true));
    unsigned count = pings(&peer);
    for (int i = 0; i < 60; i++) {
        pass(10 * SECOND);
        count += pings(&peer);
    }
    CHECK_INT(0, r->gones);
    client->ops->close(client);
    turns(30);
    recorder_fini(r);
    script_peer_fini(&peer);
    end();
    return count;
}

TEST(a_silent_peer_is_pinged_no_oftener_than_it_may_stand)
{
    static const char extends_connect[6] = {0, 8, 0, 0, 0, 1};
    CHECK_INT(30, pings_of_ten_minutes(slice_of(extends_connect, 6), 10 * SECOND));
    CHECK_INT(2, pings_of_ten_minutes((struct slice){0}, 10 * SECOND)); /* a library of gRPC counts them as abuse */
    CHECK_INT(0, pings_of_ten_minutes((struct slice){0}, 0));
}

TEST(a_handshake_that_never_ends_is_given_up)
{
    begin_world();
    pair_new(loop, NULL, ends);
    struct conn_conf conf = conf_of();
    client = h2_client_new(&conf, ends[1]);
    turns(10);
    CHECK_INT(0, readies);
    pass(SECOND + 1);
    CHECK(!client);
    CHECK_TEXT("the handshake took too long", slice_str(client_fault));
    stream_close(&ends[0]);
    end();
}

TEST(a_tunnel_stays_half_open_when_one_side_ends)
{
    begin();
    serve = answer_head_only;
    struct recorder *r = ask(0, "GET", "/chat");
    r->t->out.protocol = SLICE("websocket");
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    settle();
    transit_finish(serves[0].t);
    settle();
    CHECK_INT(1, r->ends);
    CHECK_INT(0, r->gones);
    CHECK_ERR(ERR_OK, transit_write(r->t, SLICE("late")));
    transit_finish(r->t);
    settle();
    CHECK_TEXT("late", buf_slice(&serves[0].body));
    CHECK_INT(TRANSIT_DONE, serves[0].how);
    CHECK_INT(TRANSIT_DONE, r->how);
    recorder_fini(r);
    client->ops->close(client);
    settle();
    end();
}

static void answer_plainly(struct recorder *r, bool at_end)
{
    if (!at_end)
        CHECK_ERR(ERR_OK, transit_answer(r->t, 200, SLICE("text/plain"), SLICE("plain")));
}

TEST(an_answer_that_passes_over_an_offer_opens_no_tunnel)
{
    begin();
    serve = answer_plainly;
    struct recorder *r = ask(0, "GET", "/chat");
    r->t->out.protocol = SLICE("websocket");
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    settle();
    CHECK_INT(501, r->status);
    CHECK_TEXT("plain", buf_slice(&r->body));
    recorder_fini(r);
    client->ops->close(client);
    settle();
    end();
}

TESTS_BEGIN()
TESTS_RUN(a_request_is_answered_whole)
TESTS_RUN(who_is_given_up_while_its_answer_waits_hears_nothing_and_costs_no_window)
TESTS_RUN(what_was_said_before_the_connection_is_sent_with_it)
TESTS_RUN(trailers_travel_both_ways)
TESTS_RUN(trailers_need_no_body)
TESTS_RUN(informational_heads_come_before_the_answer)
TESTS_RUN(an_early_answer_ends_the_exchange_without_an_error)
TESTS_RUN(without_credit_the_sender_stops_at_the_window)
TESTS_RUN(short_bodies_give_their_room_back_when_they_end)
TESTS_RUN(bytes_that_nobody_credits_come_back_with_the_end_of_the_exchange)
TESTS_RUN(a_mebibyte_goes_both_ways_at_once)
TESTS_RUN(a_mebibyte_goes_both_ways_in_pieces_of_997_bytes)
TESTS_RUN(frames_survive_being_cut_at_every_byte)
TESTS_RUN(a_hundred_streams_at_once)
TESTS_RUN(room_is_the_smaller_of_both_limits)
TESTS_RUN(a_reset_before_the_head_says_nothing_to_the_peer)
TESTS_RUN(a_reset_in_the_turn_of_the_head_is_not_served)
TESTS_RUN(a_refused_stream_is_unsent)
TESTS_RUN(a_reset_after_the_head_names_its_reason)
TESTS_RUN(a_connection_closed_by_its_host_cancels_what_is_in_flight)
TESTS_RUN(a_cut_wire_resets_what_was_sent)
TESTS_RUN(a_server_that_drains_finishes_what_it_has_and_closes)
TESTS_RUN(a_client_that_drains_closes_after_its_last_exchange)
TESTS_RUN(a_drain_cuts_nothing_that_is_still_to_be_written)
TESTS_RUN(an_owner_may_reset_while_it_is_given_bytes)
TESTS_RUN(a_connection_may_be_closed_while_an_owner_is_given_bytes)
TESTS_RUN(a_transit_may_be_kept_after_its_connection)
TESTS_RUN(a_declared_length_is_known_and_kept_in_the_headers)
TESTS_RUN(a_length_that_lies_is_nonsense)
TESTS_RUN(connection_fields_are_left_out)
TESTS_RUN(an_extended_connect_names_its_protocol)
TESTS_RUN(a_head_larger_than_the_peer_takes_is_refused_before_it_is_sent)
TESTS_RUN(an_exchange_in_which_nothing_moves_is_late)
TESTS_RUN(an_exchange_is_timed_though_its_connection_is_not)
TESTS_RUN(an_idle_connection_is_closed_after_five_minutes)
TESTS_RUN(a_silent_peer_is_given_up_after_ping_and_patience)
TESTS_RUN(a_silent_peer_is_pinged_no_oftener_than_it_may_stand)
TESTS_RUN(a_handshake_that_never_ends_is_given_up)
TESTS_RUN(a_tunnel_stays_half_open_when_one_side_ends)
TESTS_RUN(an_answer_that_passes_over_an_offer_opens_no_tunnel)
TESTS_END()
