#include "broker/desk.h"

#include <stdio.h>

#include "broker/store_mem.h"
#include "tests/kit/t.h"

enum { JOBS = 8 };

/* A desk over the store that forgets; every job that is assigned, in order. */
struct world {
    struct now_hand hand;
    struct now now;
    struct loop *loop;
    struct due_clock *clock;
    struct metric_set *metrics;
    struct store *store;
    struct desk *desk;
    struct dispatch_worker worker;
    size_t assigned;
    struct {
        char job[JOB_ID + 1];
        uint64_t token;
    } v[JOBS];
    char last[JOB_ID + 1]; /* submitted */
};

static enum err on_assign(void *arg, uint64_t worker, const struct record_job *job)
{
    struct world *w = arg;
    (void)worker;
    memcpy(w->v[w->assigned].job, job->id.at, JOB_ID);
    w->v[w->assigned++].token = job->token;
    return ERR_OK;
}

static void on_event(void *arg, struct slice job, const struct record_event *event, bool last)
{
    (void)arg;
    (void)job;
    (void)event;
    (void)last;
}

static void on_cancel(void *arg, uint64_t worker, struct slice job, uint64_t token)
{
    (void)arg;
    (void)worker;
    (void)job;
    (void)token;
}

static void on_done(void *arg, enum err e, struct slice job, bool replayed)
{
    (void)replayed;
    CHECK_ERR(ERR_OK, e);
    memcpy(((struct world *)arg)->last, job.at, JOB_ID);
}

static void turn(struct world *w)
{
    for (int i = 0; i < 10; i++)
        loop_turn(w->loop, false);
}

static void open_desk(struct world *w)
{
    struct desk_conf conf = {
        .loop = w->loop,
        .clock = w->clock,
        .store = w->store,
        .metrics = w->metrics,
        .lease_us = 30 * NOW_US_PER_S,
        .retention_us = INT64_C(3600) * NOW_US_PER_S,
        .assign = on_assign,
        .event = on_event,
        .cancel = on_cancel,
        .arg = w,
    };
    struct desk_service_conf service = {.name = SLICE("trainer"), .attempts = 1};
    w->desk = desk_new(&conf);
    desk_service(w->desk, &service);
    CHECK_ERR(ERR_OK, desk_join(w->desk, SLICE("trainer"), &w->worker, 7));
    desk_credit(w->desk, SLICE("trainer"), &w->worker, JOBS, 1 << 20);
}

static void world_open(struct world *w)
{
    *w = (struct world){.hand = {.mono = NOW_US_PER_S, .wall = INT64_C(1700000000) * NOW_US_PER_S}};
    w->now = now_by_hand(&w->hand);
    w->loop = loop_new_by(&w->now);
    w->clock = due_clock_new(w->loop);
    w->metrics = metric_set_new();
    w->store = store_mem_new(w->loop);
    open_desk(w);
}

static void world_close(struct world *w)
{
    store_close(&w->store);
    desk_free(&w->desk);
    metric_set_free(&w->metrics);
    due_clock_free(&w->clock);
    loop_free(&w->loop);
}

struct name {
    char text[JOB_ID + 1];
};

static struct name submit(struct world *w, const struct name *after, size_t count, bool any_end, uint64_t delay_ms)
{
    struct slice ids[4];
    for (size_t i = 0; i < count; i++)
        ids[i] = slice_str(after[i].text);
    struct record_request request = {
        .method = SLICE("POST"), .path = SLICE("/"), .after = ids, .after_count = count, .after_any_end = any_end};
    struct desk_submit s = {
        .service = SLICE("trainer"), .caller = SLICE("web"), .request = &request, .priority = 5, .delay_ms = delay_ms};
    CHECK_ERR(ERR_OK, desk_submit(w->desk, &s, on_done, w));
    turn(w);
    struct name id;
    memcpy(id.text, w->last, sizeof(id.text));
    return id;
}

static void finish(struct world *w, size_t n, bool succeeded, size_t body)
{
    static char bytes[200 << 10];
    struct record_result result = {.status = 200, .body = slice_of(bytes, body)};
    struct desk_outcome o = {.job = slice_str(w->v[n].job),
                             .token = w->v[n].token,
                             .succeeded = succeeded,
                             .cause = BACKOFF_REFUSED,
                             .result = succeeded ? &result : NULL};
    CHECK_ERR(ERR_OK, desk_finish(w->desk, &o, on_done, w));
    turn(w);
}

static struct record_job stored(struct world *w, struct name id)
{
    struct record_job r;
    CHECK_ERR(ERR_OK, store_read_job(w->store, slice_str(id.text), &r));
    return r;
}

static void check_why(struct world *w, struct name id, const char *want)
{
    struct buf why;
    buf_init(&why, BUF_TEXT_BOUND);
    desk_why(w->desk, slice_str(id.text), &why);
    CHECK_TEXT(want, buf_slice(&why));
    buf_fini(&why);
}

TEST(a_job_begins_when_all_it_waits_for_are_done)
{
    struct world w;
    char why[128];
    world_open(&w);
    struct name others[2] = {submit(&w, NULL, 0, false, 0), submit(&w, NULL, 0, false, 0)};
    struct name last = submit(&w, others, 2, false, 0);
    CHECK_INT(2, w.assigned);
    CHECK_INT(JOB_DELAYED, stored(&w, last).state);
    snprintf(why, sizeof(why), "it waits for 2 jobs to end: %s, %s", others[0].text, others[1].text);
    check_why(&w, last, why);
    finish(&w, 1, true, 1);
    CHECK_INT(2, w.assigned);
    snprintf(why, sizeof(why), "it waits for 1 job to end: %s", others[0].text);
    check_why(&w, last, why);
    finish(&w, 0, true, 1);
    CHECK_INT(3, w.assigned);
    CHECK_TEXT(last.text, slice_str(w.v[2].job));
    finish(&w, 2, true, 1);
    struct name late = submit(&w, others, 2, false, 0); /* they have ended long ago */
    CHECK_INT(4, w.assigned);
    CHECK_TEXT(late.text, slice_str(w.v[3].job));
    world_close(&w);
}

TEST(one_that_fails_makes_dead_who_waits_for_it_and_who_waits_for_those)
{
    struct world w;
    char why[128];
    world_open(&w);
    struct name first = submit(&w, NULL, 0, false, 0), second = submit(&w, &first, 1, false, 0),
                third = submit(&w, &second, 1, false, 0), any = submit(&w, &first, 1, true, 0);
    finish(&w, 0, false, 0);
    snprintf(why, sizeof(why), "a job it waits for is dead: %s", first.text);
    CHECK_INT(JOB_DEAD, stored(&w, second).state);
    CHECK_TEXT(why, stored(&w, second).reason);
    CHECK_INT(JOB_DEAD, stored(&w, third).state);
    CHECK_INT(2, w.assigned);
    CHECK_TEXT(any.text, slice_str(w.v[1].job));
    struct name late = submit(&w, &first, 1, false, 0);
    CHECK_INT(JOB_DEAD, stored(&w, late).state);
    world_close(&w);
}

TEST(a_retried_chain_waits_again)
{
    struct world w;
    world_open(&w);
    struct name first = submit(&w, NULL, 0, false, 0), second = submit(&w, &first, 1, false, 0);
    finish(&w, 0, false, 0);
    CHECK_ERR(ERR_OK, desk_retry(w.desk, slice_str(first.text), on_done, &w));
    turn(&w);
    CHECK_ERR(ERR_OK, desk_retry(w.desk, slice_str(second.text), on_done, &w));
    turn(&w);
    CHECK_INT(2, w.assigned);
    CHECK_INT(JOB_DELAYED, stored(&w, second).state);
    finish(&w, 1, true, 1);
    CHECK_INT(3, w.assigned);
    CHECK_TEXT(second.text, slice_str(w.v[2].job));
    world_close(&w);
}

TEST(a_cancelled_job_that_waits_is_over_and_its_others_are_not)
{
    struct world w;
    world_open(&w);
    struct name first = submit(&w, NULL, 0, false, 0), second = submit(&w, &first, 1, false, 0);
    CHECK_ERR(ERR_OK, desk_cancel(w.desk, slice_str(second.text), on_done, &w));
    turn(&w);
    CHECK_INT(JOB_CANCELLED, stored(&w, second).state);
    finish(&w, 0, true, 1);
    CHECK_INT(1, w.assigned);
    world_close(&w);
}

TEST(a_delay_counts_from_the_submit_and_holds_after_the_others)
{
    struct world w;
    world_open(&w);
    struct name first = submit(&w, NULL, 0, false, 0);
    (void)submit(&w, &first, 1, false, 10000);
    finish(&w, 0, true, 1);
    CHECK_INT(1, w.assigned);
    w.hand.mono += 11 * NOW_US_PER_S;
    w.hand.wall += 11 * NOW_US_PER_S;
    turn(&w);
    CHECK_INT(2, w.assigned);
    world_close(&w);
}

TEST(who_runs_what_has_waited_may_see_the_others_as_long_as_it_does)
{
    struct world w;
    world_open(&w);
    struct name others[2] = {submit(&w, NULL, 0, false, 0), submit(&w, NULL, 0, false, 0)};
    struct name last = submit(&w, others, 2, false, 0);
    finish(&w, 0, true, 200 << 10);
    CHECK(!desk_shows(w.desk, SLICE(""), slice_str(others[0].text)));
    finish(&w, 1, true, 200 << 10);
    CHECK_INT(3, w.assigned);
    CHECK(desk_shows(w.desk, SLICE(""), slice_str(others[0].text)));
    CHECK(desk_shows(w.desk, SLICE(""), slice_str(others[1].text)));
    CHECK(!desk_shows(w.desk, SLICE("somebody"), slice_str(others[0].text)));
    CHECK(!desk_shows(w.desk, SLICE(""), slice_str(last.text)));
    finish(&w, 2, true, 1);
    CHECK(!desk_shows(w.desk, SLICE(""), slice_str(others[0].text)));
    world_close(&w);
}

TEST(jobs_of_one_batch_may_wait_for_earlier_ones)
{
    struct world w;
    struct slice first = SLICE("#0"), later = SLICE("#2");
    struct record_request requests[3] = {
        {.method = SLICE("POST"), .path = SLICE("/")},
        {.method = SLICE("POST"), .path = SLICE("/"), .after = &first, .after_count = 1},
        {.method = SLICE("POST"), .path = SLICE("/"), .after = &later, .after_count = 1}};
    struct desk_submit s[3];
    void *args[3] = {&w, &w, &w};
    size_t which = 9;
    world_open(&w);
    for (size_t i = 0; i < 3; i++)
        s[i] = (struct desk_submit){
            .service = SLICE("trainer"), .caller = SLICE("web"), .request = &requests[i], .priority = 5};
    CHECK_ERR(ERR_INPUT, desk_submit_all(w.desk, s, 3, on_done, args, &which));
    CHECK_INT(2, which);
    turn(&w);
    CHECK_INT(0, w.assigned);
    CHECK_ERR(ERR_OK, desk_submit_all(w.desk, s, 2, on_done, args, &which));
    turn(&w);
    CHECK_INT(1, w.assigned);
    finish(&w, 0, true, 1);
    CHECK_INT(2, w.assigned);
    world_close(&w);
}

/* What ended while nobody looked counts: between the end of one and the next step of the other a broker may die. */
TEST(a_new_desk_knows_who_waits_for_whom)
{
    struct world w;
    struct recover_count found;
    world_open(&w);
    struct name first = submit(&w, NULL, 0, false, 0), second = submit(&w, NULL, 0, false, 0);
    struct name of_first = submit(&w, &first, 1, false, 0), of_second = submit(&w, &second, 1, false, 0);
    desk_free(&w.desk);
    /* As another desk would have written it, and died. */
    struct record_job r = stored(&w, first);
    r.state = JOB_DONE;
    r.ended_ms = 1;
    r.events++;
    struct record_result result = {.status = 200};
    struct store_change change = {.job = r, .guard = r.token, .result = &result};
    store_apply(w.store, &change, NULL, NULL);
    turn(&w);
    w.worker = (struct dispatch_worker){0};
    w.assigned = 0;
    open_desk(&w);
    desk_recover(w.desk, 30 * NOW_US_PER_S, &found);
    turn(&w);
    CHECK_INT(2, found.delayed);
    CHECK_INT(1, w.assigned);
    CHECK_TEXT(of_first.text, slice_str(w.v[0].job));
    CHECK_INT(JOB_DELAYED, stored(&w, of_second).state);
    memcpy(w.v[1].job, second.text, JOB_ID + 1);
    w.v[1].token = 1;
    w.assigned = 2;
    finish(&w, 1, true, 1);
    CHECK_INT(3, w.assigned);
    CHECK_TEXT(of_second.text, slice_str(w.v[2].job));
    world_close(&w);
}

TESTS_BEGIN()
TESTS_RUN(a_job_begins_when_all_it_waits_for_are_done)
TESTS_RUN(one_that_fails_makes_dead_who_waits_for_it_and_who_waits_for_those)
TESTS_RUN(a_retried_chain_waits_again)
TESTS_RUN(a_cancelled_job_that_waits_is_over_and_its_others_are_not)
TESTS_RUN(a_delay_counts_from_the_submit_and_holds_after_the_others)
TESTS_RUN(who_runs_what_has_waited_may_see_the_others_as_long_as_it_does)
TESTS_RUN(jobs_of_one_batch_may_wait_for_earlier_ones)
TESTS_RUN(a_new_desk_knows_who_waits_for_whom)
TESTS_END()
