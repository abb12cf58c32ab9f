#include "base/sock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/kit/t.h"

static struct sock_addr parse(const char *text)
{
    struct sock_addr a = {0};
    const char *why = "";

    CHECK_ERR(ERR_OK, sock_parse(slice_str(text), &a, &why));
    return a;
}

static void check_refused(const char *text, const char *want)
{
    struct sock_addr a;
    const char *why = "";

    CHECK_ERR(ERR_INPUT, sock_parse(slice_str(text), &a, &why));
    CHECK_TEXT(want, slice_str(why));
}

static void check_prints(const char *text, const char *want)
{
    struct sock_addr a = parse(text);
    struct buf out;

    buf_init(&out, 256);
    sock_print(&a, &out);
    CHECK_TEXT(want, buf_slice(&out));
    buf_fini(&out);
}

TEST(addresses_are_printed_as_they_are_written)
{
    check_prints("127.0.0.1:8080", "127.0.0.1:8080");
    check_prints("[::1]:8080", "[::1]:8080");
    check_prints("0.0.0.0:0", "0.0.0.0:0");
    check_prints("unix:/run/app.sock", "unix:/run/app.sock");
    check_prints("localhost:65535", "127.0.0.1:65535");
}

TEST(what_is_no_address_is_refused_with_a_sentence)
{
    const char *no_address = "not a numeric address: 127.0.0.1:8080, [::1]:8080, localhost:8080 or unix:/path";
    const char *no_port = "the port is not a number from 0 to 65535";

    check_refused("", "no port: write it after a colon, like 127.0.0.1:8080");
    check_refused("127.0.0.1", "no port: write it after a colon, like 127.0.0.1:8080");
    check_refused("127.0.0.1:65536", no_port);
    check_refused("127.0.0.1:", no_port);
    check_refused("127.0.0.1:-1", no_port);
    check_refused("example.org:80", no_address);
    check_refused("::1:80", no_address);
    check_refused(":80", no_address);
    check_refused("[localhost]:80", "not an IPv6 address between [ and ]");
    check_refused("unix:", "the path after unix: is empty");
}

TEST(a_unix_path_may_have_107_bytes_and_no_more)
{
    char text[5 + 108 + 1] = "unix:";
    struct sock_addr a;
    const char *why;

    memset(text + 5, 'x', 108);
    CHECK_ERR(ERR_INPUT, sock_parse(slice_of(text, 5 + 108), &a, &why));
    CHECK_ERR(ERR_OK, sock_parse(slice_of(text, 5 + 107), &a, &why));
}

TEST(only_this_machine_is_loopback)
{
    const struct {
        const char *text;
        bool loopback;
    } cases[] = {{"127.0.0.1:1", true},
                 {"127.255.0.9:1", true},
                 {"126.0.0.1:1", false},
                 {"[::1]:1", true},
                 {"[::2]:1", false},
                 {"[::ffff:127.0.0.1]:1", true},
                 {"[::ffff:10.0.0.1]:1", false},
                 {"unix:/run/app.sock", true},
                 {"0.0.0.0:1", false}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sock_addr a = parse(cases[i].text);
        CHECK_INT(cases[i].loopback, sock_is_loopback(&a));
    }
}

static void wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    CHECK_INT(1, poll(&p, 1, 10000));
}

/* Dials what `listening` listens on and says hello through it. */
static void check_hello(int listening)
{
    struct sock_addr at, from;
    char got[8] = "";
    int out, in;

    CHECK_ERR(ERR_OK, sock_local(listening, &at));
    CHECK_ERR(ERR_AGAIN, sock_accept(listening, &in, &from));
    CHECK_ERR(ERR_OK, sock_connect(&at, &out));
    wait_for(out, POLLOUT);
    CHECK_ERR(ERR_OK, sock_connected(out));
    wait_for(listening, POLLIN);
    CHECK_ERR(ERR_OK, sock_accept(listening, &in, &from));
    CHECK_INT(at.sa.ss_family, from.sa.ss_family);
    CHECK_INT(5, write(out, "hello", 5));
    wait_for(in, POLLIN);
    CHECK_INT(5, read(in, got, sizeof(got)));
    CHECK_TEXT("hello", slice_str(got));
    CHECK_INT(-1, read(in, got, sizeof(got))); /* both ends do not block */
    CHECK_INT(EAGAIN, errno);
    close(out);
    close(in);
}

TEST(what_listens_can_be_dialled)
{
    struct sock_addr a = parse("127.0.0.1:0");
    int fd;

    CHECK_ERR(ERR_OK, sock_listen(&a, &fd));
    check_hello(fd);
    close(fd);
}

TEST(nobody_listens_is_an_outcome)
{
    struct sock_addr a = parse("127.0.0.1:0");
    int fd, out;

    CHECK_ERR(ERR_OK, sock_listen(&a, &fd));
    CHECK_ERR(ERR_OK, sock_local(fd, &a));
    close(fd);
    CHECK_ERR(ERR_OK, sock_connect(&a, &out));
    wait_for(out, POLLOUT);
    CHECK_ERR(ERR_IO, sock_connected(out));
    CHECK_INT(ECONNREFUSED, errno);
    close(out);
}

TEST(a_dead_unix_socket_is_replaced_and_a_live_one_is_not)
{
    char dir[] = "/tmp/sock_test.XXXXXX", text[64];
    int first, second;

    CHECK(mkdtemp(dir) != NULL);
    (void)snprintf(text, sizeof(text), "unix:%s/s", dir);
    struct sock_addr a = parse(text);
    CHECK_ERR(ERR_OK, sock_listen(&a, &first));
    check_hello(first);
    CHECK_ERR(ERR_IO, sock_listen(&a, &second));
    CHECK_INT(EADDRINUSE, errno);
    close(first);
    CHECK_ERR(ERR_OK, sock_listen(&a, &second));
    check_hello(second);
    close(second);
    CHECK_INT(0, unlink(text + 5));
    CHECK_INT(0, rmdir(dir));
}

TEST(a_file_that_is_no_socket_is_not_replaced)
{
    char path[] = "/tmp/sock_test.XXXXXX", text[64];
    int file = mkstemp(path), fd;

    CHECK(file >= 0);
    (void)snprintf(text, sizeof(text), "unix:%s", path);
    struct sock_addr a = parse(text);
    CHECK_ERR(ERR_IO, sock_listen(&a, &fd));
    CHECK_INT(0, unlink(path));
    close(file);
}

TESTS_BEGIN()
TESTS_RUN(addresses_are_printed_as_they_are_written)
TESTS_RUN(what_is_no_address_is_refused_with_a_sentence)
TESTS_RUN(a_unix_path_may_have_107_bytes_and_no_more)
TESTS_RUN(only_this_machine_is_loopback)
TESTS_RUN(what_listens_can_be_dialled)
TESTS_RUN(nobody_listens_is_an_outcome)
TESTS_RUN(a_dead_unix_socket_is_replaced_and_a_live_one_is_not)
TESTS_RUN(a_file_that_is_no_socket_is_not_replaced)
TESTS_END()
