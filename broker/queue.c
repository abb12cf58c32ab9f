#include "broker/queue.h"

#include "base/check.h"
#include "base/mem.h"

/* One caller at one priority: his ready jobs, and his place among those whose turn comes. */
struct line {
    struct list jobs;
    struct list turn;
};

struct account {
    size_t live;
    uint64_t bytes;
    size_t ready; /* in all lines */
    struct line lines[JOB_PRIORITIES];
    size_t len;
    char caller[];
};

static bool due_before(const struct heap_node *a, const struct heap_node *b)
{
    const struct job *one = HEAP_OF(a, const struct job, in_delay);
    const struct job *two = HEAP_OF(b, const struct job, in_delay);
    if (one->due_ms != two->due_ms)
        return one->due_ms < two->due_ms;
    return strcmp(one->id, two->id) < 0;
}

void queue_init(struct queue *q, const struct queue_bounds *bounds)
{
    *q = (struct queue){.bounds = *bounds};
    if (q->bounds.jobs == 0)
        q->bounds.jobs = QUEUE_JOBS;
    for (unsigned i = 0; i < JOB_PRIORITIES; i++)
        list_init(&q->turns[i]);
    heap_init(&q->delayed, due_before);
}

void queue_fini(struct queue *q)
{
    size_t at = 0;
    for (struct account *a = map_next(&q->accounts, &at); a; a = map_next(&q->accounts, &at)) {
        PRE(a->ready == 0);
        mem_free(a);
    }
    map_fini(&q->accounts);
    heap_fini(&q->delayed);
}

static struct account *account_new(struct queue *q, struct slice caller)
{
    struct account *a = mem_new(sizeof(*a) + caller.len);

    a->len = caller.len;
    if (caller.len > 0)
        memcpy(a->caller, caller.at, caller.len);
    for (unsigned i = 0; i < JOB_PRIORITIES; i++) {
        list_init(&a->lines[i].jobs);
        list_init(&a->lines[i].turn);
    }
    (void)map_put(&q->accounts, slice_of(a->caller, a->len), a);
    return a;
}

static struct account *account_get(const struct queue *q, struct slice caller)
{
    struct account *a = q->recent;
    return a && slice_eq(slice_of(a->caller, a->len), caller) ? a : map_get(&q->accounts, caller);
}

static bool has_room(const struct queue *q, const struct account *a, uint64_t size)
{
    size_t live = a ? a->live : 0;
    uint64_t bytes = a ? a->bytes : 0;
    if (live >= q->bounds.jobs)
        return false;
    return q->bounds.bytes == 0 || (bytes <= q->bounds.bytes && size <= q->bounds.bytes - bytes);
}

void queue_enrol(struct queue *q, struct slice caller, uint64_t size)
{
    struct account *a = account_get(q, caller);
    if (!a)
        a = account_new(q, caller);
    q->recent = a;
    a->live++;
    a->bytes += size;
    if (q->of)
        queue_enrol(q->of, caller, size);
}

enum err queue_admit(struct queue *q, struct slice caller, uint64_t size)
{
    const struct queue *whole = q->of ? q->of : q;
    if (!has_room(whole, account_get(whole, caller), size))
        return ERR_FULL;
    queue_enrol(q, caller, size);
    return ERR_OK;
}

void queue_forget(struct queue *q, struct slice caller, uint64_t size)
{
    struct account *a = account_get(q, caller);
    PRE(a && a->live > 0 && a->bytes >= size);
    a->live--;
    a->bytes -= size;
    if (q->of)
        queue_forget(q->of, caller, size);
    if (a->live > 0)
        return;
    PRE(a->ready == 0);
    if (q->recent == a)
        q->recent = NULL;
    (void)map_del(&q->accounts, caller);
    mem_free(a);
}

size_t queue_live(const struct queue *q, struct slice caller)
{
    const struct account *a = account_get(q, caller);
    return a ? a->live : 0;
}

static struct account *account_of(const struct queue *q, const struct job *j)
{
    struct account *a = account_get(q, job_caller(j));
    PRE(a && j->priority < JOB_PRIORITIES);
    return a;
}

void queue_put(struct queue *q, struct job *j)
{
    PRE(j->place == JOB_NOWHERE);
    if (job_state(j) == JOB_DELAYED) {
        j->place = JOB_IN_DELAY;
        j->in_delay = (struct heap_node){0};
        heap_push(&q->delayed, &j->in_delay);
        return;
    }
    PRE(job_state(j) == JOB_QUEUED);
    struct account *a = account_of(q, j);
    struct line *line = &a->lines[j->priority];
    if (list_empty(&line->jobs))
        list_push_back(&q->turns[j->priority], &line->turn);
    list_init(&j->in_line);
    list_push_back(&line->jobs, &j->in_line);
    j->place = JOB_IN_LINE;
    a->ready++;
    q->ready++;
}

static struct line *first_line(const struct queue *q)
{
    for (unsigned i = JOB_PRIORITIES; i-- > 0;) {
        struct list *turn = list_first(&q->turns[i]);
        if (turn)
            return LIST_OF(turn, struct line, turn);
    }
    return NULL;
}

struct job *queue_first(const struct queue *q)
{
    struct line *line = first_line(q);
    return line ? LIST_OF(list_first(&line->jobs), struct job, in_line) : NULL;
}

/* Out of its line, which loses its turn when it is empty. */
static struct line *take_out(struct queue *q, struct job *j)
{
    struct account *a = account_of(q, j);
    struct line *line = &a->lines[j->priority];
    list_remove(&j->in_line);
    j->place = JOB_NOWHERE;
    if (list_empty(&line->jobs))
        list_remove(&line->turn);
    a->ready--;
    q->ready--;
    return line;
}

struct job *queue_take(struct queue *q)
{
    struct job *j = queue_first(q);
    if (!j)
        return NULL;
    struct line *line = take_out(q, j);
    if (!list_empty(&line->jobs)) {
        list_remove(&line->turn);
        list_push_back(&q->turns[j->priority], &line->turn);
    }
    return j;
}

void queue_set_aside(struct queue *q, struct job *j, struct list *where)
{
    (void)take_out(q, j);
    list_push_back(where, &j->in_line);
    j->place = JOB_ASIDE;
    q->aside++;
}

static void leave_aside(struct queue *q, struct job *j)
{
    list_remove(&j->in_line);
    j->place = JOB_NOWHERE;
    q->aside--;
}

void queue_put_back(struct queue *q, struct job *j)
{
    PRE(j->place == JOB_ASIDE);
    leave_aside(q, j);
    struct account *a = account_of(q, j);
    struct line *line = &a->lines[j->priority];
    if (list_empty(&line->jobs))
        list_push_front(&q->turns[j->priority], &line->turn);
    list_push_front(&line->jobs, &j->in_line);
    j->place = JOB_IN_LINE;
    a->ready++;
    q->ready++;
}

static void leave_delay(struct queue *q, struct job *j)
{
    heap_remove(&q->delayed, &j->in_delay);
    j->place = JOB_NOWHERE;
}

void queue_remove(struct queue *q, struct job *j)
{
    if (j->place == JOB_IN_DELAY)
        leave_delay(q, j);
    else if (j->place == JOB_IN_LINE)
        (void)take_out(q, j);
    else if (j->place == JOB_ASIDE)
        leave_aside(q, j);
}

static struct job *first_delayed(const struct queue *q)
{
    struct heap_node *n = heap_first(&q->delayed);
    return n ? HEAP_OF(n, struct job, in_delay) : NULL;
}

bool queue_next_due(const struct queue *q, int64_t *due_ms)
{
    const struct job *j = first_delayed(q);
    if (j)
        *due_ms = j->due_ms;
    return j != NULL;
}

struct job *queue_due(struct queue *q, int64_t now_ms)
{
    struct job *j = first_delayed(q);
    if (!j || j->due_ms > now_ms)
        return NULL;
    leave_delay(q, j);
    return j;
}
