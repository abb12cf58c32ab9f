#include "base/lookup.h"

#include <sched.h>

#include "tests/kit/t.h"

static struct loop *loop;
static struct due_clock *clock_;
static struct lookup *resolve;

struct heard {
    unsigned calls;
    enum err e;
    size_t count;
    int64_t ttl_us;
    char first[64];
};

static void on_answer(void *arg, enum err e, const struct sock_addr *addresses, size_t count, int64_t ttl_us,
                      const char *why)
{
    struct heard *h = arg;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    CHECK(why != NULL);
    h->calls++;
    h->e = e;
    h->count = count;
    h->ttl_us = ttl_us;
    if (count > 0)
        sock_print(&addresses[0], &text);
    memcpy(h->first, buf_len(&text) ? buf_slice(&text).at : "", buf_len(&text));
    h->first[buf_len(&text)] = '\0';
    buf_fini(&text);
}

static void begin(const char *servers)
{
    const char *why = "";
    loop = loop_new();
    clock_ = due_clock_new(loop);
    resolve = lookup_new(loop, clock_, servers, &why);
    CHECK(resolve != NULL);
}

static void end(void)
{
    lookup_free(&resolve);
    due_clock_free(&clock_);
    loop_free(&loop);
}

static void ask(const char *name, struct heard *h)
{
    *h = (struct heard){0};
    (void)lookup_start(resolve, slice_str(name), on_answer, h);
    CHECK_INT(0, h->calls); /* never inside the call */
    while (h->calls == 0) {
        loop_turn(loop, false);
        (void)sched_yield();
    }
    CHECK_INT(1, h->calls);
}

TEST(names_have_a_port_or_are_services)
{
    static const char *const good[] = {"a:1", "stock.shop.svc:4743", "_weft._tcp.stock.shop.svc", "10.0.0.1:80"};
    static const char *const bad[] = {"", "a", "a:", "a:0", "a:65536", ":80", "a b:1", "_weft", "a/b:1", "a:b:1"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CHECK(lookup_name_ok(slice_str(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!lookup_name_ok(slice_str(bad[i])));
}

TEST(what_the_files_know_needs_no_server)
{
    struct heard h;
    begin("127.0.0.1:9");
    ask("localhost:4743", &h);
    CHECK_ERR(ERR_OK, h.e);
    CHECK(h.count >= 1);
    CHECK(slice_ends(slice_str(h.first), SLICE(":4743")));
    CHECK_INT(30 * NOW_US_PER_S, h.ttl_us);
    end();
}

TEST(a_number_is_its_own_address)
{
    struct heard h;
    begin("127.0.0.1:9");
    ask("192.0.2.7:80", &h);
    CHECK_ERR(ERR_OK, h.e);
    CHECK_INT(1, h.count);
    CHECK_TEXT("192.0.2.7:80", slice_str(h.first));
    end();
}

TEST(a_server_that_is_not_there_is_no_answer)
{
    struct heard h;
    begin("127.0.0.1:9");
    ask("nobody.example:80", &h);
    CHECK_ERR(ERR_IO, h.e);
    ask("_weft._tcp.nobody.example", &h);
    CHECK_ERR(ERR_IO, h.e);
    end();
}

TEST(who_does_not_wait_any_more_is_not_called)
{
    struct heard h = {0};
    begin("127.0.0.1:9");
    struct lookup_ask *a = lookup_start(resolve, SLICE("192.0.2.7:80"), on_answer, &h);
    lookup_cancel(&a);
    CHECK(!a);
    for (int i = 0; i < 20; i++)
        loop_turn(loop, false);
    CHECK_INT(0, h.calls);
    (void)lookup_start(resolve, SLICE("nobody.example:80"), on_answer, &h);
    end(); /* with one under way */
    CHECK_INT(0, h.calls);
}

TESTS_BEGIN()
TESTS_RUN(names_have_a_port_or_are_services)
TESTS_RUN(what_the_files_know_needs_no_server)
TESTS_RUN(a_number_is_its_own_address)
TESTS_RUN(a_server_that_is_not_there_is_no_answer)
TESTS_RUN(who_does_not_wait_any_more_is_not_called)
TESTS_END()
