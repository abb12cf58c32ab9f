#include "http/listener.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/kit/certs.h"
#include "tests/kit/t.h"

enum { PATIENCE = 100000 };

static struct loop *loop;
static struct due_clock *clock_;
static struct server *server;
static struct listener *listener;
static unsigned refusals;
static char who[64], why[128];

static void on_accept(struct transit *t, void *arg)
{
    (void)t, (void)arg;
}

static void on_refused(struct slice peer_addr, const char *reason, void *arg)
{
    (void)arg;
    refusals++;
    (void)snprintf(who, sizeof(who), "%.*s", SLICE_FMT(peer_addr));
    (void)snprintf(why, sizeof(why), "%s", reason);
}

static struct creds *give_creds(void *arg)
{
    return arg;
}

static void begin(struct creds *creds, uint32_t most)
{
    loop = loop_new();
    clock_ = due_clock_new(loop);
    refusals = 0;
    struct server_conf conf = {
        .accept = on_accept, .refused = on_refused, .header_timeout_us = 10000000, .max_connections = most};
    server = server_new(loop, clock_, &conf);
    struct listener_conf listen = {
        .address = "127.0.0.1:0", .server = server, .creds = creds ? give_creds : NULL, .arg = creds};
    CHECK_ERR(ERR_OK, listener_open(loop, clock_, &listen, &listener));
}

static void end(void)
{
    listener_close(&listener);
    server_free(&server);
    for (int i = 0; i < 10; i++)
        loop_turn(loop, false);
    due_clock_free(&clock_);
    loop_free(&loop);
}

static int call(void)
{
    struct sock_addr to;
    const char *reason;
    int fd;
    CHECK_ERR(ERR_OK, sock_parse(listener_address(listener), &to, &reason));
    CHECK_ERR(ERR_OK, sock_connect(&to, &fd));
    return fd;
}

static void until(uint32_t connections)
{
    for (int i = 0; i < PATIENCE && server_connections(server) != connections; i++)
        loop_turn(loop, false);
    CHECK_INT(connections, server_connections(server));
}

TEST(whoever_connects_is_handed_to_the_server)
{
    begin(NULL, 10);
    CHECK(slice_starts(listener_address(listener), SLICE("127.0.0.1:")));
    CHECK(!slice_eq(listener_address(listener), SLICE("127.0.0.1:0")));
    int fds[3];
    for (int i = 0; i < 3; i++)
        fds[i] = call();
    until(3);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    until(0);
    CHECK_INT(0, refusals);
    end();
}

TEST(one_more_than_the_bound_is_closed_and_told)
{
    begin(NULL, 1);
    int first = call();
    until(1);
    int second = call();
    for (int i = 0; i < PATIENCE && refusals == 0; i++)
        loop_turn(loop, false);
    CHECK_INT(1, refusals);
    CHECK_TEXT("too many connections", slice_str(why));
    CHECK_INT(1, server_connections(server));
    close(first);
    close(second);
    end();
}

TEST(a_closed_listener_leaves_its_port_and_its_connections)
{
    struct sock_addr to;
    const char *reason;
    int again;
    begin(NULL, 10);
    int fd = call();
    until(1);
    CHECK_ERR(ERR_OK, sock_parse(listener_address(listener), &to, &reason));
    listener_close(&listener);
    CHECK(!listener);
    listener_close(&listener); /* harmless */
    CHECK_INT(1, server_connections(server));
    CHECK_ERR(ERR_OK, sock_listen(&to, &again));
    close(again);
    close(fd);
    end();
}

TEST(an_address_in_use_says_so)
{
    char address[64];
    struct listener *second = NULL;
    begin(NULL, 10);
    (void)snprintf(address, sizeof(address), "%.*s", SLICE_FMT(listener_address(listener)));
    struct listener_conf conf = {.address = address, .server = server};
    CHECK_ERR(ERR_IO, listener_open(loop, clock_, &conf, &second));
    CHECK_INT(EADDRINUSE, errno);
    end();
}

TEST(a_stranger_that_speaks_no_tls_is_refused_by_name)
{
    struct certs *certs = certs_new();
    struct creds *creds = certs_good(certs, "spiffe://example.org/api", certs_lax_judge);
    begin(creds, 10);
    int fd = call();
    until(1);
    CHECK(write(fd, "GET / HTTP/1.1\r\n\r\n", 18) == 18);
    until(0);
    CHECK_INT(1, refusals);
    CHECK(slice_starts(slice_str(who), SLICE("127.0.0.1:")));
    CHECK(*why);
    close(fd);
    end();
    creds_unref(&creds);
    certs_free(&certs);
}

TESTS_BEGIN()
TESTS_RUN(whoever_connects_is_handed_to_the_server)
TESTS_RUN(one_more_than_the_bound_is_closed_and_told)
TESTS_RUN(a_closed_listener_leaves_its_port_and_its_connections)
TESTS_RUN(an_address_in_use_says_so)
TESTS_RUN(a_stranger_that_speaks_no_tls_is_refused_by_name)
TESTS_END()
