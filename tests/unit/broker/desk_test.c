#include "broker/desk.h"

#include <stdio.h>

#include "broker/store_mem.h"
#include "tests/kit/t.h"

/* A desk over the store that forgets, with the test as broker, worker and caller at once. */
struct world {
    struct now_hand hand;
    struct now now;
    struct loop *loop;
    struct due_clock *clock;
    struct metric_set *metrics;
    struct store *store;
    struct desk *desk;
    struct dispatch_worker worker;
    struct {
        unsigned count;
        uint64_t worker, token;
        uint32_t attempt;
        char job[JOB_ID + 1];
        enum err answer; /* what the test says to an assignment */
    } assigned;
    struct {
        unsigned count;
        uint64_t id;
        char names[512]; /* of every event, in order */
        bool last;
    } events;
    struct {
        unsigned count;
        uint64_t token;
    } cancels;
    struct {
        unsigned count;
        enum err e;
        char job[JOB_ID + 1];
        bool replayed;
    } done;
};

static enum err on_assign(void *arg, uint64_t worker, const struct record_job *job)
{
    struct world *w = arg;
    w->assigned.count++;
    w->assigned.worker = worker;
    w->assigned.token = job->token;
    w->assigned.attempt = job->attempt;
    memcpy(w->assigned.job, job->id.at, JOB_ID);
    return w->assigned.answer;
}

static struct slice on_name(void *arg, uint64_t worker)
{
    (void)arg;
    return worker == 7 ? SLICE("spiffe://example.org/worker") : SLICE("");
}

static void on_event(void *arg, struct slice job, const struct record_event *event, bool last)
{
    (void)job;
    struct world *w = arg;
    w->events.count++;
    w->events.id = event->id;
    w->events.last = last;
    size_t used = strlen(w->events.names);
    snprintf(w->events.names + used, sizeof(w->events.names) - used, "%.*s ", SLICE_FMT(event->name));
}

static void on_cancel(void *arg, uint64_t worker, struct slice job, uint64_t token)
{
    (void)worker;
    (void)job;
    struct world *w = arg;
    w->cancels.count++;
    w->cancels.token = token;
}

static void on_done(void *arg, enum err e, struct slice job, bool replayed)
{
    struct world *w = arg;
    w->done.count++;
    w->done.e = e;
    w->done.replayed = replayed;
    memset(w->done.job, 0, sizeof(w->done.job));
    memcpy(w->done.job, job.at, job.len <= JOB_ID ? job.len : JOB_ID);
}

enum { LEASE = 30 * NOW_US_PER_S, START = 1700000000 };

static void open_desk(struct world *w, size_t jobs)
{
    struct desk_conf conf = {
        .loop = w->loop,
        .clock = w->clock,
        .store = w->store,
        .metrics = w->metrics,
        .lease_us = LEASE,
        .retention_us = INT64_C(3600) * NOW_US_PER_S,
        .bounds = {.jobs = jobs},
        .assign = on_assign,
        .name_of = on_name,
        .event = on_event,
        .cancel = on_cancel,
        .arg = w,
    };
    w->desk = desk_new(&conf);
    struct desk_service_conf service = {.name = SLICE("trainer"), .attempts = 5};
    desk_service(w->desk, &service);
}

static void world_open(struct world *w)
{
    *w = (struct world){.hand = {.mono = NOW_US_PER_S, .wall = (int64_t)START * NOW_US_PER_S}};
    w->now = now_by_hand(&w->hand);
    w->loop = loop_new_by(&w->now);
    w->clock = due_clock_new(w->loop);
    w->metrics = metric_set_new();
    w->store = store_mem_new(w->loop);
    open_desk(w, 10);
}

static void turn(struct world *w)
{
    for (int i = 0; i < 10; i++)
        loop_turn(w->loop, false);
}

static void wait_us(struct world *w, int64_t us)
{
    w->hand.mono += us;
    w->hand.wall += us;
    turn(w);
}

static void world_close(struct world *w)
{
    store_close(&w->store);
    desk_free(&w->desk);
    metric_set_free(&w->metrics);
    due_clock_free(&w->clock);
    loop_free(&w->loop);
}

static void work_begins(struct world *w, uint32_t slots)
{
    CHECK_ERR(ERR_OK, desk_join(w->desk, SLICE("trainer"), &w->worker, 7));
    desk_credit(w->desk, SLICE("trainer"), &w->worker, slots, 1 << 20);
    turn(w);
}

static enum err submit_with(struct world *w, const char *key, const char *body, uint64_t delay_ms, int64_t deadline_ms)
{
    struct record_request request = {
        .method = SLICE("POST"),
        .path = SLICE("/train"),
        .body = slice_str(body),
        .key = slice_str(key),
        .fingerprint = slice_str(body),
    };
    struct desk_submit s = {
        .service = SLICE("trainer"),
        .caller = SLICE("spiffe://example.org/web"),
        .operation = SLICE("train"),
        .request = &request,
        .priority = 5,
        .delay_ms = delay_ms,
        .deadline_ms = deadline_ms,
    };
    enum err e = desk_submit(w->desk, &s, on_done, w);
    turn(w);
    return e;
}

static enum err submit(struct world *w)
{
    return submit_with(w, "", "{}", 0, 0);
}

static enum err finish(struct world *w, uint64_t token, bool succeeded, enum backoff_cause cause)
{
    struct record_result result = {.status = 200, .body = SLICE("model")};
    struct desk_outcome o = {
        .job = slice_str(w->assigned.job),
        .token = token,
        .succeeded = succeeded,
        .cause = cause,
        .reason = succeeded ? (struct slice){0} : SLICE("no luck"),
        .result = succeeded ? &result : NULL,
    };
    enum err e = desk_finish(w->desk, &o, on_done, w);
    turn(w);
    return e;
}

static enum job_state stored_state(struct world *w, const char *job)
{
    struct record_job r;
    CHECK_ERR(ERR_OK, store_read_job(w->store, slice_str(job), &r));
    return r.state;
}

TEST(a_job_reaches_a_worker_with_credit_and_is_done_once)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit(&w));
    CHECK_ERR(ERR_OK, w.done.e);
    CHECK_INT(0, w.assigned.count);
    work_begins(&w, 1);
    CHECK_INT(1, w.assigned.count);
    CHECK_INT(7, w.assigned.worker);
    CHECK_INT(1, w.assigned.token);
    CHECK_INT(1, w.assigned.attempt);
    CHECK_ERR(ERR_OK, finish(&w, 1, true, 0));
    CHECK_INT(2, w.done.count);
    CHECK(!w.done.replayed);
    CHECK_INT(JOB_DONE, stored_state(&w, w.assigned.job));
    CHECK_TEXT("accepted started done ", slice_str(w.events.names));
    CHECK(w.events.last);
    struct record_job r;
    CHECK_ERR(ERR_OK, store_read_job(w.store, slice_str(w.assigned.job), &r));
    CHECK_TEXT("spiffe://example.org/worker", r.worker);
    struct record_result result;
    CHECK_ERR(ERR_OK, store_read_result(w.store, slice_str(w.assigned.job), &result));
    CHECK_TEXT("model", result.body);
    world_close(&w);
}

TEST(a_result_that_comes_twice_under_its_token_is_fine_and_counts_once)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit(&w));
    work_begins(&w, 1);
    CHECK_ERR(ERR_OK, finish(&w, 1, true, 0));
    CHECK_ERR(ERR_OK, finish(&w, 1, true, 0));
    CHECK(w.done.replayed);
    CHECK_TEXT("accepted started done ", slice_str(w.events.names));
    CHECK_ERR(ERR_STALE, finish(&w, 2, true, 0));
    world_close(&w);
}

TEST(one_slot_is_one_job_at_a_time)
{
    struct world w;
    world_open(&w);
    work_begins(&w, 1);
    CHECK_ERR(ERR_OK, submit(&w));
    CHECK_ERR(ERR_OK, submit(&w));
    CHECK_INT(1, w.assigned.count);
    CHECK_ERR(ERR_OK, finish(&w, 1, true, 0));
    CHECK_INT(1, w.assigned.count);
    desk_credit(w.desk, SLICE("trainer"), &w.worker, 1, 100);
    turn(&w);
    CHECK_INT(2, w.assigned.count);
    world_close(&w);
}

TEST(a_silent_worker_loses_its_job_and_its_late_result_is_refused)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit(&w));
    work_begins(&w, 2);
    wait_us(&w, LEASE + NOW_US_PER_S);
    wait_us(&w, 2 * NOW_US_PER_S); /* the first crash waits a second, give or take a quarter */
    CHECK_INT(2, w.assigned.count);
    CHECK_INT(2, w.assigned.token);
    CHECK_INT(2, w.assigned.attempt);
    CHECK_ERR(ERR_STALE, finish(&w, 1, true, 0));
    CHECK_ERR(ERR_OK, finish(&w, 2, true, 0));
    CHECK_TEXT("accepted started retrying started done ", slice_str(w.events.names));
    world_close(&w);
}

TEST(a_renewed_lease_outlives_any_job)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit(&w));
    work_begins(&w, 2);
    bool cancelled = false;
    for (int beat = 0; beat < 100; beat++) {
        wait_us(&w, LEASE - NOW_US_PER_S);
        CHECK_ERR(ERR_OK, desk_renew(w.desk, slice_str(w.assigned.job), 1, 7, &cancelled));
    }
    CHECK(!cancelled);
    CHECK_INT(1, w.assigned.count);
    world_close(&w);
}

TEST(the_third_crash_is_the_last)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit(&w));
    work_begins(&w, 10);
    for (uint64_t token = 1; token <= 3; token++) {
        CHECK_INT(token, w.assigned.token);
        CHECK_ERR(ERR_OK, finish(&w, token, false, BACKOFF_CRASHED));
        wait_us(&w, 90 * NOW_US_PER_S);
    }
    CHECK_INT(3, w.assigned.count);
    CHECK_INT(JOB_DEAD, stored_state(&w, w.assigned.job));
    CHECK(w.events.last);
    world_close(&w);
}

TEST(a_failure_waits_before_it_is_tried_again)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit(&w));
    work_begins(&w, 10);
    CHECK_ERR(ERR_OK, finish(&w, 1, false, BACKOFF_FAILED));
    CHECK_INT(JOB_DELAYED, stored_state(&w, w.assigned.job));
    wait_us(&w, 700 * NOW_US_PER_MS);
    CHECK_INT(1, w.assigned.count);
    wait_us(&w, 600 * NOW_US_PER_MS);
    CHECK_INT(2, w.assigned.count);
    world_close(&w);
}

TEST(what_is_refused_for_good_is_dead_at_once)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit(&w));
    work_begins(&w, 1);
    CHECK_ERR(ERR_OK, finish(&w, 1, false, BACKOFF_REFUSED));
    CHECK_INT(JOB_DEAD, stored_state(&w, w.assigned.job));
    struct record_job r;
    CHECK_ERR(ERR_OK, store_read_job(w.store, slice_str(w.assigned.job), &r));
    CHECK_TEXT("no luck", r.reason);
    world_close(&w);
}

TEST(a_release_costs_no_attempt_and_goes_to_the_next_credit)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit(&w));
    work_begins(&w, 2);
    CHECK_ERR(ERR_OK, finish(&w, 1, false, BACKOFF_RELEASED));
    CHECK_INT(2, w.assigned.count);
    struct record_job r;
    CHECK_ERR(ERR_OK, store_read_job(w.store, slice_str(w.assigned.job), &r));
    CHECK_INT(1, r.releases);
    CHECK_INT(0, r.crashes);
    world_close(&w);
}

TEST(an_assignment_that_finds_nobody_is_given_back_uncharged)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit(&w));
    w.assigned.answer = ERR_STALE;
    work_begins(&w, 1);
    CHECK_INT(1, w.assigned.count);
    CHECK_INT(JOB_QUEUED, stored_state(&w, w.assigned.job));
    w.assigned.answer = ERR_OK;
    desk_credit(w.desk, SLICE("trainer"), &w.worker, 1, 100);
    turn(&w);
    CHECK_INT(2, w.assigned.count);
    world_close(&w);
}

TEST(a_waiting_job_is_cancelled_at_once)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit(&w));
    char job[JOB_ID + 1];
    memcpy(job, w.done.job, sizeof(job));
    CHECK_ERR(ERR_OK, desk_cancel(w.desk, slice_str(job), on_done, &w));
    turn(&w);
    CHECK_INT(JOB_CANCELLED, stored_state(&w, job));
    work_begins(&w, 1);
    CHECK_INT(0, w.assigned.count);
    CHECK_ERR(ERR_STALE, desk_cancel(w.desk, slice_str(job), on_done, &w));
    world_close(&w);
}

TEST(a_running_job_is_cancelled_by_its_worker)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit(&w));
    work_begins(&w, 1);
    CHECK_ERR(ERR_OK, desk_cancel(w.desk, slice_str(w.assigned.job), on_done, &w));
    turn(&w);
    CHECK_INT(1, w.cancels.count);
    CHECK_INT(1, w.cancels.token);
    bool cancelled = false;
    CHECK_ERR(ERR_OK, desk_renew(w.desk, slice_str(w.assigned.job), 1, 7, &cancelled));
    CHECK(cancelled);
    CHECK_ERR(ERR_OK, finish(&w, 1, false, BACKOFF_RELEASED));
    CHECK_INT(JOB_CANCELLED, stored_state(&w, w.assigned.job));
    CHECK_TEXT("accepted started cancelled ", slice_str(w.events.names));
    struct record_job r;
    CHECK_ERR(ERR_OK, store_read_job(w.store, slice_str(w.assigned.job), &r));
    CHECK_TEXT("cancelled by its caller", r.reason);
    world_close(&w);
}

TEST(the_same_key_is_the_same_job_and_another_request_is_a_conflict)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit_with(&w, "k1", "{}", 0, 0));
    char job[JOB_ID + 1];
    memcpy(job, w.done.job, sizeof(job));
    CHECK_ERR(ERR_OK, submit_with(&w, "k1", "{}", 0, 0));
    CHECK(w.done.replayed);
    CHECK_TEXT(job, slice_str(w.done.job));
    CHECK_ERR(ERR_OK, submit_with(&w, "k1", "other", 0, 0));
    CHECK_ERR(ERR_EXISTS, w.done.e);
    work_begins(&w, 10);
    CHECK_INT(1, w.assigned.count);
    world_close(&w);
}

TEST(the_eleventh_job_of_a_caller_is_too_many_for_a_bound_of_ten)
{
    struct world w;
    world_open(&w);
    for (int i = 0; i < 10; i++)
        CHECK_ERR(ERR_OK, submit(&w));
    CHECK_ERR(ERR_FULL, submit(&w));
    CHECK_INT(10, w.done.count);
    world_close(&w);
}

TEST(a_service_nobody_configured_takes_no_job)
{
    struct world w;
    world_open(&w);
    struct record_request request = {.method = SLICE("POST"), .path = SLICE("/")};
    struct desk_submit s = {.service = SLICE("nobody"), .caller = SLICE("x"), .request = &request};
    CHECK_ERR(ERR_ABSENT, desk_submit(w.desk, &s, on_done, &w));
    CHECK_INT(0, w.done.count);
    world_close(&w);
}

TEST(a_job_whose_deadline_has_passed_is_dead_before_it_runs)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit_with(&w, "", "{}", 0, INT64_C(1000) * START + 500));
    wait_us(&w, NOW_US_PER_S);
    work_begins(&w, 1);
    CHECK_INT(0, w.assigned.count);
    CHECK_TEXT("accepted dead ", slice_str(w.events.names));
    world_close(&w);
}

TEST(a_deadline_that_passes_while_nobody_works_is_told_at_once)
{
    struct world w;
    struct recover_count found;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit_with(&w, "", "{}", 0, (int64_t)START * 1000 + 5000));
    char first[JOB_ID + 1];
    memcpy(first, w.done.job, sizeof(first));
    CHECK_ERR(ERR_OK, submit_with(&w, "", "{}", 60000, (int64_t)START * 1000 + 8000));
    char second[JOB_ID + 1];
    memcpy(second, w.done.job, sizeof(second));
    wait_us(&w, 4900 * NOW_US_PER_MS);
    CHECK_INT(JOB_QUEUED, stored_state(&w, first));
    wait_us(&w, 200 * NOW_US_PER_MS);
    CHECK_INT(JOB_DEAD, stored_state(&w, first));
    CHECK_INT(JOB_DELAYED, stored_state(&w, second));
    desk_free(&w.desk);
    open_desk(&w, 10);
    desk_recover(w.desk, LEASE, &found);
    turn(&w);
    wait_us(&w, 3 * NOW_US_PER_S);
    CHECK_INT(JOB_DEAD, stored_state(&w, second));
    world_close(&w);
}

TEST(a_dead_job_comes_back_when_its_caller_asks)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit(&w));
    work_begins(&w, 2);
    CHECK_ERR(ERR_OK, finish(&w, 1, false, BACKOFF_REFUSED));
    CHECK_ERR(ERR_OK, desk_retry(w.desk, slice_str(w.assigned.job), on_done, &w));
    turn(&w);
    CHECK_INT(2, w.assigned.count);
    CHECK_INT(2, w.assigned.token);
    CHECK_INT(1, w.assigned.attempt);
    CHECK_ERR(ERR_STALE, desk_retry(w.desk, slice_str(w.assigned.job), on_done, &w));
    world_close(&w);
}

TEST(a_new_desk_over_the_same_store_lets_a_worker_take_up_what_it_runs)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit(&w));
    work_begins(&w, 1);
    CHECK_ERR(ERR_OK, submit(&w));
    desk_free(&w.desk);
    w.worker = (struct dispatch_worker){0};
    open_desk(&w, 10);
    struct recover_count found;
    desk_recover(w.desk, LEASE, &found);
    CHECK_INT(1, found.queued);
    CHECK_INT(1, found.leased);
    bool cancelled;
    CHECK_ERR(ERR_OK, desk_renew(w.desk, slice_str(w.assigned.job), 1, 9, &cancelled));
    CHECK_ERR(ERR_OK, finish(&w, 1, true, 0));
    CHECK_INT(JOB_DONE, stored_state(&w, w.assigned.job));
    CHECK_INT(1, w.assigned.count);
    world_close(&w);
}

static bool runs_nothing(void *arg, struct slice job, uint64_t token)
{
    (void)arg;
    (void)job;
    (void)token;
    return false;
}

TEST(a_job_whose_request_is_damaged_is_dead)
{
    struct world w;
    world_open(&w);
    w.assigned.answer = ERR_PEER;
    CHECK_ERR(ERR_OK, submit(&w));
    work_begins(&w, 3);
    CHECK_INT(1, w.assigned.count);
    CHECK_INT(JOB_DEAD, stored_state(&w, w.assigned.job));
    CHECK_TEXT("accepted started dead ", slice_str(w.events.names));
    world_close(&w);
}

TEST(what_never_reached_its_worker_is_reclaimed_uncharged)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit(&w));
    work_begins(&w, 2);
    desk_reclaim(w.desk, 7, runs_nothing, NULL);
    turn(&w);
    CHECK_INT(2, w.assigned.count);
    struct record_job r;
    CHECK_ERR(ERR_OK, store_read_job(w.store, slice_str(w.assigned.job), &r));
    CHECK_INT(0, r.crashes);
    CHECK_INT(1, r.releases);
    world_close(&w);
}

static void submit_for(struct world *w, const char *caller)
{
    struct record_request request = {.method = SLICE("POST"), .path = SLICE("/train")};
    struct desk_submit s = {
        .service = SLICE("trainer"), .caller = slice_str(caller), .request = &request, .priority = 5};
    CHECK_ERR(ERR_OK, desk_submit(w->desk, &s, on_done, w));
    turn(w);
}

TEST(callers_take_turns_however_much_one_of_them_submits)
{
    struct world w;
    world_open(&w);
    for (int i = 0; i < 4; i++)
        submit_for(&w, "flood");
    submit_for(&w, "b");
    submit_for(&w, "b");
    CHECK_ERR(ERR_OK, desk_join(w.desk, SLICE("trainer"), &w.worker, 7));
    char order[64] = "";
    for (int i = 0; i < 6; i++) {
        desk_credit(w.desk, SLICE("trainer"), &w.worker, 1, 1000);
        turn(&w);
        struct record_job r;
        CHECK_ERR(ERR_OK, store_read_job(w.store, slice_str(w.assigned.job), &r));
        size_t used = strlen(order);
        snprintf(order + used, sizeof(order) - used, "%.*s ", SLICE_FMT(r.caller));
    }
    CHECK_TEXT("flood b flood b flood flood ", slice_str(order));
    world_close(&w);
}

TEST(jobs_of_one_millisecond_have_ascending_ids)
{
    struct world w;
    world_open(&w);
    char before[JOB_ID + 1] = "";
    for (int i = 0; i < 9; i++) {
        CHECK_ERR(ERR_OK, submit(&w));
        CHECK(strcmp(before, w.done.job) < 0);
        memcpy(before, w.done.job, sizeof(before));
    }
    world_close(&w);
}

static bool remember_data(void *arg, const struct record_event *e)
{
    if (slice_eq(e->name, SLICE("progress")))
        snprintf(arg, 200, "%.*s", SLICE_FMT(e->data));
    return true;
}

static const char *progress(struct world *w, const char *type, const char *data)
{
    static char seen[200];
    struct desk_progress p = {
        .job = slice_str(w->assigned.job),
        .token = w->assigned.token,
        .type = slice_str(type),
        .data = slice_str(data),
    };
    CHECK_ERR(ERR_OK, desk_progress(w->desk, &p, on_done, w));
    turn(w);
    store_read_events(w->store, slice_str(w->assigned.job), 0, remember_data, seen);
    return seen;
}

TEST(progress_is_told_as_json_only_when_it_is)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit(&w));
    work_begins(&w, 1);
    CHECK_TEXT("{\"state\":\"leased\",\"attempt\":1,\"progress\":{\"epoch\": 3}}",
               slice_str(progress(&w, "application/json", "{\"epoch\": 3}")));
    CHECK_TEXT("{\"state\":\"leased\",\"attempt\":1}", slice_str(progress(&w, "application/json", "{epoch")));
    CHECK_TEXT("{\"state\":\"leased\",\"attempt\":1}", slice_str(progress(&w, "text/plain", "half way")));
    struct record_job r;
    CHECK_ERR(ERR_OK, store_read_job(w.store, slice_str(w.assigned.job), &r));
    CHECK_TEXT("half way", r.progress);
    CHECK_ERR(ERR_OK, finish(&w, 1, false, BACKOFF_RELEASED));
    desk_credit(w.desk, SLICE("trainer"), &w.worker, 1, 1000);
    turn(&w);
    CHECK_INT(2, w.assigned.count);
    CHECK_ERR(ERR_OK, store_read_job(w.store, slice_str(w.assigned.job), &r));
    CHECK_TEXT("", r.progress);
    struct desk_progress stale = {.job = slice_str(w.assigned.job), .token = 9};
    CHECK_ERR(ERR_STALE, desk_progress(w.desk, &stale, on_done, &w));
    world_close(&w);
}

static void limit(struct world *w, uint32_t concurrency, uint32_t per_minute)
{
    struct desk_service_conf service = {
        .name = SLICE("trainer"),
        .attempts = 5,
        .concurrency = concurrency,
        .per_minute = per_minute,
    };
    desk_service(w->desk, &service);
}

static void check_why(struct world *w, const char *job, const char *want)
{
    struct buf why;
    buf_init(&why, BUF_TEXT_BOUND);
    desk_why(w->desk, slice_str(job), &why);
    CHECK_TEXT(want, buf_slice(&why));
    buf_fini(&why);
}

TEST(no_more_run_at_once_than_the_service_allows)
{
    struct world w;
    world_open(&w);
    limit(&w, 2, 0);
    work_begins(&w, 10);
    for (int i = 0; i < 3; i++)
        CHECK_ERR(ERR_OK, submit(&w));
    CHECK_INT(2, w.assigned.count);
    check_why(&w, w.done.job, "as many jobs of its service run as services.NAME.concurrency allows");
    struct desk_outcome o = {.job = slice_str(w.assigned.job), .token = w.assigned.token, .succeeded = true};
    CHECK_ERR(ERR_OK, desk_finish(w.desk, &o, on_done, &w));
    turn(&w);
    CHECK_INT(3, w.assigned.count);
    check_why(&w, w.assigned.job, "");
    world_close(&w);
}

TEST(a_rate_lets_jobs_begin_evenly_and_saves_nothing_up)
{
    struct world w;
    world_open(&w);
    limit(&w, 0, 60);
    work_begins(&w, 10);
    wait_us(&w, 10 * NOW_US_PER_S);
    for (int i = 0; i < 3; i++)
        CHECK_ERR(ERR_OK, submit(&w));
    CHECK_INT(1, w.assigned.count);
    check_why(&w, w.done.job, "jobs of its service begin as fast as services.NAME.per_minute allows");
    wait_us(&w, NOW_US_PER_S - 1);
    CHECK_INT(1, w.assigned.count);
    wait_us(&w, 1 + NOW_US_PER_MS);
    CHECK_INT(2, w.assigned.count);
    wait_us(&w, NOW_US_PER_S + NOW_US_PER_MS);
    CHECK_INT(3, w.assigned.count);
    world_close(&w);
}

/* Of one key, or of none. */
static void submit_keyed(struct world *w, const char *labels, uint32_t priority)
{
    struct record_request request = {.method = SLICE("POST"), .path = SLICE("/train")};
    struct desk_submit s = {
        .service = SLICE("trainer"),
        .caller = SLICE("spiffe://example.org/web"),
        .labels = slice_str(labels),
        .request = &request,
        .priority = priority,
    };
    CHECK_ERR(ERR_OK, desk_submit(w->desk, &s, on_done, w));
    turn(w);
}

static void limit_keys(struct world *w, uint32_t concurrency, uint32_t per_minute)
{
    struct desk_service_conf service = {
        .name = SLICE("trainer"), .attempts = 5, .key_concurrency = concurrency, .key_per_minute = per_minute};
    desk_service(w->desk, &service);
}

static void count_aside(void *arg, const struct desk_count *count)
{
    *(size_t *)arg = count->aside;
}

static size_t aside(const struct world *w)
{
    size_t n = 0;
    desk_each_service(w->desk, count_aside, &n);
    return n;
}

TEST(jobs_of_one_key_run_one_after_the_other_and_hold_up_nobody)
{
    struct world w;
    char second[JOB_ID + 1], urgent[JOB_ID + 1];
    world_open(&w);
    limit_keys(&w, 1, 0);
    work_begins(&w, 10);
    submit_keyed(&w, "@a", 5);
    submit_keyed(&w, "@a", 5);
    memcpy(second, w.done.job, sizeof(second));
    submit_keyed(&w, "@a", 9);
    memcpy(urgent, w.done.job, sizeof(urgent));
    CHECK_INT(1, w.assigned.count);
    CHECK_INT(2, aside(&w));
    check_why(&w, second, "as many jobs of its key (weft-key) run as services.NAME.key_concurrency allows");
    char first[JOB_ID + 1];
    memcpy(first, w.assigned.job, sizeof(first));
    submit_keyed(&w, "@b", 5);
    submit_keyed(&w, "", 0);
    CHECK_INT(3, w.assigned.count);
    memcpy(w.assigned.job, first, sizeof(first));
    CHECK_ERR(ERR_OK, finish(&w, 1, true, 0));
    CHECK_INT(4, w.assigned.count);
    CHECK_TEXT(urgent, slice_str(w.assigned.job));
    CHECK_ERR(ERR_OK, finish(&w, 1, true, 0));
    CHECK_INT(5, w.assigned.count);
    CHECK_TEXT(second, slice_str(w.assigned.job));
    CHECK_INT(0, aside(&w));
    world_close(&w);
}

TEST(a_key_is_free_while_its_job_waits_for_another_attempt)
{
    struct world w;
    world_open(&w);
    limit_keys(&w, 1, 0);
    work_begins(&w, 10);
    submit_keyed(&w, "@a", 5);
    submit_keyed(&w, "@a", 5);
    CHECK_ERR(ERR_OK, finish(&w, 1, false, BACKOFF_FAILED));
    CHECK_INT(2, w.assigned.count);
    wait_us(&w, 5 * NOW_US_PER_S); /* the first one's delay has passed */
    CHECK_INT(2, w.assigned.count);
    CHECK_INT(1, aside(&w));
    CHECK_ERR(ERR_OK, finish(&w, 1, true, 0));
    CHECK_INT(3, w.assigned.count);
    CHECK_INT(2, w.assigned.attempt);
    world_close(&w);
}

TEST(a_job_that_is_cancelled_aside_or_at_its_turn_leaves_the_key_to_the_next)
{
    struct world w;
    char jobs[3][JOB_ID + 1];
    world_open(&w);
    limit_keys(&w, 1, 0);
    work_begins(&w, 1);
    submit_keyed(&w, "@a", 5);
    for (int i = 0; i < 3; i++) {
        submit_keyed(&w, "@a", 5);
        memcpy(jobs[i], w.done.job, sizeof(jobs[i]));
    }
    CHECK_INT(3, aside(&w));
    CHECK_ERR(ERR_OK, desk_cancel(w.desk, slice_str(jobs[0]), on_done, &w));
    turn(&w);
    CHECK_INT(2, aside(&w));
    CHECK_ERR(ERR_OK, finish(&w, 1, true, 0)); /* the next has its turn, and there is no credit */
    CHECK_INT(1, w.assigned.count);
    CHECK_INT(1, aside(&w));
    CHECK_ERR(ERR_OK, desk_cancel(w.desk, slice_str(jobs[1]), on_done, &w));
    desk_credit(w.desk, SLICE("trainer"), &w.worker, 1, 1 << 20);
    turn(&w);
    CHECK_INT(2, w.assigned.count);
    CHECK_TEXT(jobs[2], slice_str(w.assigned.job));
    world_close(&w);
}

TEST(jobs_of_one_key_begin_no_faster_than_its_rate)
{
    struct world w;
    world_open(&w);
    limit_keys(&w, 0, 60);
    work_begins(&w, 10);
    for (int i = 0; i < 3; i++)
        submit_keyed(&w, "@a", 5);
    submit_keyed(&w, "@b", 5);
    CHECK_INT(2, w.assigned.count);
    CHECK_INT(2, aside(&w));
    wait_us(&w, NOW_US_PER_S - 1);
    CHECK_INT(2, w.assigned.count);
    wait_us(&w, 1 + NOW_US_PER_MS);
    CHECK_INT(3, w.assigned.count);
    wait_us(&w, NOW_US_PER_S + NOW_US_PER_MS);
    CHECK_INT(4, w.assigned.count);
    CHECK_INT(0, aside(&w));
    world_close(&w);
}

TEST(limits_of_keys_that_are_lifted_hold_back_nothing_more)
{
    struct world w;
    world_open(&w);
    limit_keys(&w, 1, 0);
    work_begins(&w, 10);
    for (int i = 0; i < 4; i++)
        submit_keyed(&w, "@a", 5);
    CHECK_INT(1, w.assigned.count);
    limit_keys(&w, 0, 0);
    turn(&w);
    CHECK_INT(4, w.assigned.count);
    world_close(&w);
}

TEST(a_job_of_the_key_that_nobody_can_run_holds_up_no_other)
{
    struct world w;
    world_open(&w);
    limit_keys(&w, 1, 0);
    work_begins(&w, 10);
    submit_keyed(&w, "@a", 5);
    submit_keyed(&w, "gpu=h100,@a", 9);
    submit_keyed(&w, "@a", 5);
    char last[JOB_ID + 1];
    memcpy(last, w.done.job, sizeof(last));
    CHECK_INT(1, w.assigned.count);
    CHECK_ERR(ERR_OK, finish(&w, 1, true, 0));
    CHECK_INT(2, w.assigned.count);
    CHECK_TEXT(last, slice_str(w.assigned.job));
    world_close(&w);
}

TEST(a_paused_service_takes_jobs_and_runs_none)
{
    struct world w;
    world_open(&w);
    work_begins(&w, 10);
    CHECK_ERR(ERR_ABSENT, desk_pause(w.desk, SLICE("painter"), true));
    CHECK_ERR(ERR_OK, desk_pause(w.desk, SLICE("trainer"), true));
    CHECK_ERR(ERR_OK, submit(&w));
    CHECK_INT(0, w.assigned.count);
    check_why(&w, w.done.job, "its service is paused: weft job resume lets it go on");
    CHECK_ERR(ERR_OK, desk_pause(w.desk, SLICE("trainer"), false));
    turn(&w);
    CHECK_INT(1, w.assigned.count);
    world_close(&w);
}

TEST(a_job_that_waits_says_for_what)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit(&w));
    check_why(&w, w.done.job, "no sidecar of its service is connected");
    work_begins(&w, 1);
    CHECK_ERR(ERR_OK, submit(&w));
    check_why(&w, w.done.job, "1 jobs of its service are ready and 1 run: its 1 sidecars have no place free for it");
    CHECK_ERR(ERR_OK, submit_with(&w, "", "{}", 5000, 0));
    check_why(&w, w.done.job, "it is due in 5 s");
    check_why(&w, "01HF7YAT000000000000000009", "");
    world_close(&w);
}

static enum err submit_labelled(struct world *w, const char *labels, uint32_t priority)
{
    struct record_request request = {.method = SLICE("POST"), .path = SLICE("/train"), .body = SLICE("{}")};
    struct desk_submit s = {
        .service = SLICE("trainer"),
        .caller = SLICE("spiffe://example.org/web"),
        .labels = slice_str(labels),
        .request = &request,
        .priority = priority,
    };
    enum err e = desk_submit(w->desk, &s, on_done, w);
    turn(w);
    return e;
}

TEST(a_job_that_nobody_can_run_holds_up_nobody)
{
    struct world w;
    world_open(&w);
    w.worker.labels = SLICE("");
    work_begins(&w, 10);
    CHECK_ERR(ERR_OK, submit_labelled(&w, "gpu=h100", 9));
    check_why(&w, w.done.job, "no sidecar of its service that is connected has what it needs: gpu=h100");
    CHECK_ERR(ERR_OK, submit(&w));
    CHECK_INT(1, w.assigned.count);
    w.worker.labels = SLICE("gpu=h100");
    desk_credit(w.desk, SLICE("trainer"), &w.worker, 1, 0);
    turn(&w);
    CHECK_INT(2, w.assigned.count);
    world_close(&w);
}

TEST(jobs_with_labels_count_among_their_callers_jobs_and_come_back_at_start)
{
    struct world w;
    struct recover_count found;
    world_open(&w); /* ten of a caller */
    for (int i = 0; i < 10; i++)
        CHECK_ERR(ERR_OK, i % 2 ? submit(&w) : submit_labelled(&w, "gpu=h100", 5));
    CHECK_ERR(ERR_FULL, submit(&w));
    CHECK_ERR(ERR_FULL, submit_labelled(&w, "gpu=h100", 5));
    desk_free(&w.desk);
    open_desk(&w, 10);
    desk_recover(w.desk, LEASE, &found);
    CHECK_INT(10, found.queued);
    CHECK_ERR(ERR_FULL, submit(&w));
    work_begins(&w, 10);
    CHECK_INT(5, w.assigned.count);
    world_close(&w);
}

TEST(priority_and_age_decide_between_jobs_with_labels_and_without)
{
    struct world w;
    world_open(&w);
    CHECK_ERR(ERR_OK, submit(&w));
    CHECK_ERR(ERR_OK, submit_labelled(&w, "gpu=h100", 9));
    struct dispatch_worker *me = &w.worker;
    CHECK_ERR(ERR_OK, desk_join(w.desk, SLICE("trainer"), me, 7));
    me->labels = SLICE("gpu=h100");
    desk_credit(w.desk, SLICE("trainer"), me, 1, 1 << 20);
    turn(&w);
    CHECK_INT(1, w.assigned.count);
    CHECK_TEXT(w.done.job, slice_str(w.assigned.job));
    world_close(&w);
}

TESTS_BEGIN()
TESTS_RUN(a_job_that_nobody_can_run_holds_up_nobody)
TESTS_RUN(jobs_with_labels_count_among_their_callers_jobs_and_come_back_at_start)
TESTS_RUN(priority_and_age_decide_between_jobs_with_labels_and_without)
TESTS_RUN(no_more_run_at_once_than_the_service_allows)
TESTS_RUN(a_rate_lets_jobs_begin_evenly_and_saves_nothing_up)
TESTS_RUN(jobs_of_one_key_run_one_after_the_other_and_hold_up_nobody)
TESTS_RUN(a_key_is_free_while_its_job_waits_for_another_attempt)
TESTS_RUN(a_job_that_is_cancelled_aside_or_at_its_turn_leaves_the_key_to_the_next)
TESTS_RUN(jobs_of_one_key_begin_no_faster_than_its_rate)
TESTS_RUN(limits_of_keys_that_are_lifted_hold_back_nothing_more)
TESTS_RUN(a_job_of_the_key_that_nobody_can_run_holds_up_no_other)
TESTS_RUN(a_paused_service_takes_jobs_and_runs_none)
TESTS_RUN(a_job_that_waits_says_for_what)
TESTS_RUN(a_job_reaches_a_worker_with_credit_and_is_done_once)
TESTS_RUN(a_result_that_comes_twice_under_its_token_is_fine_and_counts_once)
TESTS_RUN(one_slot_is_one_job_at_a_time)
TESTS_RUN(a_silent_worker_loses_its_job_and_its_late_result_is_refused)
TESTS_RUN(a_renewed_lease_outlives_any_job)
TESTS_RUN(the_third_crash_is_the_last)
TESTS_RUN(a_failure_waits_before_it_is_tried_again)
TESTS_RUN(what_is_refused_for_good_is_dead_at_once)
TESTS_RUN(a_release_costs_no_attempt_and_goes_to_the_next_credit)
TESTS_RUN(an_assignment_that_finds_nobody_is_given_back_uncharged)
TESTS_RUN(a_waiting_job_is_cancelled_at_once)
TESTS_RUN(a_running_job_is_cancelled_by_its_worker)
TESTS_RUN(the_same_key_is_the_same_job_and_another_request_is_a_conflict)
TESTS_RUN(the_eleventh_job_of_a_caller_is_too_many_for_a_bound_of_ten)
TESTS_RUN(a_service_nobody_configured_takes_no_job)
TESTS_RUN(a_job_whose_deadline_has_passed_is_dead_before_it_runs)
TESTS_RUN(a_deadline_that_passes_while_nobody_works_is_told_at_once)
TESTS_RUN(a_dead_job_comes_back_when_its_caller_asks)
TESTS_RUN(a_new_desk_over_the_same_store_lets_a_worker_take_up_what_it_runs)
TESTS_RUN(callers_take_turns_however_much_one_of_them_submits)
TESTS_RUN(jobs_of_one_millisecond_have_ascending_ids)
TESTS_RUN(progress_is_told_as_json_only_when_it_is)
TESTS_RUN(a_job_whose_request_is_damaged_is_dead)
TESTS_RUN(what_never_reached_its_worker_is_reclaimed_uncharged)
TESTS_END()
