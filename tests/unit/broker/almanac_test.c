#include "broker/almanac.h"

#include <stdio.h>

#include "broker/store_mem.h"
#include "tests/kit/t.h"

#define WEB SLICE("spiffe://example.org/web")
#define START INT64_C(1700000000000) /* 2023-11-14T22:13:20Z */

/* A desk and an almanac over the store that forgets; nobody runs what they make. */
struct world {
    struct now_hand hand;
    struct now now;
    struct loop *loop;
    struct due_clock *clock;
    struct metric_set *metrics;
    struct store *store;
    struct desk *desk;
    struct almanac *book;
    bool denied;
    unsigned accepted, answers;
    enum err answer;
};

static enum err on_assign(void *arg, uint64_t worker, const struct record_job *job)
{
    (void)arg;
    (void)worker;
    (void)job;
    return ERR_STALE;
}

static void on_event(void *arg, struct slice job, const struct record_event *event, bool last)
{
    (void)job;
    (void)last;
    ((struct world *)arg)->accepted += slice_eq(event->name, SLICE("accepted"));
}

static void on_cancel(void *arg, uint64_t worker, struct slice job, uint64_t token)
{
    (void)arg;
    (void)worker;
    (void)job;
    (void)token;
}

static bool may(void *arg, struct slice caller, struct slice service, struct slice operation)
{
    (void)caller;
    (void)service;
    (void)operation;
    return !((struct world *)arg)->denied;
}

static void note(void *arg, const struct store_answer *answer)
{
    struct world *w = arg;
    w->answers++;
    w->answer = answer->e;
}

static void note_job(void *arg, enum err e, struct slice job, bool replayed)
{
    (void)job;
    (void)replayed;
    ((struct world *)arg)->answer = e;
}

static void open_books(struct world *w)
{
    struct desk_conf desk = {
        .loop = w->loop,
        .clock = w->clock,
        .store = w->store,
        .metrics = w->metrics,
        .lease_us = 30 * NOW_US_PER_S,
        .retention_us = INT64_C(3600000) * NOW_US_PER_S,
        .bounds = {.jobs = 20},
        .assign = on_assign,
        .event = on_event,
        .cancel = on_cancel,
        .arg = w,
    };
    struct desk_service_conf service = {.name = SLICE("trainer"), .attempts = 1};
    struct recover_count found;
    w->desk = desk_new(&desk);
    desk_service(w->desk, &service);
    desk_recover(w->desk, NOW_US_PER_S, &found);
    struct almanac_conf conf = {w->loop, w->clock, w->store, w->desk, may, w};
    w->book = almanac_new(&conf);
    almanac_recover(w->book);
}

static void world_open(struct world *w)
{
    *w = (struct world){.hand = {.mono = NOW_US_PER_S, .wall = START * NOW_US_PER_MS}};
    w->now = now_by_hand(&w->hand);
    w->loop = loop_new_by(&w->now);
    w->clock = due_clock_new(w->loop);
    w->metrics = metric_set_new();
    w->store = store_mem_new(w->loop);
    open_books(w);
}

static void world_close(struct world *w)
{
    store_close(&w->store);
    almanac_free(&w->book);
    desk_free(&w->desk);
    metric_set_free(&w->metrics);
    due_clock_free(&w->clock);
    loop_free(&w->loop);
}

static void turn(struct world *w)
{
    for (int i = 0; i < 20; i++)
        loop_turn(w->loop, false);
}

static void wait_s(struct world *w, int64_t s)
{
    w->hand.mono += s * NOW_US_PER_S;
    w->hand.wall += s * NOW_US_PER_S;
    turn(w);
}

/* As kill -9 and a start `s` seconds later. */
static void restart_after(struct world *w, int64_t s)
{
    almanac_free(&w->book);
    desk_free(&w->desk);
    w->hand.mono += s * NOW_US_PER_S;
    w->hand.wall += s * NOW_US_PER_S;
    open_books(w);
    turn(w);
}

static enum err put(struct world *w, const char *name, const char *cron, enum schedule_catch_up catch_up)
{
    struct record_request request = {.method = SLICE("POST"), .path = SLICE("/train"), .body = SLICE("words")};
    struct schedule s = {.caller = WEB,
                         .name = slice_str(name),
                         .cron = slice_str(cron),
                         .service = SLICE("trainer"),
                         .catch_up = catch_up,
                         .priority = 5};
    enum err e = almanac_put(w->book, &s, &request, note, w);
    turn(w);
    return e;
}

static struct almanac_view look(struct world *w, const char *name)
{
    struct almanac_view v;
    CHECK_ERR(ERR_OK, almanac_find(w->book, WEB, slice_str(name), &v));
    return v;
}

static enum err change(struct world *w, const char *name, enum almanac_change what)
{
    enum err e = almanac_change(w->book, WEB, slice_str(name), what, note, w);
    turn(w);
    return e;
}

TEST(every_moment_makes_one_job)
{
    struct world w;
    struct record_request request;
    world_open(&w);
    CHECK_ERR(ERR_OK, put(&w, "tick", "*/5 * * * *", SCHEDULE_CATCH_ONE));
    CHECK_ERR(ERR_OK, w.answer);
    CHECK_INT(START + 100000, look(&w, "tick").next_ms); /* 22:15:00 */
    wait_s(&w, 99);
    CHECK_INT(0, w.accepted);
    wait_s(&w, 1);
    CHECK_INT(1, w.accepted);
    struct almanac_view v = look(&w, "tick");
    CHECK_INT(START + 400000, v.next_ms);
    CHECK_INT(START + 100000, v.is->last_ms);
    CHECK_INT(1, v.is->runs);
    CHECK_ERR(ERR_OK, store_read_request(w.store, v.is->last_job, &request));
    CHECK_TEXT("words", request.body);
    wait_s(&w, 300);
    CHECK_INT(2, w.accepted);
    world_close(&w);
}

TEST(a_restart_right_after_a_moment_makes_no_second_job)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, put(&w, "tick", "@every 1h", SCHEDULE_CATCH_ALL));
    w.hand.mono += INT64_C(3600) * NOW_US_PER_S;
    w.hand.wall += INT64_C(3600) * NOW_US_PER_S;
    while (w.accepted == 0)
        loop_turn(w.loop, false); /* the job is on the disk, the schedule perhaps not */
    restart_after(&w, 5);
    CHECK_INT(1, w.accepted);
    wait_s(&w, 3600);
    CHECK_INT(2, w.accepted);
    world_close(&w);
}

TEST(what_was_missed_is_caught_up_with_as_the_schedule_says)
{
    static const unsigned jobs[SCHEDULE_CATCH_UPS] = {
        [SCHEDULE_CATCH_ONE] = 1, [SCHEDULE_CATCH_ALL] = 3, [SCHEDULE_CATCH_NONE] = 0};
    for (unsigned catch_up = 0; catch_up < SCHEDULE_CATCH_UPS; catch_up++) {
        struct world w;
        world_open(&w);
        CHECK_ERR(ERR_OK, put(&w, "tick", "@every 1h", (enum schedule_catch_up)catch_up));
        restart_after(&w, 3 * 3600 + 600);
        CHECK_INT(jobs[catch_up], w.accepted);
        CHECK_INT(START + 3 * 3600000, look(&w, "tick").is->last_ms);
        CHECK_INT(START + 4 * 3600000, look(&w, "tick").next_ms);
        world_close(&w);
    }
}

TEST(none_still_runs_what_is_only_a_little_late)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, put(&w, "tick", "@every 1h", SCHEDULE_CATCH_NONE));
    restart_after(&w, 3600 + 60);
    CHECK_INT(1, w.accepted);
    world_close(&w);
}

TEST(a_paused_schedule_runs_nothing_and_catches_nothing_up)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, put(&w, "tick", "@every 1h", SCHEDULE_CATCH_ALL));
    CHECK_ERR(ERR_OK, change(&w, "tick", ALMANAC_PAUSE));
    CHECK_INT(0, look(&w, "tick").next_ms);
    wait_s(&w, 5 * 3600);
    CHECK_INT(0, w.accepted);
    restart_after(&w, 1800);
    CHECK(look(&w, "tick").is->paused);
    CHECK_ERR(ERR_OK, change(&w, "tick", ALMANAC_RESUME));
    turn(&w);
    CHECK_INT(0, w.accepted);
    wait_s(&w, 1800);
    CHECK_INT(1, w.accepted);
    world_close(&w);
}

TEST(a_deleted_schedule_is_gone_also_after_a_restart)
{
    struct world w;
    struct almanac_view v;
    world_open(&w);
    CHECK_ERR(ERR_OK, put(&w, "tick", "@every 1h", SCHEDULE_CATCH_ONE));
    CHECK_ERR(ERR_OK, change(&w, "tick", ALMANAC_DELETE));
    CHECK_ERR(ERR_ABSENT, almanac_find(w.book, WEB, SLICE("tick"), &v));
    restart_after(&w, 7200);
    CHECK_INT(0, w.accepted);
    CHECK_ERR(ERR_ABSENT, change(&w, "tick", ALMANAC_PAUSE));
    world_close(&w);
}

TEST(a_schedule_put_again_keeps_its_time_and_takes_what_is_new)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, put(&w, "tick", "@every 1h", SCHEDULE_CATCH_ONE));
    wait_s(&w, 1800);
    CHECK_ERR(ERR_OK, put(&w, "tick", "@every 1h", SCHEDULE_CATCH_ALL));
    CHECK_INT(START + 3600000, look(&w, "tick").next_ms);
    CHECK_INT(SCHEDULE_CATCH_ALL, look(&w, "tick").is->catch_up);
    CHECK_ERR(ERR_OK, put(&w, "tick", "@every 2h", SCHEDULE_CATCH_ALL));
    CHECK_INT(START + 1800000 + 7200000, look(&w, "tick").next_ms);
    CHECK_ERR(ERR_INPUT, put(&w, "tick", "@every", SCHEDULE_CATCH_ALL));
    world_close(&w);
}

TEST(who_may_not_submit_any_more_runs_nothing_and_is_told)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, put(&w, "tick", "@every 1h", SCHEDULE_CATCH_ONE));
    w.denied = true;
    wait_s(&w, 3600);
    CHECK_INT(0, w.accepted);
    CHECK_TEXT("policy does not allow its caller to submit this", look(&w, "tick").is->fault);
    CHECK_ERR(ERR_DENIED, almanac_run(w.book, WEB, SLICE("tick"), note_job, &w));
    w.denied = false;
    CHECK_ERR(ERR_OK, almanac_run(w.book, WEB, SLICE("tick"), note_job, &w));
    turn(&w);
    CHECK_INT(1, w.accepted);
    wait_s(&w, 3600);
    CHECK_TEXT("", look(&w, "tick").is->fault);
    world_close(&w);
}

/* The bound is 20 jobs. */
TEST(a_caller_at_its_bound_misses_moments_or_waits_as_the_schedule_says)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, put(&w, "all", "@every 1m", SCHEDULE_CATCH_ALL));
    restart_after(&w, 25 * 60);
    CHECK_INT(20, w.accepted);
    CHECK_INT(20, look(&w, "all").is->runs);
    CHECK_INT(START + 20 * 60000, look(&w, "all").is->last_ms);
    CHECK_ERR(ERR_OK, put(&w, "one", "@every 1m", SCHEDULE_CATCH_ONE));
    wait_s(&w, 60);
    CHECK_TEXT("too many jobs of its caller are waiting", look(&w, "one").is->fault);
    world_close(&w);
}

TEST(a_clock_that_is_set_ahead_is_noticed_within_a_minute)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, put(&w, "tick", "@every 10h", SCHEDULE_CATCH_ONE));
    w.hand.wall += INT64_C(36000) * NOW_US_PER_S;
    turn(&w);
    w.hand.mono += 60 * NOW_US_PER_S;
    turn(&w);
    CHECK_INT(1, w.accepted);
    world_close(&w);
}

TEST(a_list_is_sorted_and_comes_in_pages)
{
    static const char *const names[] = {"d", "b", "a", "c"};
    struct world w;
    struct almanac_view v[3];
    world_open(&w);
    for (size_t i = 0; i < 4; i++)
        CHECK_ERR(ERR_OK, put(&w, names[i], "@daily", SCHEDULE_CATCH_ONE));
    CHECK_INT(3, almanac_list(w.book, WEB, (struct slice){0}, v, 3));
    CHECK_TEXT("a", v[0].is->name);
    CHECK_TEXT("c", v[2].is->name);
    CHECK_INT(1, almanac_list(w.book, WEB, SLICE("c"), v, 3));
    CHECK_TEXT("d", v[0].is->name);
    CHECK_INT(0, almanac_list(w.book, SLICE("other"), (struct slice){0}, v, 3));
    world_close(&w);
}

TESTS_BEGIN()
TESTS_RUN(every_moment_makes_one_job)
TESTS_RUN(a_restart_right_after_a_moment_makes_no_second_job)
TESTS_RUN(what_was_missed_is_caught_up_with_as_the_schedule_says)
TESTS_RUN(none_still_runs_what_is_only_a_little_late)
TESTS_RUN(a_paused_schedule_runs_nothing_and_catches_nothing_up)
TESTS_RUN(a_deleted_schedule_is_gone_also_after_a_restart)
TESTS_RUN(a_schedule_put_again_keeps_its_time_and_takes_what_is_new)
TESTS_RUN(who_may_not_submit_any_more_runs_nothing_and_is_told)
TESTS_RUN(a_caller_at_its_bound_misses_moments_or_waits_as_the_schedule_says)
TESTS_RUN(a_clock_that_is_set_ahead_is_noticed_within_a_minute)
TESTS_RUN(a_list_is_sorted_and_comes_in_pages)
TESTS_END()
