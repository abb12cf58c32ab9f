#include "proxy/lane.h"

#include "tests/kit/caller.h"
#include "tests/kit/t.h"

enum { LOW = TRANSIT_LOW_WATER };

static struct loop *loop;
static struct caller from, to;
static struct lane lane;
static enum err fed;
static char bytes[1 << 20];

static void on_data(struct transit *t, struct slice more)
{
    (void)t;
    fed = lane_data(&lane, more);
}

static void on_end(struct transit *t)
{
    (void)t;
    fed = lane_end(&lane);
}

static void on_sent(struct transit *t)
{
    (void)t;
    lane_pump(&lane);
}

static void on_gone(struct transit *t, enum transit_end how)
{
    (void)how;
    transit_free(&t);
}

static const struct transit_owner owner = {.data = on_data, .end = on_end, .sent = on_sent, .gone = on_gone};

static void begin(struct plan *plan, size_t max_hold)
{
    loop = loop_new();
    caller_init(&from, loop, "POST", "/");
    caller_init(&to, loop, "POST", "/");
    from.t->owner = to.t->owner = &owner;
    to.slow = true;
    to.t->out.status = 200;
    fed = ERR_OK;
    lane_init(&lane, from.t, plan, max_hold, true);
    caller_head(&from, false);
}

static void open_lane(void)
{
    CHECK_ERR(ERR_OK, transit_head(to.t, false));
    lane_open(&lane, to.t);
}

static void end(void)
{
    lane_fini(&lane);
    caller_leave(&from);
    caller_leave(&to);
    for (int i = 0; i < 3; i++)
        loop_turn(loop, false);
    caller_fini(&from);
    caller_fini(&to);
    loop_free(&loop);
}

static struct plan *rename_plan(void)
{
    struct plan *p = plan_new();
    struct plan_step step = {.op = PLAN_RENAME, .path = SLICE("/"), .from = SLICE("qty"), .to = SLICE("quantity")};
    plan_add(p, &step);
    return p;
}

TEST(bytes_pass_as_they_come_and_their_room_is_given_back)
{
    begin(NULL, 0);
    CHECK(lane_ready(&lane));
    open_lane();
    caller_say(&from, SLICE("one"));
    CHECK_TEXT("one", buf_slice(&to.t->body));
    CHECK_INT(3, from.credited);
    caller_say(&from, SLICE("two"));
    caller_end(&from);
    CHECK(to.t->out_ended);
    caller_take(&to, SIZE_MAX);
    CHECK_TEXT("onetwo", buf_slice(&to.body));
    end();
}

TEST(what_was_held_lies_in_memory_that_the_transit_keeps)
{
    begin(NULL, 0);
    open_lane();
    caller_say(&from, SLICE("one"));
    CHECK_TEXT("one", buf_slice(&lane.held));
    char *mem = lane.held.mem;
    CHECK(from.t->spare.mem == NULL);
    lane_fini(&lane);
    CHECK(from.t->spare.mem == mem);
    lane_init(&lane, from.t, NULL, 0, true);
    CHECK(lane.held.mem == mem && from.t->spare.mem == NULL);
    CHECK_INT(0, buf_len(&lane.held));
    end();
}

TEST(a_reader_that_takes_nothing_stops_the_writer_at_the_low_water)
{
    begin(NULL, 0);
    open_lane();
    caller_say(&from, slice_of(bytes, LOW - 1));
    CHECK_INT(LOW - 1, from.credited);
    caller_say(&from, slice_of(bytes, TRANSIT_WINDOW));
    CHECK_INT(LOW - 1, from.credited); /* a whole window is owed: the writer rests */
    CHECK_INT(LOW - 1 + TRANSIT_WINDOW, buf_len(&to.t->body));
    caller_take(&to, TRANSIT_WINDOW - 1);
    CHECK_INT(LOW, buf_len(&to.t->body));
    CHECK_INT(LOW - 1, from.credited);
    caller_take(&to, 1);
    CHECK_INT(LOW - 1 + TRANSIT_WINDOW, from.credited);
    end();
}

TEST(what_comes_before_the_lane_is_open_waits_in_order)
{
    begin(NULL, 0);
    caller_say(&from, SLICE("a"));
    caller_say(&from, SLICE("b"));
    CHECK_INT(0, from.credited);
    open_lane();
    caller_say(&from, SLICE("c"));
    CHECK_TEXT("abc", buf_slice(&to.t->body));
    CHECK_INT(3, from.credited);
    end();
}

TEST(an_empty_body_is_known_to_be_empty_once_it_has_ended)
{
    begin(NULL, 0);
    CHECK(!lane_empty(&lane));
    caller_end(&from);
    CHECK(lane_empty(&lane));
    end();
}

TEST(trailers_follow_the_body)
{
    begin(NULL, 0);
    open_lane();
    CHECK_ERR(ERR_OK, headers_add(&from.t->in.trailers, SLICE("x-sum"), SLICE("7")));
    caller_end(&from);
    CHECK_INT(1, to.t->out.trailers.count);
    caller_take(&to, SIZE_MAX);
    CHECK(caller_heard(&to, "x-sum: 7"));
    end();
}

TEST(a_small_rewritten_body_goes_on_whole_or_not_at_all)
{
    struct plan *p = rename_plan();
    begin(p, 64 << 10);
    caller_say(&from, SLICE("{\"qty\":7"));
    CHECK(!lane_ready(&lane));
    CHECK_INT(8, from.credited);
    caller_say(&from, SLICE("}"));
    caller_end(&from);
    CHECK(lane_ready(&lane));
    open_lane();
    CHECK_TEXT("{\"quantity\":7}", buf_slice(&to.t->body));
    CHECK(to.t->out_ended);
    end();
    plan_unref(&p);
}

TEST(a_rewritten_body_is_committed_at_16_kib)
{
    struct plan *p = rename_plan();
    begin(p, 64 << 10);
    caller_say(&from, SLICE("{\"list\":["));
    for (int i = 0; buf_len(&lane.pending) < LANE_COMMIT && i < LANE_COMMIT; i++) {
        CHECK(!lane_ready(&lane));
        caller_say(&from, SLICE("1,"));
        CHECK_ERR(ERR_OK, fed);
    }
    CHECK(buf_len(&lane.pending) >= LANE_COMMIT && buf_len(&lane.pending) < LANE_COMMIT + 4);
    CHECK(lane_ready(&lane));
    end();
    plan_unref(&p);
}

TEST(a_body_that_is_not_json_is_a_fault_with_its_offset)
{
    struct plan *p = rename_plan();
    struct buf why;
    begin(p, 64 << 10);
    caller_say(&from, SLICE("{\"qty\" 7}"));
    CHECK_ERR(ERR_PEER, fed);
    buf_init(&why, BUF_TEXT_BOUND);
    lane_put_fault(&lane, &why);
    CHECK(slice_ends(buf_slice(&why), SLICE(" (at byte 7)")));
    buf_fini(&why);
    end();
    plan_unref(&p);
}

TEST(a_rewritten_body_that_ends_too_early_is_a_fault)
{
    struct plan *p = rename_plan();
    begin(p, 64 << 10);
    caller_say(&from, SLICE("{\"qty\":7"));
    caller_end(&from);
    CHECK_ERR(ERR_PEER, fed);
    end();
    plan_unref(&p);
}

TEST(no_body_at_all_is_nothing_to_rewrite)
{
    struct plan *p = rename_plan();
    begin(p, 64 << 10);
    caller_end(&from);
    CHECK_ERR(ERR_OK, fed);
    CHECK(lane_ready(&lane) && lane_empty(&lane));
    end();
    plan_unref(&p);
}

TEST(a_body_of_64_kib_can_be_given_again_and_one_byte_more_cannot)
{
    begin(NULL, 0);
    open_lane();
    caller_say(&from, slice_of(bytes, LANE_HOLD));
    CHECK(lane_replayable(&lane));
    caller_say(&from, SLICE("x"));
    CHECK(!lane_replayable(&lane));
    end();
}

TEST(a_lane_that_is_rewound_gives_everything_again_and_what_is_new)
{
    struct caller again;
    begin(NULL, 0);
    open_lane();
    caller_say(&from, SLICE("first "));
    lane_rewind(&lane);
    caller_say(&from, SLICE("second"));
    caller_init(&again, loop, "POST", "/");
    again.t->owner = &owner;
    again.t->out.status = 200;
    CHECK_ERR(ERR_OK, transit_head(again.t, false));
    lane_open(&lane, again.t);
    caller_end(&from);
    CHECK_TEXT("first second", buf_slice(&again.body));
    CHECK(again.ended);
    caller_leave(&again);
    end();
    caller_fini(&again);
}

TESTS_BEGIN()
TESTS_RUN(bytes_pass_as_they_come_and_their_room_is_given_back)
TESTS_RUN(what_was_held_lies_in_memory_that_the_transit_keeps)
TESTS_RUN(a_reader_that_takes_nothing_stops_the_writer_at_the_low_water)
TESTS_RUN(what_comes_before_the_lane_is_open_waits_in_order)
TESTS_RUN(an_empty_body_is_known_to_be_empty_once_it_has_ended)
TESTS_RUN(trailers_follow_the_body)
TESTS_RUN(a_small_rewritten_body_goes_on_whole_or_not_at_all)
TESTS_RUN(a_rewritten_body_is_committed_at_16_kib)
TESTS_RUN(a_body_that_is_not_json_is_a_fault_with_its_offset)
TESTS_RUN(a_rewritten_body_that_ends_too_early_is_a_fault)
TESTS_RUN(no_body_at_all_is_nothing_to_rewrite)
TESTS_RUN(a_body_of_64_kib_can_be_given_again_and_one_byte_more_cannot)
TESTS_RUN(a_lane_that_is_rewound_gives_everything_again_and_what_is_new)
TESTS_END()
