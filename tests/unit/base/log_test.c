#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/kit/t.h"

/* 2026-11-23T23:31:11.042Z */
static struct now_hand hand;
static struct now clock_by_hand;
static int ends[2];
static char seen[1 << 16];

static void begin(bool json)
{
    hand = (struct now_hand){.mono = 5000000, .wall = INT64_C(1795476671042000)};
    clock_by_hand = now_by_hand(&hand);
    CHECK_INT(0, pipe2(ends, O_NONBLOCK));
    log_open(
        &(struct log_conf){.fd = ends[1], .level = LOG_INFO, .json = json, .program = "proxy", .now = &clock_by_hand});
}

static struct slice read_lines(void)
{
    ssize_t n = read(ends[0], seen, sizeof(seen));
    return n > 0 ? slice_of(seen, (size_t)n) : (struct slice){0};
}

static void end(void)
{
    close(ends[0]);
    close(ends[1]);
    log_open(&(struct log_conf){.fd = STDERR_FILENO, .level = LOG_INFO, .program = "weft"});
}

static size_t count_lines(struct slice lines)
{
    size_t count = 0;
    struct slice line;
    while (slice_split(&lines, '\n', &line))
        count++;
    return count;
}

TEST(an_event_is_one_line_of_text)
{
    begin(false);
    log_event(LOG_WARN, "peer-refused", LOG_STR("peer", "10.0.0.7:4812"), LOG_STR("why", "no certificate"),
              LOG_INT("attempt", -3));
    CHECK_TEXT("2026-11-23T23:31:11.042Z warn proxy peer-refused peer=\"10.0.0.7:4812\" why=\"no certificate\" "
               "attempt=-3\n",
               read_lines());
    end();
}

TEST(an_event_is_one_json_object)
{
    begin(true);
    log_event(LOG_ERROR, "store-failed", LOG_TEXT("path", SLICE("a\"\n\xff")), LOG_INT("errno", 28));
    CHECK_TEXT("{\"time\":\"2026-11-23T23:31:11.042Z\",\"level\":\"error\",\"program\":\"proxy\","
               "\"event\":\"store-failed\",\"path\":\"a\\\"\\n\xef\xbf\xbd\",\"errno\":28}\n",
               read_lines());
    end();
}

TEST(a_value_cannot_end_its_line_or_forge_a_field)
{
    begin(false);
    log_event(LOG_INFO, "odd", LOG_STR("path", "x\" why=\"none\\\n\x1b[2J"));
    CHECK_TEXT("2026-11-23T23:31:11.042Z info proxy odd path=\"x\\\" why=\\\"none\\\\\\x0a\\x1b[2J\"\n", read_lines());
    end();
}

TEST(a_value_over_1024_bytes_is_cut)
{
    static char text[2000];
    memset(text, 'x', sizeof(text));
    begin(false);
    log_event(LOG_INFO, "odd", LOG_TEXT("t", slice_of(text, 1024)));
    CHECK_INT(39 + 4 + 1024 + 2, read_lines().len);
    log_event(LOG_INFO, "odd", LOG_TEXT("t", slice_of(text, 1025)));
    CHECK_INT(39 + 4 + 1024 + 5, read_lines().len);
    end();
}

TEST(levels_below_the_one_asked_for_are_silent)
{
    enum log_level level = LOG_ERROR;
    begin(false);
    log_event(LOG_DEBUG, "turn", LOG_INT("n", 1));
    CHECK_INT(0, read_lines().len);
    CHECK(log_level_parse(SLICE("debug"), &level));
    log_set_level(level);
    log_event(LOG_DEBUG, "turn", LOG_INT("n", 1));
    CHECK_TEXT("2026-11-23T23:31:11.042Z debug proxy turn n=1\n", read_lines());
    CHECK(!log_level_parse(SLICE("loud"), &level));
    CHECK_INT(LOG_DEBUG, level);
    end();
}

TEST(the_same_event_more_than_20_times_a_second_is_counted_and_said_once)
{
    begin(false);
    for (int i = 0; i < 50; i++)
        log_event(LOG_INFO, "flood", LOG_INT("n", i));
    CHECK_INT(20, count_lines(read_lines()));
    log_event(LOG_INFO, "calm", LOG_INT("n", 1));
    CHECK_INT(1, count_lines(read_lines()));
    hand.mono += 999999;
    log_event(LOG_INFO, "flood", LOG_INT("n", 50));
    CHECK_INT(0, read_lines().len);
    hand.mono += 1;
    log_event(LOG_INFO, "calm", LOG_INT("n", 2));
    CHECK_TEXT("2026-11-23T23:31:11.042Z warn proxy log-suppressed suppressed=\"flood\" count=31\n"
               "2026-11-23T23:31:11.042Z info proxy calm n=2\n",
               read_lines());
    log_event(LOG_INFO, "flood", LOG_INT("n", 51));
    CHECK_TEXT("2026-11-23T23:31:11.042Z info proxy flood n=51\n", read_lines());
    end();
}

TEST(a_log_nobody_can_write_to_loses_its_lines_only)
{
    begin(false);
    close(ends[1]);
    ends[1] = open("/dev/full", O_WRONLY);
    log_event(LOG_INFO, "lost", LOG_INT("n", 1));
    CHECK_INT(0, read_lines().len);
    end();
}

TESTS_BEGIN()
TESTS_RUN(an_event_is_one_line_of_text)
TESTS_RUN(an_event_is_one_json_object)
TESTS_RUN(a_value_cannot_end_its_line_or_forge_a_field)
TESTS_RUN(a_value_over_1024_bytes_is_cut)
TESTS_RUN(levels_below_the_one_asked_for_are_silent)
TESTS_RUN(the_same_event_more_than_20_times_a_second_is_counted_and_said_once)
TESTS_RUN(a_log_nobody_can_write_to_loses_its_lines_only)
TESTS_END()
