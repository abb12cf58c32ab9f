#include "broker/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "broker/store_lmdb.h"
#include "tests/kit/t.h"

enum { JOBS = 60, BIG = 500000, ANSWERS = 10000 };

/* A desk over a database of 16 MiB, half of which is the reserve. */
struct world {
    char folder[32];
    struct now_hand hand;
    struct now now;
    struct loop *loop;
    struct due_clock *clock;
    struct metric_set *metrics;
    struct store *store;
    struct desk *desk;
    struct dispatch_worker worker;
    char jobs[JOBS][JOB_ID + 1]; /* as they were assigned */
    unsigned assigned, answers;
    enum err last;
};

static enum err on_assign(void *arg, uint64_t worker, const struct record_job *job)
{
    (void)worker;
    struct world *w = arg;
    CHECK_INT(1, job->token);
    memcpy(w->jobs[w->assigned++], job->id.at, JOB_ID);
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
    (void)job;
    (void)replayed;
    struct world *w = arg;
    w->answers++;
    w->last = e;
}

static void on_expired(void *arg, const struct store_answer *answer)
{
    struct world *w = arg;
    w->answers++;
    w->last = answer->e;
}

static void wait_for(struct world *w, unsigned answers, unsigned assigned)
{
    for (int i = 0; i < ANSWERS && (w->answers < answers || w->assigned < assigned); i++)
        loop_turn(w->loop, true);
    CHECK_INT(answers, w->answers);
    CHECK_INT(assigned, w->assigned);
}

static void world_open(struct world *w)
{
    *w = (struct world){.folder = "/tmp/weft-mend-XXXXXX", .hand = {.mono = 1, .wall = NOW_US_PER_S}};
    CHECK(mkdtemp(w->folder) != NULL);
    w->now = now_by_hand(&w->hand);
    w->loop = loop_new_by(&w->now);
    w->clock = due_clock_new(w->loop);
    w->metrics = metric_set_new();
    struct store_lmdb_conf store = {.folder = w->folder, .map_size = 16 << 20, .max_map_size = 16 << 20};
    const char *why;
    CHECK_ERR(ERR_OK, store_lmdb_open(w->loop, &store, &w->store, &why));
    struct desk_conf conf = {
        .loop = w->loop,
        .clock = w->clock,
        .store = w->store,
        .metrics = w->metrics,
        .lease_us = 30 * NOW_US_PER_S,
        .retention_us = NOW_US_PER_S,
        .assign = on_assign,
        .event = on_event,
        .cancel = on_cancel,
        .arg = w,
    };
    w->desk = desk_new(&conf);
    struct desk_service_conf service = {.name = SLICE("trainer"), .attempts = 5};
    desk_service(w->desk, &service);
}

static void world_close(struct world *w)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "journal", "broker.lock"};
    store_close(&w->store);
    desk_free(&w->desk);
    metric_set_free(&w->metrics);
    due_clock_free(&w->clock);
    loop_free(&w->loop);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s/%s", w->folder, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(w->folder);
}

static void lease_them_all(struct world *w)
{
    struct record_request request = {.method = SLICE("POST"), .path = SLICE("/train")};
    struct desk_submit submit = {
        .service = SLICE("trainer"),
        .caller = SLICE("spiffe://example.org/web"),
        .request = &request,
    };
    for (int i = 0; i < JOBS; i++)
        CHECK_ERR(ERR_OK, desk_submit(w->desk, &submit, on_done, w));
    wait_for(w, JOBS, 0);
    CHECK_ERR(ERR_OK, desk_join(w->desk, SLICE("trainer"), &w->worker, 7));
    desk_credit(w->desk, SLICE("trainer"), &w->worker, JOBS, DISPATCH_BYTES);
    wait_for(w, JOBS, JOBS);
}

static enum err finish(struct world *w, unsigned n, struct slice body)
{
    struct record_result result = {.status = 200, .body = body};
    struct desk_outcome o = {.job = slice_str(w->jobs[n]), .token = 1, .succeeded = true, .result = &result};
    CHECK_ERR(ERR_OK, desk_finish(w->desk, &o, on_done, w));
    wait_for(w, w->answers + 1, JOBS);
    return w->last;
}

TEST(a_result_that_found_no_room_may_be_said_again_under_its_token)
{
    struct world w;
    world_open(&w);
    lease_them_all(&w);
    char *big = mem_new(BIG);
    unsigned n = 0;
    while (n < JOBS - 1 && finish(&w, n, slice_of(big, BIG)) == ERR_OK)
        n++;
    mem_free(big);
    CHECK_ERR(ERR_FULL, w.last);
    CHECK_INT(JOBS - n, desk_leased(w.desk));
    bool cancelled;
    CHECK_ERR(ERR_OK, desk_renew(w.desk, slice_str(w.jobs[n]), 1, 7, &cancelled));

    store_expire(w.store, INT64_MAX / 2, on_expired, &w);
    wait_for(&w, w.answers + 1, JOBS);
    CHECK_ERR(ERR_OK, finish(&w, n, SLICE("out")));
    CHECK_INT(JOBS - n - 1, desk_leased(w.desk));
    struct record_job job;
    CHECK_ERR(ERR_OK, store_read_job(w.store, slice_str(w.jobs[n]), &job));
    CHECK_INT(JOB_DONE, job.state);
    world_close(&w);
}

TESTS_BEGIN()
TESTS_RUN(a_result_that_found_no_room_may_be_said_again_under_its_token)
TESTS_END()
