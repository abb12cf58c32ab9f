/* stream - one suite over every implementation: a socket, TLS over a pair with every
 * chunking, and the tests' own pair. */
#include "base/stream.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/creds.h"
#include "base/mem.h"
#include "base/sock.h"
#include "tests/kit/certs.h"
#include "tests/kit/pair.h"
#include "tests/kit/t.h"

enum { TURNS = 2000, BIG = 300000 };

static const struct pair_conf byte_by_byte = {.chunk = 1, .room = 7};
static const struct pair_conf crumbs = {.chunk = 613, .room = 5000};

/* One end and what it has been told. */
struct side {
    struct stream *stream;
    struct loop *loop;
    struct buf got;
    unsigned seen;     /* all events so far */
    unsigned last;     /* the latest ones */
    unsigned count;    /* how many calls */
    enum err ended;    /* how reading ended; OK: it has not */
    size_t room;       /* bytes to ask for in one read */
    struct slice send; /* what is left to be written */
    bool then_shut;
    bool close_on_event;
};

struct both {
    struct loop *loop;
    struct certs *certs;
    struct side a, b;
};

static void drain(struct side *s)
{
    char into[4096];
    size_t got;

    while (s->ended == ERR_OK) {
        enum err e = stream_read(s->stream, into, s->room, &got);
        if (e == ERR_AGAIN)
            return;
        if (e == ERR_OK)
            buf_put(&s->got, slice_of(into, got));
        else
            s->ended = e;
    }
    stream_want(s->stream, 0);
}

static void fill(struct side *s)
{
    size_t took = 0;

    while (s->send.len > 0) {
        enum err e = stream_write(s->stream, s->send, &took);
        if (e == ERR_AGAIN)
            return;
        CHECK_ERR(ERR_OK, e);
        CHECK(took >= 1 && took <= s->send.len);
        s->send = slice_from(s->send, took);
    }
    stream_want(s->stream, STREAM_READ);
    if (s->then_shut)
        stream_shut(s->stream);
    s->then_shut = false;
}

static void on_event(void *arg, unsigned events)
{
    struct side *s = arg;

    s->seen |= events;
    s->last = events;
    s->count++;
    if (s->close_on_event) {
        stream_close(&s->stream);
        return;
    }
    if ((events & STREAM_READ) && s->room)
        drain(s);
    if (events & STREAM_WRITE)
        fill(s);
}

static void side_init(struct side *s, struct loop *l, struct stream *stream)
{
    *s = (struct side){.stream = stream, .loop = l};
    buf_init(&s->got, BIG);
    stream_hear(stream, on_event, s);
}

static void turns(struct both *x, int n)
{
    for (int i = 0; i < n; i++)
        loop_turn(x->loop, false);
}

static void settle_open(struct both *x)
{
    for (int i = 0; i < TURNS && !(x->a.seen & x->b.seen & STREAM_OPEN); i++)
        loop_turn(x->loop, false);
    CHECK_INT(STREAM_OPEN, x->a.seen);
    CHECK_INT(STREAM_OPEN, x->b.seen);
    CHECK_INT(1, x->a.count);
    CHECK_INT(1, x->b.count);
}

static void begin_with(struct both *x, struct stream *ends[2])
{
    side_init(&x->a, x->loop, ends[0]);
    side_init(&x->b, x->loop, ends[1]);
    settle_open(x);
}

static void begin_pair(struct both *x, const struct pair_conf *conf)
{
    struct stream *ends[2];

    *x = (struct both){.loop = loop_new()};
    pair_new(x->loop, conf, ends);
    begin_with(x, ends);
}

static void begin_fd(struct both *x)
{
    int fds[2];

    *x = (struct both){.loop = loop_new()};
    CHECK_ERR(ERR_OK, sock_pair(fds));
    struct stream *ends[2] = {stream_fd_new(x->loop, fds[0], false), stream_fd_new(x->loop, fds[1], true)};
    begin_with(x, ends);
}

static void wrap(struct both *x, struct stream *ends[2])
{
    struct creds *client = certs_good(x->certs, "spiffe://example.org/a", certs_lax_judge);
    struct creds *server = certs_good(x->certs, "spiffe://example.org/b", certs_lax_judge);
    struct stream_tls_conf c = {.role = STREAM_CLIENT, .creds = client, .alpn = {"h2"}};
    struct stream_tls_conf s = {.role = STREAM_SERVER, .creds = server, .alpn = {"h2", "http/1.1"}};

    ends[0] = stream_tls_new(x->loop, ends[0], &c);
    ends[1] = stream_tls_new(x->loop, ends[1], &s);
    creds_unref(&client);
    creds_unref(&server);
}

/* A server tells of its session first: bytes below, and none of the stream's. */
static void hear_ticket(struct both *x)
{
    char into[8];
    size_t got;

    for (int i = 0; i < TURNS; i++) {
        loop_turn(x->loop, false);
        CHECK_ERR(ERR_AGAIN, stream_read(x->a.stream, into, sizeof(into), &got));
    }
    CHECK_INT(1, x->a.count);
}

static void begin_tls(struct both *x, const struct pair_conf *conf)
{
    struct stream *ends[2];

    *x = (struct both){.loop = loop_new(), .certs = certs_new()};
    pair_new(x->loop, conf, ends);
    wrap(x, ends);
    begin_with(x, ends);
    hear_ticket(x);
}

static void begin_tls_fd(struct both *x)
{
    int fds[2];

    *x = (struct both){.loop = loop_new(), .certs = certs_new()};
    CHECK_ERR(ERR_OK, sock_pair(fds));
    struct stream *ends[2] = {stream_fd_new(x->loop, fds[0], true), stream_fd_new(x->loop, fds[1], false)};
    wrap(x, ends);
    begin_with(x, ends);
    hear_ticket(x);
}

static void end(struct both *x)
{
    stream_close(&x->a.stream);
    stream_close(&x->b.stream);
    buf_fini(&x->a.got);
    buf_fini(&x->b.got);
    certs_free(&x->certs);
    loop_free(&x->loop);
}

typedef void begin_fn(struct both *x);

static void pair_plain(struct both *x)
{
    begin_pair(x, NULL);
}

static void pair_bytes(struct both *x)
{
    begin_pair(x, &byte_by_byte);
}

static void tls_plain(struct both *x)
{
    begin_tls(x, NULL);
}

static void tls_bytes(struct both *x)
{
    begin_tls(x, &byte_by_byte);
}

static void tls_crumbs(struct both *x)
{
    begin_tls(x, &crumbs);
}

/* The suite: each promise of stream.h once. */

static void bytes_keep_their_order_both_ways(begin_fn *begin)
{
    char *sent = mem_new(BIG);
    struct both x;

    begin(&x);
    for (size_t i = 0; i < BIG; i++)
        sent[i] = (char)(i * 131 >> 3);
    x.a.send = slice_of(sent, BIG);
    x.b.send = slice_of(sent + 1000, 1000);
    x.a.room = 4096;
    x.b.room = 4096;
    x.a.then_shut = true;
    stream_want(x.a.stream, STREAM_READ | STREAM_WRITE);
    stream_want(x.b.stream, STREAM_READ | STREAM_WRITE);
    for (int i = 0; i < 20 * BIG && x.b.ended == ERR_OK; i++)
        loop_turn(x.loop, false);
    CHECK_ERR(ERR_CLOSED, x.b.ended);
    CHECK_SLICE(slice_of(sent, BIG), buf_slice(&x.b.got));
    CHECK_SLICE(slice_of(sent + 1000, 1000), buf_slice(&x.a.got));
    end(&x);
    mem_free(sent);
}

static void a_reader_with_nothing_is_told_again(begin_fn *begin)
{
    struct both x;
    char into[8];
    size_t got;

    begin(&x);
    CHECK_ERR(ERR_AGAIN, stream_read(x.a.stream, into, sizeof(into), &got));
    stream_want(x.a.stream, STREAM_READ);
    turns(&x, 5);
    CHECK_INT(1, x.a.count); /* STREAM_OPEN and no more */
    end(&x);
}

static void a_writer_is_told_again_when_nobody_reads(begin_fn *begin)
{
    struct both x;
    static const char zeros[65536];
    size_t took, i = 0;
    enum err e = ERR_OK;

    begin(&x);
    for (; i < 10000 && e == ERR_OK; i++)
        e = stream_write(x.a.stream, slice_of(zeros, sizeof(zeros)), &took);
    CHECK_ERR(ERR_AGAIN, e);
    CHECK(i > 1);
    stream_want(x.a.stream, STREAM_WRITE);
    turns(&x, 5);
    CHECK_INT(STREAM_OPEN, x.a.last);
    x.b.room = 4096;
    stream_want(x.b.stream, STREAM_READ);
    for (i = 0; i < 100000 && x.a.last == STREAM_OPEN; i++)
        loop_turn(x.loop, false);
    CHECK_INT(STREAM_WRITE, x.a.last);
    end(&x);
}

static void send_hello(struct both *x)
{
    x->a.send = SLICE("hello");
    stream_want(x->a.stream, STREAM_WRITE);
    turns(x, 200);
    CHECK_INT(0, x->a.send.len);
}

/* Part of a TLS record makes an event and gives no byte: look again after the next one. */
static enum err read_in_the_end(struct both *x, char *c)
{
    enum err e = ERR_AGAIN;
    size_t got;

    for (int i = 0; i < TURNS && e == ERR_AGAIN; i++) {
        e = stream_read(x->b.stream, c, 1, &got);
        if (e == ERR_AGAIN)
            loop_turn(x->loop, false);
    }
    return e;
}

/* Reading one byte a turn: what is left inside must go on making events. */
static void an_event_comes_again_every_turn_while_bytes_wait(begin_fn *begin)
{
    struct both x;
    char c;
    size_t got;

    begin(&x);
    send_hello(&x);
    CHECK_INT(1, x.b.count);
    stream_want(x.b.stream, STREAM_READ);
    turns(&x, 20);
    CHECK(x.b.count > 10);
    for (int i = 0; i < 5; i++) {
        unsigned before = x.b.count;
        turns(&x, 200);
        CHECK(x.b.count >= before + 100);
        CHECK_ERR(ERR_OK, read_in_the_end(&x, &c));
        CHECK_INT("hello"[i], c);
    }
    turns(&x, 5); /* a look that finds nothing, at most */
    CHECK_ERR(ERR_AGAIN, stream_read(x.b.stream, &c, 1, &got));
    unsigned before = x.b.count;
    turns(&x, 5);
    CHECK_INT(before, x.b.count);
    end(&x);
}

static void who_wants_nothing_hears_nothing(begin_fn *begin)
{
    struct both x;

    begin(&x);
    send_hello(&x);
    CHECK_INT(1, x.b.count);
    stream_want(x.b.stream, STREAM_READ);
    turns(&x, 5);
    CHECK(x.b.count > 1);
    stream_want(x.b.stream, 0);
    unsigned before = x.b.count;
    turns(&x, 5);
    CHECK_INT(before, x.b.count);
    end(&x);
}

static void one_half_ends_and_the_other_goes_on(begin_fn *begin)
{
    struct both x;
    size_t took;

    begin(&x);
    x.a.then_shut = true;
    send_hello(&x);
    x.b.room = 4096;
    stream_want(x.b.stream, STREAM_READ);
    turns(&x, 200);
    CHECK_TEXT("hello", buf_slice(&x.b.got));
    CHECK_ERR(ERR_CLOSED, x.b.ended);
    CHECK_ERR(ERR_IO, stream_write(x.a.stream, SLICE("more"), &took));
    x.a.room = 4096;
    stream_want(x.a.stream, STREAM_READ);
    x.b.send = SLICE("goodbye");
    x.b.then_shut = true;
    stream_want(x.b.stream, STREAM_WRITE);
    turns(&x, 200);
    CHECK_TEXT("goodbye", buf_slice(&x.a.got));
    CHECK_ERR(ERR_CLOSED, x.a.ended);
    end(&x);
}

static void closing_inside_an_event_is_the_last_event(begin_fn *begin)
{
    struct both x;

    begin(&x);
    send_hello(&x);
    x.b.close_on_event = true;
    stream_want(x.b.stream, STREAM_READ | STREAM_WRITE);
    turns(&x, 5);
    CHECK_INT(2, x.b.count);
    CHECK(x.b.stream == NULL);
    x.a.room = 4096;
    stream_want(x.a.stream, STREAM_READ);
    turns(&x, 5);
    CHECK(x.a.ended == ERR_CLOSED || x.a.ended == ERR_PEER); /* PEER where an end must be said */
    end(&x);
}

#define SUITE(kind, begin)                                       \
    TEST(kind##_bytes_keep_their_order_both_ways)                \
    {                                                            \
        bytes_keep_their_order_both_ways(begin);                 \
    }                                                            \
    TEST(kind##_a_reader_with_nothing_is_told_again)             \
    {                                                            \
        a_reader_with_nothing_is_told_again(begin);              \
    }                                                            \
    TEST(kind##_a_writer_is_told_again_when_nobody_reads)        \
    {                                                            \
        a_writer_is_told_again_when_nobody_reads(begin);         \
    }                                                            \
    TEST(kind##_an_event_comes_again_every_turn)                 \
    {                                                            \
        an_event_comes_again_every_turn_while_bytes_wait(begin); \
    }                                                            \
    TEST(kind##_who_wants_nothing_hears_nothing)                 \
    {                                                            \
        who_wants_nothing_hears_nothing(begin);                  \
    }                                                            \
    TEST(kind##_one_half_ends_and_the_other_goes_on)             \
    {                                                            \
        one_half_ends_and_the_other_goes_on(begin);              \
    }                                                            \
    TEST(kind##_closing_inside_an_event_is_the_last_event)       \
    {                                                            \
        closing_inside_an_event_is_the_last_event(begin);        \
    }

#define SUITE_RUN(kind)                                        \
    TESTS_RUN(kind##_bytes_keep_their_order_both_ways)         \
    TESTS_RUN(kind##_a_reader_with_nothing_is_told_again)      \
    TESTS_RUN(kind##_a_writer_is_told_again_when_nobody_reads) \
    TESTS_RUN(kind##_an_event_comes_again_every_turn)          \
    TESTS_RUN(kind##_who_wants_nothing_hears_nothing)          \
    TESTS_RUN(kind##_one_half_ends_and_the_other_goes_on)      \
    TESTS_RUN(kind##_closing_inside_an_event_is_the_last_event)

SUITE(pair, pair_plain)
SUITE(pair_byte_by_byte, pair_bytes)
SUITE(fd, begin_fd)
SUITE(tls, tls_plain)
SUITE(tls_byte_by_byte, tls_bytes)
SUITE(tls_in_crumbs, tls_crumbs)
SUITE(tls_over_fd, begin_tls_fd)

TEST(a_refused_connection_breaks_with_its_reason)
{
    struct loop *l = loop_new();
    struct sock_addr a;
    const char *why;
    struct side s;
    int fd, out;

    CHECK_ERR(ERR_OK, sock_parse(SLICE("127.0.0.1:0"), &a, &why));
    CHECK_ERR(ERR_OK, sock_listen(&a, &fd));
    CHECK_ERR(ERR_OK, sock_local(fd, &a));
    close(fd);
    CHECK_ERR(ERR_OK, sock_connect(&a, &out));
    side_init(&s, l, stream_fd_new(l, out, true));
    stream_want(s.stream, STREAM_READ | STREAM_WRITE);
    for (int i = 0; i < TURNS && s.count == 0; i++)
        loop_turn(l, false);
    loop_turn(l, false);
    CHECK_INT(1, s.count);
    CHECK_INT(STREAM_BROKEN, s.last);
    CHECK_TEXT("connection refused", slice_str(stream_fault(s.stream)));
    stream_close(&s.stream);
    loop_free(&l);
}

TEST(a_cut_wire_reads_as_the_peers_fault)
{
    struct both x;

    begin_pair(&x, NULL);
    send_hello(&x);
    pair_cut(x.a.stream);
    x.b.room = 4096;
    stream_want(x.b.stream, STREAM_READ);
    turns(&x, 5);
    CHECK_TEXT("hello", buf_slice(&x.b.got));
    CHECK_ERR(ERR_PEER, x.b.ended);
    end(&x);
}

TESTS_BEGIN()
SUITE_RUN(pair)
SUITE_RUN(pair_byte_by_byte)
SUITE_RUN(fd)
SUITE_RUN(tls)
SUITE_RUN(tls_byte_by_byte)
SUITE_RUN(tls_in_crumbs)
SUITE_RUN(tls_over_fd)
TESTS_RUN(a_refused_connection_breaks_with_its_reason)
TESTS_RUN(a_cut_wire_reads_as_the_peers_fault)
TESTS_END()
