#include "bus/bus_client.h"

#include "base/buf.h"
#include "bus/frame.h"
#include "bus/zsock.h"
#include "tests/kit/t.h"

/* A broker that says exactly what the test tells it. */
struct fake {
    struct zsock *z;
    struct zsock_route to;
    uint8_t public_key[ZSOCK_KEY], secret_key[ZSOCK_KEY];
    unsigned hellos, queries, renews;
    uint64_t last_seq;
    bool mute;
};

struct seen {
    unsigned welcomes, losses, answers, records;
    enum err last;
    char job[32];
};

static enum err admit(void *arg, const uint8_t key[ZSOCK_KEY], struct slice *user)
{
    (void)arg;
    (void)user;
    static const uint8_t none[ZSOCK_KEY];
    return memcmp(key, none, ZSOCK_KEY) == 0 || !((struct fake *)arg)->z ? ERR_DENIED : ERR_OK;
}

static void say(struct fake *f, Weft__Bus__V1__Record *r)
{
    struct buf bytes;
    buf_init(&bytes, 1000);
    CHECK_ERR(ERR_OK, frame_pack(&r, 1, &bytes));
    CHECK_ERR(ERR_OK, zsock_send(f->z, &f->to, buf_slice(&bytes)));
    buf_fini(&bytes);
}

static void welcome(struct fake *f, uint64_t re)
{
    Weft__Bus__V1__Welcome body = WEFT__BUS__V1__WELCOME__INIT;
    body.beat_ms = 60000;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.re = re;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_WELCOME;
    r.welcome = &body;
    say(f, &r);
}

static void tell_job(struct fake *f, uint64_t re, const char *job)
{
    Weft__Bus__V1__Job body = WEFT__BUS__V1__JOB__INIT;
    body.job = (char *)(uintptr_t)job;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.re = re;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_JOB;
    r.job = &body;
    say(f, &r);
}

static void broker_received(void *arg, const struct zsock_route *from, struct slice user, struct slice body)
{
    (void)user;
    struct fake *f = arg;
    f->to = *from;
    Weft__Bus__V1__Frame *frame;
    CHECK_ERR(ERR_OK, frame_unpack(body, &frame));
    for (size_t i = 0; i < frame->n_records; i++) {
        Weft__Bus__V1__Record *r = frame->records[i];
        if (r->body_case == WEFT__BUS__V1__RECORD__BODY_HELLO && ++f->hellos && !f->mute)
            welcome(f, r->seq);
        if (r->body_case == WEFT__BUS__V1__RECORD__BODY_QUERY) {
            f->queries++;
            f->last_seq = r->seq;
        }
    }
    frame_free(&frame);
}

static void on_hello(void *arg, Weft__Bus__V1__Hello *hello)
{
    (void)arg;
    (void)hello;
}

static void on_welcome(void *arg, const Weft__Bus__V1__Welcome *w)
{
    (void)w;
    ((struct seen *)arg)->welcomes++;
}

static void on_lost(void *arg, const char *why)
{
    (void)why;
    ((struct seen *)arg)->losses++;
}

static void on_record(void *arg, const Weft__Bus__V1__Record *r)
{
    (void)r;
    ((struct seen *)arg)->records++;
}

static const struct bus_client_owner owner = {on_hello, on_welcome, on_lost, on_record};

static void on_answer(void *arg, enum err e, const Weft__Bus__V1__Record *r)
{
    struct seen *s = arg;
    s->answers++;
    s->last = e;
    if (r)
        memcpy(s->job, r->job->job, strlen(r->job->job) + 1);
}

struct house {
    struct loop *loop;
    struct due_clock *clock;
    struct fake broker;
    struct bus_client *client;
    struct seen seen;
};

static void house_start(struct house *h, size_t max_waiting)
{
    *h = (struct house){.loop = loop_new()};
    h->clock = due_clock_new(h->loop);
    zsock_keys(h->broker.public_key, h->broker.secret_key);
    struct zsock_router_conf router = {
        .endpoint = "tcp://127.0.0.1:0",
        .secret_key = h->broker.secret_key,
        .admit = admit,
        .recv = broker_received,
        .arg = &h->broker,
    };
    const char *why;
    CHECK_ERR(ERR_OK, zsock_router(h->loop, &router, &h->broker.z, &why));
    struct bus_client_conf conf = {
        .endpoint = zsock_endpoint(h->broker.z),
        .service = "trainer",
        .instance = "i1",
        .max_waiting = max_waiting,
    };
    memcpy(conf.server_key, h->broker.public_key, ZSOCK_KEY);
    zsock_keys(conf.public_key, conf.secret_key);
    h->client = bus_client_start(h->loop, h->clock, &conf, &owner, &h->seen);
    CHECK(h->client != NULL);
}

static void house_stop(struct house *h)
{
    bus_client_close(&h->client);
    zsock_close(&h->broker.z);
    due_clock_free(&h->clock);
    loop_free(&h->loop);
}

static enum err ask(struct house *h, int64_t timeout_us)
{
    Weft__Bus__V1__Query body = WEFT__BUS__V1__QUERY__INIT;
    body.job = (char *)(uintptr_t) "j1";
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_QUERY;
    r.query = &body;
    return bus_client_call(h->client, &r, timeout_us, on_answer, &h->seen);
}

TEST(nothing_can_be_asked_before_the_welcome)
{
    struct house h;
    house_start(&h, 10);
    CHECK(!bus_client_ready(h.client));
    CHECK_ERR(ERR_AGAIN, ask(&h, 0));
    while (h.seen.welcomes == 0)
        loop_turn(h.loop, true);
    CHECK(bus_client_ready(h.client));
    house_stop(&h);
    CHECK_INT(0, h.seen.answers);
}

TEST(an_answer_finds_the_call_it_belongs_to)
{
    struct house h;
    house_start(&h, 10);
    while (h.seen.welcomes == 0)
        loop_turn(h.loop, true);
    CHECK_ERR(ERR_OK, ask(&h, 0));
    while (h.broker.queries == 0)
        loop_turn(h.loop, true);
    tell_job(&h.broker, h.broker.last_seq, "the-job");
    while (h.seen.answers == 0)
        loop_turn(h.loop, true);
    CHECK_ERR(ERR_OK, h.seen.last);
    CHECK_TEXT("the-job", slice_str(h.seen.job));
    tell_job(&h.broker, h.broker.last_seq, "again");
    while (h.seen.records == 0)
        loop_turn(h.loop, true);
    CHECK_INT(1, h.seen.answers);
    house_stop(&h);
}

TEST(the_third_call_in_flight_is_one_too_many_for_a_bound_of_two)
{
    struct house h;
    house_start(&h, 2);
    while (h.seen.welcomes == 0)
        loop_turn(h.loop, true);
    CHECK_ERR(ERR_OK, ask(&h, 0));
    CHECK_ERR(ERR_OK, ask(&h, 0));
    CHECK_ERR(ERR_FULL, ask(&h, 0));
    house_stop(&h);
    CHECK_INT(2, h.seen.answers);
    CHECK_ERR(ERR_CLOSED, h.seen.last);
}

TEST(a_call_without_an_answer_ends_with_its_time)
{
    struct house h;
    house_start(&h, 10);
    while (h.seen.welcomes == 0)
        loop_turn(h.loop, true);
    CHECK_ERR(ERR_OK, ask(&h, 1000));
    while (h.seen.answers == 0)
        loop_turn(h.loop, true);
    CHECK_ERR(ERR_AGAIN, h.seen.last);
    house_stop(&h);
    CHECK_INT(1, h.seen.answers);
}

TEST(a_forgotten_call_is_answered_to_nobody)
{
    struct house h;
    house_start(&h, 10);
    while (h.seen.welcomes == 0)
        loop_turn(h.loop, true);
    CHECK_ERR(ERR_OK, ask(&h, 0));
    bus_client_forget(h.client, &h.seen);
    house_stop(&h);
    CHECK_INT(0, h.seen.answers);
}

TEST(a_broker_that_goes_answers_everything_in_flight_with_again)
{
    struct house h;
    house_start(&h, 10);
    while (h.seen.welcomes == 0)
        loop_turn(h.loop, true);
    CHECK_ERR(ERR_OK, ask(&h, 0));
    while (h.broker.queries == 0)
        loop_turn(h.loop, true);
    zsock_close(&h.broker.z);
    while (h.seen.losses == 0)
        loop_turn(h.loop, true);
    CHECK_INT(1, h.seen.answers);
    CHECK_ERR(ERR_AGAIN, h.seen.last);
    CHECK(!bus_client_ready(h.client));
    house_stop(&h);
}

TEST(the_last_words_before_a_close_still_arrive)
{
    struct house h;
    house_start(&h, 10);
    while (h.seen.welcomes == 0)
        loop_turn(h.loop, true);
    CHECK_ERR(ERR_OK, ask(&h, 0));
    bus_client_forget(h.client, &h.seen);
    bus_client_close(&h.client);
    while (h.broker.queries == 0)
        loop_turn(h.loop, true);
    CHECK_INT(1, h.broker.queries);
    house_stop(&h);
}

TESTS_BEGIN()
TESTS_RUN(nothing_can_be_asked_before_the_welcome)
TESTS_RUN(an_answer_finds_the_call_it_belongs_to)
TESTS_RUN(the_third_call_in_flight_is_one_too_many_for_a_bound_of_two)
TESTS_RUN(a_call_without_an_answer_ends_with_its_time)
TESTS_RUN(the_last_words_before_a_close_still_arrive)
TESTS_RUN(a_forgotten_call_is_answered_to_nobody)
TESTS_RUN(a_broker_that_goes_answers_everything_in_flight_with_again)
TESTS_END()
