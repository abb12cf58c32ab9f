#include "proxy/access_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/kit/t.h"

static struct loop *loop;
static struct access_log *log_;
static char path[64];

static void begin(void)
{
    (void)snprintf(path, sizeof(path), "/tmp/access_log_test.%d", (int)getpid());
    (void)unlink(path);
    loop = loop_new();
    CHECK_ERR(ERR_OK, access_log_open(loop, path, NULL, &log_));
}

static void read_back(struct buf *out)
{
    access_log_close(&log_);
    loop_free(&loop);
    buf_init(out, BUF_TEXT_BOUND);
    CHECK_ERR(ERR_OK, file_read(path, out));
    (void)unlink(path);
}

static const struct access_log_line plain = {
    .wall_us = INT64_C(1795477871042000),
    .duration_us = 1234,
    .inbound = true,
    .id = {"id-1", 4},
    .method = {"GET", 3},
    .path = {"/orders/7?x=\"", 13},
    .status = 200,
    .bytes_in = 5,
    .bytes_out = 7,
};

TEST(an_exchange_is_one_json_line_without_what_there_was_not)
{
    struct buf text;
    begin();
    access_log_add(log_, &plain);
    read_back(&text);
    CHECK_TEXT("{\"time\":\"2026-11-23T23:51:11.042Z\",\"direction\":\"inbound\",\"id\":\"id-1\",\"method\":\"GET\","
               "\"path\":\"/orders/7?x=\\\"\",\"status\":200,\"us\":1234,\"bytes_in\":5,\"bytes_out\":7}\n",
               buf_slice(&text));
    buf_fini(&text);
}

TEST(peer_operation_error_verdict_and_plan_are_named_when_there_are)
{
    struct buf text;
    struct access_log_line line = plain;
    line.inbound = false;
    line.peer = SLICE("spiffe://example.org/web");
    line.service = SLICE("orders");
    line.operation = SLICE("get");
    line.error = SLICE("contract-mismatch");
    line.verdict = SLICE("breaking");
    line.plan = SLICE("rename,default");
    begin();
    access_log_add(log_, &line);
    read_back(&text);
    static const char *const parts[] = {"\"direction\":\"outbound\"",      "\"peer\":\"spiffe://example.org/web\"",
                                        "\"service\":\"orders\"",          "\"operation\":\"get\"",
                                        "\"error\":\"contract-mismatch\"", "\"verdict\":\"breaking\"",
                                        "\"plan\":\"rename,default\""};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        CHECK(slice_has(buf_slice(&text), slice_str(parts[i])));
    buf_fini(&text);
}

TEST(closing_writes_what_waits_in_order)
{
    struct buf text;
    char id[16];
    begin();
    for (int i = 0; i < 1000; i++) {
        struct access_log_line line = plain;
        (void)snprintf(id, sizeof(id), "id-%d", i);
        line.id = slice_str(id);
        access_log_add(log_, &line);
        if (i % 100 == 0)
            loop_turn(loop, false);
    }
    CHECK_INT(0, access_log_dropped(log_));
    read_back(&text);
    struct slice rest = buf_slice(&text), one;
    int lines = 0;
    while (slice_split(&rest, '\n', &one)) {
        char part[32];
        (void)snprintf(part, sizeof(part), "\"id\":\"id-%d\"", lines++);
        CHECK(slice_has(one, slice_str(part)));
    }
    CHECK_INT(1000, lines);
    buf_fini(&text);
}

/* Control characters become six bytes each: the worst that a peer can send. */
TEST(past_four_mebibytes_lines_are_dropped_and_counted)
{
    static char bytes[1024];
    struct buf text;
    struct access_log_line line = plain;
    uint64_t added = 3000, lines = 0;
    memset(bytes, 1, sizeof(bytes));
    line.path = slice_of(bytes, sizeof(bytes));
    line.id = slice_of(bytes, 64);
    begin();
    for (uint64_t i = 0; i < added; i++)
        access_log_add(log_, &line); /* no turn of the loop: only the first is being written */
    uint64_t dropped = access_log_dropped(log_);
    CHECK(dropped > 0);
    read_back(&text);
    for (size_t i = 0; i < buf_len(&text); i++)
        lines += buf_slice(&text).at[i] == '\n';
    CHECK_INT(added, lines + dropped);
    CHECK(buf_len(&text) > (4 << 20) - 8192 && buf_len(&text) < (4 << 20) + 8192);
    buf_fini(&text);
}

TEST(a_file_that_cannot_be_opened_says_why)
{
    loop = loop_new();
    CHECK_ERR(ERR_IO, access_log_open(loop, "/no/such/folder/x", NULL, &log_));
    CHECK_INT(ENOENT, errno);
    loop_free(&loop);
}

TESTS_BEGIN()
TESTS_RUN(an_exchange_is_one_json_line_without_what_there_was_not)
TESTS_RUN(peer_operation_error_verdict_and_plan_are_named_when_there_are)
TESTS_RUN(closing_writes_what_waits_in_order)
TESTS_RUN(past_four_mebibytes_lines_are_dropped_and_counted)
TESTS_RUN(a_file_that_cannot_be_opened_says_why)
TESTS_END()
