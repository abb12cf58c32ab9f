#include "broker/deadline.h"

#include "base/mem.h"

struct entry {
    struct heap_node node;
    int64_t at_ms;
    char job[JOB_ID + 1];
};

static bool sooner(const struct heap_node *a, const struct heap_node *b)
{
    return HEAP_OF(a, const struct entry, node)->at_ms < HEAP_OF(b, const struct entry, node)->at_ms;
}

void deadline_table_init(struct deadline_table *t)
{
    *t = (struct deadline_table){0};
    heap_init(&t->by_time, sooner);
}

static void take_out(struct deadline_table *t, struct entry *e)
{
    heap_remove(&t->by_time, &e->node);
    (void)map_del(&t->by_job, slice_str(e->job));
    mem_free(e);
}

void deadline_table_fini(struct deadline_table *t)
{
    for (struct heap_node *n = heap_first(&t->by_time); n; n = heap_first(&t->by_time))
        take_out(t, HEAP_OF(n, struct entry, node));
    heap_fini(&t->by_time);
    map_fini(&t->by_job);
}

void deadline_put(struct deadline_table *t, struct slice job, int64_t at_ms)
{
    deadline_drop(t, job);
    struct entry *e = mem_new(sizeof(*e));
    memcpy(e->job, job.at, job.len < JOB_ID ? job.len : JOB_ID);
    e->at_ms = at_ms;
    heap_push(&t->by_time, &e->node);
    (void)map_put(&t->by_job, slice_str(e->job), e);
}

void deadline_drop(struct deadline_table *t, struct slice job)
{
    struct entry *e = map_get(&t->by_job, job);
    if (e)
        take_out(t, e);
}

bool deadline_next(const struct deadline_table *t, int64_t *at_ms)
{
    const struct heap_node *n = heap_first(&t->by_time);
    if (n)
        *at_ms = HEAP_OF(n, const struct entry, node)->at_ms;
    return n != NULL;
}

bool deadline_passed(struct deadline_table *t, int64_t now_ms, char job[JOB_ID + 1])
{
    struct heap_node *n = heap_first(&t->by_time);
    if (!n || HEAP_OF(n, struct entry, node)->at_ms > now_ms)
        return false;
    struct entry *e = HEAP_OF(n, struct entry, node);
    memcpy(job, e->job, sizeof(e->job));
    take_out(t, e);
    return true;
}
