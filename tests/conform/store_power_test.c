/* A loss of power at any write or flush takes back nothing that was acknowledged. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "broker/store_lmdb.h"
#include "tests/kit/power.h"
#include "tests/kit/t.h"

enum { JOBS = 1500, CUTS = 48 };

/* One job's way: submitted, leased, done; each step begins when the one before was acknowledged. */
struct walk {
    struct run *run;
    char id[JOB_ID + 1];
    atomic_int acked; /* steps */
    unsigned number;
};

struct cut {
    char folder[80];
    uint8_t acked[JOBS]; /* as they were when the power went */
};

struct run {
    struct loop *loop;
    struct store *store;
    struct walk *walks;
    struct cut *cuts;
    char folder[48];
    unsigned jobs, in_flight, batch; /* how much load there is */
    unsigned checkpoint;
    unsigned every;        /* so many calls are between two cuts */
    unsigned replay_every; /* so many jobs, one is submitted twice */
    unsigned begun, over, calls, cut_count;
};

static void go_on(struct walk *w);

static void begin(struct run *r)
{
    if (r->begun == r->jobs)
        return;
    struct walk *w = &r->walks[r->begun];
    const uint8_t random[10] = {1};
    w->run = r;
    w->number = r->begun++;
    job_id_make(w->id, 1000 + w->number, random);
    go_on(w);
}

static void acked(void *arg, const struct store_answer *answer)
{
    struct walk *w = arg;
    CHECK_ERR(ERR_OK, answer->e);
    if (atomic_fetch_add(&w->acked, 1) + 1 < 3) {
        go_on(w);
        return;
    }
    w->run->over++;
    begin(w->run);
}

/* The same key again, from a caller who has no answer yet: the answer must be as durable as the first. */
static void replayed(void *arg, const struct store_answer *answer)
{
    struct walk *w = arg;
    CHECK_ERR(ERR_OK, answer->e);
    CHECK(answer->replayed);
    int none = 0;
    atomic_compare_exchange_strong(&w->acked, &none, 1);
}

static void go_on(struct walk *w)
{
    static const enum job_state states[] = {JOB_QUEUED, JOB_LEASED, JOB_DONE};
    static char body[1024] = "a result";
    int step = atomic_load(&w->acked);
    struct record_request request = {.method = SLICE("POST"), .path = SLICE("/"), .body = slice_of(body, 1024)};
    struct record_result result = {.status = 200, .body = slice_of(body, 1024)};
    struct store_change c = {
        .job = {.id = slice_str(w->id),
                .service = SLICE("trainer"),
                .caller = SLICE("web"),
                .state = states[step],
                .token = step > 0,
                .attempts = 1,
                .submitted_ms = 1,
                .ended_ms = step == 2 ? 2 : 0,
                .events = (uint64_t)step + 1},
        .guard = step == 2,
        .request = step == 0 ? &request : NULL,
        .result = step == 2 ? &result : NULL,
        .event = {.name = SLICE("step"), .at_ms = 1, .data = SLICE("{}")},
    };
    if (step == 0)
        request.key = slice_str(w->id);
    store_apply(w->run->store, &c, acked, w);
    if (step > 0 || w->number % w->run->replay_every)
        return;
    char other[JOB_ID + 1];
    const uint8_t random[10] = {2};
    job_id_make(other, 900000 + w->number, random);
    c.job.id = slice_str(other);
    store_apply(w->run->store, &c, replayed, w);
}

static void maybe_cut(void *arg, struct power *p)
{
    struct run *r = arg;
    if (++r->calls % r->every || r->cut_count == CUTS)
        return;
    struct cut *c = &r->cuts[r->cut_count];
    char file[100];
    (void)usleep(2000); /* an answer that is under way counts: it could have been sent */
    for (unsigned i = 0; i < JOBS; i++)
        c->acked[i] = (uint8_t)atomic_load(&r->walks[i].acked);
    snprintf(c->folder, sizeof(c->folder), "%s/cut%u", r->folder, r->cut_count++);
    snprintf(file, sizeof(file), "mkdir -p %s", c->folder);
    CHECK_INT(0, system(file));
    power_cut(p, c->folder);
}

static int steps_in(struct store *s, const char *id)
{
    struct record_job job;
    struct record_request request;
    struct record_result result;
    enum err e = store_read_job(s, slice_str(id), &job);
    if (e == ERR_ABSENT)
        return 0;
    CHECK_ERR(ERR_OK, e);
    CHECK_ERR(ERR_OK, store_read_request(s, slice_str(id), &request));
    CHECK_ERR(job.state == JOB_DONE ? ERR_OK : ERR_ABSENT, store_read_result(s, slice_str(id), &result));
    return job.state == JOB_DONE ? 3 : job.state == JOB_LEASED ? 2 : 1;
}

static void count_live(void *arg, const struct record_job *job)
{
    (void)job;
    ++*(size_t *)arg;
}

/* Everything acknowledged before the cut is there, and all that is there is whole. */
static size_t check_cut(struct run *r, const struct cut *c)
{
    struct store_lmdb_conf conf = {.folder = c->folder};
    struct store *s;
    struct store_stats stats;
    const char *why = "";
    size_t there = 0, live = 0, known = 0;
    CHECK_ERR(ERR_OK, store_lmdb_open(r->loop, &conf, &s, &why));
    for (unsigned i = 0; i < r->begun; i++) {
        int steps = steps_in(s, r->walks[i].id);
        CHECK(steps >= c->acked[i]);
        there += c->acked[i];
        live += steps > 0 && steps < 3;
    }
    store_each_live(s, count_live, &known);
    CHECK_INT(live, known);
    store_stats(s, &stats);
    CHECK_INT(0, stats.damaged);
    store_close(&s);
    return there;
}

static void open_store(struct run *r)
{
    struct store_lmdb_conf conf = {.folder = r->folder, .batch = r->batch, .checkpoint = r->checkpoint};
    const char *why = "";
    CHECK_ERR(ERR_OK, store_lmdb_open(r->loop, &conf, &r->store, &why));
}

static void run_all(struct run *r)
{
    open_store(r);
    for (unsigned i = 0; i < r->in_flight; i++)
        begin(r);
    while (r->over < r->jobs)
        loop_turn(r->loop, true);
}

static void cut_often(struct run *r, struct store_stats *stats)
{
    char command[80];
    size_t there = 0;
    r->loop = loop_new();
    r->walks = mem_array(JOBS, sizeof(*r->walks));
    r->cuts = mem_array(CUTS, sizeof(*r->cuts));
    strcpy(r->folder, "/tmp/weft-power-XXXXXX");
    CHECK(mkdtemp(r->folder) != NULL);
    open_store(r);
    store_close(&r->store);
    struct power_files files = {r->folder, {"data.mdb", "journal"}};
    struct power *p = power_on(&files, 88172645463325252u, maybe_cut, r);
    run_all(r);
    store_stats(r->store, stats);
    store_close(&r->store);
    power_off(&p);
    CHECK_INT(CUTS, r->cut_count);
    for (unsigned i = 0; i < CUTS; i++)
        there += check_cut(r, &r->cuts[i]);
    CHECK(there > 0);
    loop_free(&r->loop);
    mem_free(r->walks);
    mem_free(r->cuts);
    snprintf(command, sizeof(command), "rm -rf %s", r->folder);
    CHECK_INT(0, system(command));
}

TEST(a_loss_of_power_takes_back_nothing_acknowledged)
{
    struct run r = {.jobs = JOBS, .in_flight = 40, .batch = 16, .checkpoint = 20, .every = 29, .replay_every = 7};
    struct store_stats stats;
    cut_often(&r, &stats);
    printf("%llu commits, %llu flushes\n", (unsigned long long)stats.commits, (unsigned long long)stats.flushes);
    CHECK(stats.flushes < stats.commits * 3 / 2); /* under load one commit is one flush */
}

/* A batch that only finds keys it knows writes nothing, so its commit flushes nothing. */
TEST(a_repeated_submit_is_as_durable_as_the_first)
{
    struct run r = {.jobs = 24, .in_flight = 1, .batch = 1, .checkpoint = 5, .every = 1, .replay_every = 1};
    struct store_stats stats;
    cut_often(&r, &stats);
}

TESTS_BEGIN()
TESTS_RUN(a_loss_of_power_takes_back_nothing_acknowledged)
TESTS_RUN(a_repeated_submit_is_as_durable_as_the_first)
TESTS_END()
