/* Laws of the queue, over moves drawn from a fixed seed: held against the plainest list, and fair. */
#include <stdio.h>

#include "broker/queue.h"
#include "tests/kit/t.h"

enum { MOVES = 20000, CALLERS = 7, MOST = 300 };

static uint64_t state;

static unsigned draw(unsigned below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 33) % below);
}

/* Everything ready, in the order of being put, and whose turn it is at each priority. */
struct model {
    struct job *jobs[MOST];
    size_t count;
    unsigned turns[JOB_PRIORITIES][CALLERS];
    size_t turn_count[JOB_PRIORITIES];
};

static unsigned caller_of(const struct job *j)
{
    return (unsigned)(job_caller(j).at[0] - 'a');
}

/* Place of the first job of `caller` at `priority`; `count` when there is none. */
static size_t first_of(const struct model *m, unsigned caller, unsigned priority)
{
    size_t i = 0;
    while (i < m->count && (caller_of(m->jobs[i]) != caller || m->jobs[i]->priority != priority))
        i++;
    return i;
}

static void end_turn(struct model *m, unsigned caller, unsigned priority)
{
    unsigned *turns = m->turns[priority];
    size_t kept = 0;
    for (size_t i = 0; i < m->turn_count[priority]; i++)
        if (turns[i] != caller)
            turns[kept++] = turns[i];
    m->turn_count[priority] = kept;
}

static void model_put(struct model *m, struct job *j)
{
    unsigned caller = caller_of(j);
    if (first_of(m, caller, j->priority) == m->count)
        m->turns[j->priority][m->turn_count[j->priority]++] = caller;
    m->jobs[m->count++] = j;
}

static void model_drop(struct model *m, size_t at)
{
    struct job *j = m->jobs[at];
    memmove(&m->jobs[at], &m->jobs[at + 1], (m->count - at - 1) * sizeof(struct job *));
    m->count--;
    if (first_of(m, caller_of(j), j->priority) == m->count)
        end_turn(m, caller_of(j), j->priority);
}

static struct job *model_take(struct model *m)
{
    for (unsigned p = JOB_PRIORITIES; p-- > 0;) {
        if (m->turn_count[p] == 0)
            continue;
        unsigned caller = m->turns[p][0];
        size_t at = first_of(m, caller, p);
        struct job *j = m->jobs[at];
        model_drop(m, at);
        end_turn(m, caller, p);
        if (first_of(m, caller, p) < m->count)
            m->turns[p][m->turn_count[p]++] = caller;
        return j;
    }
    return NULL;
}

struct yard {
    struct job_table jobs;
    struct queue queue;
    struct model model;
    unsigned made;
};

static void put_one(struct yard *y, unsigned priorities)
{
    char id[JOB_ID + 1];
    char caller[] = {(char)('a' + draw(CALLERS)), '\0'};
    snprintf(id, sizeof(id), "%026u", ++y->made);
    struct job *j = job_new(
        &y->jobs, &(struct job_spec){slice_str(id), SLICE("s"), slice_str(caller), SLICE("o"), SLICE(""), JOB_QUEUED});
    j->priority = (uint8_t)draw(priorities);
    queue_enrol(&y->queue, slice_str(caller), 0);
    queue_put(&y->queue, j);
    model_put(&y->model, j);
}

static void end_one(struct yard *y, struct job *j)
{
    queue_forget(&y->queue, job_caller(j), 0);
    job_free(&y->jobs, &j);
}

static void take_one(struct yard *y)
{
    struct job *want = model_take(&y->model);
    CHECK(queue_first(&y->queue) == want);
    CHECK(queue_take(&y->queue) == want);
    if (want)
        end_one(y, want);
}

static void remove_one(struct yard *y)
{
    if (y->model.count == 0)
        return;
    size_t at = draw((unsigned)y->model.count);
    struct job *j = y->model.jobs[at];
    model_drop(&y->model, at);
    queue_remove(&y->queue, j);
    end_one(y, j);
}

static void run(unsigned priorities, uint64_t seed)
{
    struct yard y = {0};
    state = seed;
    queue_init(&y.queue, &(struct queue_bounds){0});
    for (unsigned i = 0; i < MOVES; i++) {
        unsigned move = draw(10);
        if (move < 5 && y.model.count < MOST)
            put_one(&y, priorities);
        else if (move < 9)
            take_one(&y);
        else
            remove_one(&y);
        CHECK_INT(y.model.count, queue_ready(&y.queue));
    }
    while (y.model.count > 0)
        take_one(&y);
    CHECK(queue_take(&y.queue) == NULL);
    queue_fini(&y.queue);
    job_table_fini(&y.jobs);
}

TEST(a_queue_gives_what_a_plain_list_would)
{
    run(JOB_PRIORITIES, 11);
    run(3, 12);
    run(1, 13);
}

/* While a caller waits, no other is served twice. */
TEST(nobody_is_served_twice_before_one_who_waits)
{
    struct yard y = {0};
    unsigned served[CALLERS] = {0}; /* a bit for every other one served since each was */
    state = 14;
    queue_init(&y.queue, &(struct queue_bounds){0});
    for (unsigned i = 0; i < MOST; i++)
        put_one(&y, 1);
    while (y.model.count > 0) {
        unsigned caller = caller_of(queue_first(&y.queue));
        for (unsigned c = 0; c < CALLERS; c++) {
            if (c == caller || first_of(&y.model, c, 0) == y.model.count)
                continue;
            CHECK((served[c] & 1u << caller) == 0);
            served[c] |= 1u << caller;
        }
        served[caller] = 0;
        take_one(&y);
    }
    queue_fini(&y.queue);
    job_table_fini(&y.jobs);
}

TESTS_BEGIN()
TESTS_RUN(a_queue_gives_what_a_plain_list_would)
TESTS_RUN(nobody_is_served_twice_before_one_who_waits)
TESTS_END()
