#include "proxy/access_log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/kit/t.h"

static struct now_hand hand;
static struct loop *loop;
static struct due_clock *due_clock;
static struct access_log *log_;
static char path[64];

static enum err open_at(const char *where)
{
    struct now now = now_by_hand(&hand);
    hand = (struct now_hand){.mono = 1000};
    loop = loop_new_by(&now);
    due_clock = due_clock_new(loop);
    return access_log_open(&(struct access_log_conf){.loop = loop, .clock = due_clock, .path = where}, &log_);
}

static void begin(void)
{
    (void)snprintf(path, sizeof(path), "/tmp/access_log_test.%d", (int)getpid());
    (void)unlink(path);
    CHECK_ERR(ERR_OK, open_at(path));
}

static void end(void)
{
    access_log_close(&log_);
    due_clock_free(&due_clock);
    loop_free(&loop);
}

static void read_back(struct buf *out)
{
    end();
    buf_init(out, BUF_TEXT_BOUND);
    CHECK_ERR(ERR_OK, file_read(path, out));
    (void)unlink(path);
}

static size_t lines_in(const char *file)
{
    struct buf text;
    size_t lines = 0;
    buf_init(&text, BUF_TEXT_BOUND);
    if (file_read(file, &text) == ERR_OK)
        for (size_t i = 0; i < buf_len(&text); i++)
            lines += buf_slice(&text).at[i] == '\n';
    buf_fini(&text);
    return lines;
}

static void turn_after(int64_t us)
{
    hand.mono += us;
    loop_turn(loop, false);
}

/* The thread has written what it was given, and the loop knows. */
static void await_lines(const char *file, size_t lines)
{
    while (lines_in(file) < lines)
        loop_turn(loop, true);
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
        access_log_add(log_, &line); /* no turn of the loop: only the first batch is being written */
    uint64_t dropped = access_log_dropped(log_);
    CHECK(dropped > 0);
    read_back(&text);
    for (size_t i = 0; i < buf_len(&text); i++)
        lines += buf_slice(&text).at[i] == '\n';
    CHECK_INT(added, lines + dropped);
    CHECK(buf_len(&text) > (4 << 20) - 8192 && buf_len(&text) < (4 << 20) + (64 << 10));
    buf_fini(&text);
}

TEST(a_file_that_cannot_be_opened_says_why)
{
    CHECK_ERR(ERR_IO, open_at("/no/such/folder/x"));
    CHECK_INT(ENOENT, errno);
    due_clock_free(&due_clock);
    loop_free(&loop);
}

TEST(lines_are_handed_over_100_ms_after_the_first_of_them)
{
    begin();
    access_log_add(log_, &plain);
    turn_after(60000);
    access_log_add(log_, &plain);
    turn_after(39999);
    CHECK_INT(0, lines_in(path));
    turn_after(1);
    await_lines(path, 2);
    CHECK_INT(2, lines_in(path));
    end();
    (void)unlink(path);
}

/* 159 bytes a line: 310 of them are the first to reach 48 KiB. */
TEST(lines_are_handed_over_once_there_are_48_kib_of_them)
{
    begin();
    for (int i = 0; i < 309; i++)
        access_log_add(log_, &plain);
    turn_after(0);
    CHECK_INT(0, lines_in(path));
    access_log_add(log_, &plain);
    access_log_add(log_, &plain);
    await_lines(path, 310);
    CHECK_INT(310, lines_in(path));
    end();
    CHECK_INT(311, lines_in(path));
    (void)unlink(path);
}

TEST(a_file_that_was_moved_away_is_made_anew)
{
    char moved[80];
    begin();
    (void)snprintf(moved, sizeof(moved), "%s.1", path);
    access_log_add(log_, &plain);
    turn_after(100000);
    await_lines(path, 1);
    CHECK_INT(0, rename(path, moved));
    access_log_add(log_, &plain);
    access_log_add(log_, &plain);
    end();
    CHECK_INT(1, lines_in(moved));
    CHECK_INT(2, lines_in(path));
    (void)unlink(moved);
    (void)unlink(path);
}

TEST(times_are_spelled_anew_for_each_millisecond)
{
    struct buf text;
    struct access_log_line line = plain;
    begin();
    access_log_add(log_, &line);
    line.wall_us += 999;
    access_log_add(log_, &line);
    line.wall_us += 1;
    access_log_add(log_, &line);
    read_back(&text);
    struct slice rest = buf_slice(&text), one;
    static const char *const times[] = {".042Z", ".042Z", ".043Z"};
    for (size_t i = 0; i < 3; i++) {
        CHECK(slice_split(&rest, '\n', &one));
        CHECK(slice_has(one, slice_str(times[i])));
    }
    buf_fini(&text);
}

/* /dev/full takes nothing: what it did not take is counted, and the sidecar goes on. */
TEST(lines_that_cannot_be_written_are_counted)
{
    CHECK_ERR(ERR_OK, open_at("/dev/full"));
    for (int i = 0; i < 3; i++)
        access_log_add(log_, &plain);
    turn_after(100000);
    while (access_log_dropped(log_) == 0)
        loop_turn(loop, true);
    CHECK_INT(3, access_log_dropped(log_));
    end();
}

/* A file may have no more than one line and a half, as on a disk that is full, and later it may: what was broken off
 * stays one broken line. */
TEST(a_line_that_a_full_disk_breaks_off_spoils_no_other)
{
    struct rlimit before, little;
    struct buf text;
    CHECK_INT(0, getrlimit(RLIMIT_FSIZE, &before));
    little = before;
    little.rlim_cur = 240;
    void (*heard)(int) = signal(SIGXFSZ, SIG_IGN);
    begin();
    for (int i = 0; i < 3; i++)
        access_log_add(log_, &plain);
    CHECK_INT(0, setrlimit(RLIMIT_FSIZE, &little));
    turn_after(100000);
    while (access_log_dropped(log_) == 0)
        loop_turn(loop, true);
    CHECK_INT(0, setrlimit(RLIMIT_FSIZE, &before));
    CHECK_INT(2, access_log_dropped(log_));
    access_log_add(log_, &plain);
    read_back(&text);
    struct slice rest = buf_slice(&text), lines[4];
    for (size_t i = 0; i < 3; i++)
        CHECK(slice_split(&rest, '\n', &lines[i]));
    CHECK_INT(0, rest.len);
    CHECK_INT(158, lines[0].len);
    CHECK_SLICE(slice_to(lines[0], 81), lines[1]);
    CHECK_SLICE(lines[0], lines[2]);
    (void)signal(SIGXFSZ, heard);
    buf_fini(&text);
}

TESTS_BEGIN()
TESTS_RUN(a_line_that_a_full_disk_breaks_off_spoils_no_other)
TESTS_RUN(an_exchange_is_one_json_line_without_what_there_was_not)
TESTS_RUN(peer_operation_error_verdict_and_plan_are_named_when_there_are)
TESTS_RUN(closing_writes_what_waits_in_order)
TESTS_RUN(past_four_mebibytes_lines_are_dropped_and_counted)
TESTS_RUN(a_file_that_cannot_be_opened_says_why)
TESTS_RUN(lines_are_handed_over_100_ms_after_the_first_of_them)
TESTS_RUN(lines_are_handed_over_once_there_are_48_kib_of_them)
TESTS_RUN(a_file_that_was_moved_away_is_made_anew)
TESTS_RUN(times_are_spelled_anew_for_each_millisecond)
TESTS_RUN(lines_that_cannot_be_written_are_counted)
TESTS_END()
