#include "bus/zsock.h"

#include "base/buf.h"
#include "tests/kit/t.h"

struct end {
    struct loop *loop;
    struct zsock *z;
    struct zsock_route from;
    struct buf got;
    unsigned messages;
    const char *fault;
    char user[64];
    const uint8_t *known; /* the one key that is admitted */
    bool close_on_message;
};

static void received(void *arg, const struct zsock_route *from, struct slice user, struct slice body)
{
    struct end *e = arg;
    e->from = *from;
    e->messages++;
    if (user.len)
        memcpy(e->user, user.at, user.len);
    buf_put(&e->got, body);
    if (e->close_on_message)
        zsock_close(&e->z);
}

static void faulted(void *arg, const char *why)
{
    ((struct end *)arg)->fault = why;
}

static enum err admit(void *arg, const uint8_t key[ZSOCK_KEY], struct slice *user)
{
    struct end *e = arg;
    if (!e->known || memcmp(e->known, key, ZSOCK_KEY) != 0)
        return ERR_DENIED;
    *user = SLICE("spiffe://example.org/worker");
    return ERR_OK;
}

struct pair {
    struct loop *loop;
    struct end broker, client;
    uint8_t server_public[ZSOCK_KEY], server_secret[ZSOCK_KEY];
    uint8_t client_public[ZSOCK_KEY], client_secret[ZSOCK_KEY];
};

static void pair_start(struct pair *p, bool registered)
{
    *p = (struct pair){.loop = loop_new()};
    buf_init(&p->broker.got, 1 << 22);
    buf_init(&p->client.got, 1 << 22);
    zsock_keys(p->server_public, p->server_secret);
    zsock_keys(p->client_public, p->client_secret);
    const char *why = NULL;
    struct zsock_router_conf router = {
        .endpoint = "tcp://127.0.0.1:0",
        .secret_key = p->server_secret,
        .admit = admit,
        .recv = received,
        .arg = &p->broker,
    };
    CHECK_ERR(ERR_OK, zsock_router(p->loop, &router, &p->broker.z, &why));
    p->broker.known = registered ? p->client_public : NULL;
    struct zsock_dealer_conf dealer = {
        .endpoint = zsock_endpoint(p->broker.z),
        .server_key = p->server_public,
        .public_key = p->client_public,
        .secret_key = p->client_secret,
        .recv = received,
        .fault = faulted,
        .arg = &p->client,
    };
    CHECK_ERR(ERR_OK, zsock_dealer(p->loop, &dealer, &p->client.z, &why));
}

static void pair_stop(struct pair *p)
{
    zsock_close(&p->client.z);
    zsock_close(&p->broker.z);
    loop_free(&p->loop);
    buf_fini(&p->broker.got);
    buf_fini(&p->client.got);
}

TEST(words_go_both_ways_and_carry_the_identity_of_the_key)
{
    struct pair p;
    pair_start(&p, true);
    CHECK_ERR(ERR_OK, zsock_send(p.client.z, NULL, SLICE("hello")));
    while (p.broker.messages == 0)
        loop_turn(p.loop, true);
    CHECK_TEXT("hello", buf_slice(&p.broker.got));
    CHECK_TEXT("spiffe://example.org/worker", slice_str(p.broker.user));
    CHECK_ERR(ERR_OK, zsock_send(p.broker.z, &p.broker.from, SLICE("welcome")));
    while (p.client.messages == 0)
        loop_turn(p.loop, true);
    CHECK_TEXT("welcome", buf_slice(&p.client.got));
    pair_stop(&p);
}

TEST(a_key_nobody_registered_is_told_so_and_gets_no_word_in)
{
    struct pair p;
    pair_start(&p, false);
    enum err e = zsock_send(p.client.z, NULL, SLICE("let me in"));
    CHECK(e == ERR_OK || e == ERR_AGAIN);
    while (!p.client.fault)
        loop_turn(p.loop, true);
    CHECK_TEXT("the broker does not know our key", slice_str(p.client.fault));
    CHECK_INT(0, p.broker.messages);
    pair_stop(&p);
}

TEST(ten_thousand_messages_arrive_although_the_descriptor_is_edge_triggered)
{
    struct pair p;
    pair_start(&p, true);
    unsigned sent = 0;
    while (p.broker.messages < 10000) {
        for (int burst = 0; burst < 500 && sent < 10000; burst++)
            if (zsock_send(p.client.z, NULL, SLICE("x")) == ERR_OK)
                sent++;
        loop_turn(p.loop, sent == 10000);
    }
    CHECK_INT(10000, p.broker.messages);
    CHECK_INT(10000, buf_len(&p.broker.got));
    pair_stop(&p);
}

TEST(sending_to_a_peer_that_never_was_is_absent_not_lost_in_silence)
{
    struct pair p;
    pair_start(&p, true);
    struct zsock_route nobody = {.len = 5, .id = {0, 1, 2, 3, 4}};
    CHECK_ERR(ERR_ABSENT, zsock_send(p.broker.z, &nobody, SLICE("hello?")));
    pair_stop(&p);
}

TEST(a_socket_may_be_closed_from_inside_its_own_message)
{
    struct pair p;
    pair_start(&p, true);
    p.broker.close_on_message = true;
    CHECK_ERR(ERR_OK, zsock_send(p.client.z, NULL, SLICE("bye")));
    while (p.broker.messages == 0)
        loop_turn(p.loop, true);
    CHECK(p.broker.z == NULL);
    pair_stop(&p);
}

TEST(a_client_hears_when_the_broker_goes)
{
    struct pair p;
    pair_start(&p, true);
    CHECK_ERR(ERR_OK, zsock_send(p.client.z, NULL, SLICE("hello")));
    while (p.broker.messages == 0)
        loop_turn(p.loop, true);
    zsock_close(&p.broker.z);
    while (!p.client.fault)
        loop_turn(p.loop, true);
    CHECK_TEXT("the broker has gone", slice_str(p.client.fault));
    pair_stop(&p);
}

TESTS_BEGIN()
TESTS_RUN(words_go_both_ways_and_carry_the_identity_of_the_key)
TESTS_RUN(a_key_nobody_registered_is_told_so_and_gets_no_word_in)
TESTS_RUN(ten_thousand_messages_arrive_although_the_descriptor_is_edge_triggered)
TESTS_RUN(sending_to_a_peer_that_never_was_is_absent_not_lost_in_silence)
TESTS_RUN(a_socket_may_be_closed_from_inside_its_own_message)
TESTS_RUN(a_client_hears_when_the_broker_goes)
TESTS_END()
