#include "broker/queue.h"

#include <stdio.h>

#include "tests/kit/t.h"

struct yard {
    struct job_table jobs;
    struct queue queue;
};

static void yard_init(struct yard *y, struct queue_bounds bounds)
{
    *y = (struct yard){0};
    queue_init(&y->queue, &bounds);
}

static void yard_fini(struct yard *y)
{
    size_t at = 0;
    for (struct job *j = job_next(&y->jobs, &at); j; j = job_next(&y->jobs, &at)) {
        queue_remove(&y->queue, j);
        queue_forget(&y->queue, job_caller(j), j->size);
    }
    CHECK_INT(0, y->queue.accounts.count);
    queue_fini(&y->queue);
    job_table_fini(&y->jobs);
}

/* The n-th job of a caller. */
static struct job *make(struct yard *y, unsigned n, const char *caller, unsigned priority, enum job_state state)
{
    char id[JOB_ID + 1];
    snprintf(id, sizeof(id), "%026u", n);
    struct job *j = job_new(
        &y->jobs, &(struct job_spec){slice_str(id), SLICE("s"), slice_str(caller), SLICE("o"), SLICE(""), state});
    j->priority = (uint8_t)priority;
    return j;
}

static struct job *put(struct yard *y, unsigned n, const char *caller, unsigned priority)
{
    struct job *j = make(y, n, caller, priority, JOB_QUEUED);
    CHECK_ERR(ERR_OK, queue_admit(&y->queue, slice_str(caller), 0));
    queue_put(&y->queue, j);
    return j;
}

static unsigned take(struct yard *y)
{
    struct job *first = queue_first(&y->queue);
    struct job *j = queue_take(&y->queue);
    CHECK(first == j);
    unsigned n = 0;
    if (j)
        CHECK(sscanf(j->id, "%u", &n) == 1);
    return n;
}

TEST(first_in_is_first_out)
{
    struct yard y;
    yard_init(&y, (struct queue_bounds){0});
    for (unsigned n = 1; n <= 3; n++)
        (void)put(&y, n, "a", 5);
    CHECK_INT(3, queue_ready(&y.queue));
    CHECK_INT(1, take(&y));
    CHECK_INT(2, take(&y));
    CHECK_INT(3, take(&y));
    CHECK_INT(0, take(&y));
    CHECK_INT(0, queue_ready(&y.queue));
    yard_fini(&y);
}

TEST(nine_goes_before_eight)
{
    struct yard y;
    yard_init(&y, (struct queue_bounds){0});
    (void)put(&y, 1, "a", 0);
    (void)put(&y, 2, "a", 8);
    (void)put(&y, 3, "b", 9);
    CHECK_INT(3, take(&y));
    CHECK_INT(2, take(&y));
    CHECK_INT(1, take(&y));
    yard_fini(&y);
}

TEST(a_flood_delays_only_its_own_caller)
{
    struct yard y;
    yard_init(&y, (struct queue_bounds){0});
    for (unsigned n = 1; n <= 100; n++)
        (void)put(&y, n, "flood", 5);
    (void)put(&y, 101, "b", 5);
    (void)put(&y, 102, "b", 5);
    (void)put(&y, 103, "c", 5);
    const unsigned order[] = {1, 101, 103, 2, 102, 3, 4, 5};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        CHECK_INT(order[i], take(&y));
    yard_fini(&y);
}

TEST(a_caller_who_returns_waits_for_his_turn)
{
    struct yard y;
    yard_init(&y, (struct queue_bounds){0});
    (void)put(&y, 1, "a", 5);
    (void)put(&y, 2, "b", 5);
    (void)put(&y, 3, "b", 5);
    CHECK_INT(1, take(&y));
    (void)put(&y, 4, "a", 5);
    CHECK_INT(2, take(&y));
    CHECK_INT(4, take(&y));
    CHECK_INT(3, take(&y));
    yard_fini(&y);
}

TEST(a_job_leaves_from_the_middle)
{
    struct yard y;
    yard_init(&y, (struct queue_bounds){0});
    (void)put(&y, 1, "a", 5);
    struct job *middle = put(&y, 2, "a", 5);
    (void)put(&y, 3, "a", 5);
    struct job *alone = put(&y, 4, "b", 5);
    queue_remove(&y.queue, middle);
    queue_remove(&y.queue, middle);
    queue_remove(&y.queue, alone);
    CHECK_INT(2, queue_ready(&y.queue));
    CHECK_INT(1, take(&y));
    CHECK_INT(3, take(&y));
    CHECK_INT(0, take(&y));
    yard_fini(&y);
}

static struct job *delay(struct yard *y, unsigned n, int64_t due_ms)
{
    struct job *j = make(y, n, "a", 5, JOB_DELAYED);
    j->due_ms = due_ms;
    queue_enrol(&y->queue, SLICE("a"), 0);
    queue_put(&y->queue, j);
    return j;
}

TEST(delayed_jobs_come_out_when_due_earliest_first)
{
    struct yard y;
    int64_t due;
    yard_init(&y, (struct queue_bounds){0});
    CHECK(!queue_next_due(&y.queue, &due));
    struct job *late = delay(&y, 1, 300), *early = delay(&y, 2, 100), *middle = delay(&y, 3, 200);
    CHECK_INT(3, queue_delayed(&y.queue));
    CHECK(queue_next_due(&y.queue, &due));
    CHECK_INT(100, due);
    CHECK(queue_due(&y.queue, 99) == NULL);
    CHECK(queue_due(&y.queue, 250) == early);
    CHECK(queue_due(&y.queue, 250) == middle);
    CHECK(queue_due(&y.queue, 250) == NULL);
    CHECK_INT(0, take(&y));
    queue_remove(&y.queue, late);
    CHECK(!queue_next_due(&y.queue, &due));
    job_move(&y.jobs, early, JOB_QUEUED);
    queue_put(&y.queue, early);
    CHECK_INT(2, take(&y));
    yard_fini(&y);
}

TEST(jobs_due_together_come_oldest_first)
{
    struct yard y;
    yard_init(&y, (struct queue_bounds){0});
    struct job *younger = delay(&y, 2, 100), *older = delay(&y, 1, 100);
    CHECK(queue_due(&y.queue, 100) == older);
    CHECK(queue_due(&y.queue, 100) == younger);
    yard_fini(&y);
}

TEST(a_caller_is_bounded_in_jobs)
{
    struct yard y;
    yard_init(&y, (struct queue_bounds){.jobs = 2});
    CHECK_ERR(ERR_OK, queue_admit(&y.queue, SLICE("a"), 0));
    CHECK_ERR(ERR_OK, queue_admit(&y.queue, SLICE("a"), 0));
    CHECK_ERR(ERR_FULL, queue_admit(&y.queue, SLICE("a"), 0));
    CHECK_ERR(ERR_OK, queue_admit(&y.queue, SLICE("b"), 0));
    CHECK_INT(2, queue_live(&y.queue, SLICE("a")));
    queue_forget(&y.queue, SLICE("a"), 0);
    CHECK_ERR(ERR_OK, queue_admit(&y.queue, SLICE("a"), 0));
    queue_forget(&y.queue, SLICE("a"), 0);
    queue_forget(&y.queue, SLICE("a"), 0);
    queue_forget(&y.queue, SLICE("b"), 0);
    CHECK_INT(0, queue_live(&y.queue, SLICE("a")));
    yard_fini(&y);
}

TEST(a_caller_is_bounded_in_bytes)
{
    struct yard y;
    yard_init(&y, (struct queue_bounds){.bytes = 100});
    CHECK_ERR(ERR_OK, queue_admit(&y.queue, SLICE("a"), 60));
    CHECK_ERR(ERR_FULL, queue_admit(&y.queue, SLICE("a"), 41));
    CHECK_ERR(ERR_FULL, queue_admit(&y.queue, SLICE("a"), UINT64_MAX));
    CHECK_ERR(ERR_OK, queue_admit(&y.queue, SLICE("a"), 40));
    CHECK_ERR(ERR_FULL, queue_admit(&y.queue, SLICE("b"), 101));
    CHECK_INT(0, queue_live(&y.queue, SLICE("b")));
    queue_forget(&y.queue, SLICE("a"), 60);
    queue_forget(&y.queue, SLICE("a"), 40);
    yard_fini(&y);
}

TEST(a_hundred_thousand_jobs_are_the_bound_by_default)
{
    struct yard y;
    yard_init(&y, (struct queue_bounds){0});
    for (unsigned i = 0; i < 100000; i++)
        CHECK_ERR(ERR_OK, queue_admit(&y.queue, SLICE("a"), 1000));
    CHECK_ERR(ERR_FULL, queue_admit(&y.queue, SLICE("a"), 0));
    queue_enrol(&y.queue, SLICE("a"), 1000); /* was promised */
    for (unsigned i = 0; i < 100001; i++)
        queue_forget(&y.queue, SLICE("a"), 1000);
    yard_fini(&y);
}

TESTS_BEGIN()
TESTS_RUN(first_in_is_first_out)
TESTS_RUN(nine_goes_before_eight)
TESTS_RUN(a_flood_delays_only_its_own_caller)
TESTS_RUN(a_caller_who_returns_waits_for_his_turn)
TESTS_RUN(a_job_leaves_from_the_middle)
TESTS_RUN(delayed_jobs_come_out_when_due_earliest_first)
TESTS_RUN(jobs_due_together_come_oldest_first)
TESTS_RUN(a_caller_is_bounded_in_jobs)
TESTS_RUN(a_caller_is_bounded_in_bytes)
TESTS_RUN(a_hundred_thousand_jobs_are_the_bound_by_default)
TESTS_END()
