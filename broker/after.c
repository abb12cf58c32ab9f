#include "broker/after.h"

#include "base/mem.h"

/* One side of the table: a job that waits, or one that is awaited. */
struct side {
    struct list edges;
    size_t count;
    bool any_end;
    char job[JOB_ID + 1];
};

struct edge {
    struct list by_waiting, by_awaited;
    struct side *waiting, *awaited;
};

static struct side *need(struct map *m, struct slice job)
{
    struct side *s = map_get(m, job);
    if (s)
        return s;
    s = mem_new(sizeof(*s));
    list_init(&s->edges);
    memcpy(s->job, job.at, job.len < JOB_ID ? job.len : JOB_ID);
    (void)map_put(m, slice_str(s->job), s);
    return s;
}

static void leave(struct map *m, struct side *s)
{
    if (--s->count > 0)
        return;
    (void)map_del(m, slice_str(s->job));
    mem_free(s);
}

static void cut(struct after *a, struct edge *e)
{
    list_remove(&e->by_waiting);
    list_remove(&e->by_awaited);
    leave(&a->waiting, e->waiting);
    leave(&a->awaited, e->awaited);
    mem_free(e);
}

void after_wait(struct after *a, struct slice job, struct slice other, bool any_end)
{
    struct edge *e = mem_new(sizeof(*e));
    e->waiting = need(&a->waiting, job);
    e->awaited = need(&a->awaited, other);
    e->waiting->any_end = any_end;
    e->waiting->count++;
    e->awaited->count++;
    list_push_back(&e->waiting->edges, &e->by_waiting);
    list_push_back(&e->awaited->edges, &e->by_awaited);
}

size_t after_count(const struct after *a, struct slice job)
{
    const struct side *s = map_get(&a->waiting, job);
    return s ? s->count : 0;
}

void after_drop(struct after *a, struct slice job)
{
    for (struct side *s = map_get(&a->waiting, job); s; s = map_get(&a->waiting, job))
        cut(a, LIST_OF(list_first(&s->edges), struct edge, by_waiting));
}

bool after_ended(struct after *a, struct slice other, char job[JOB_ID + 1], bool *any_end, size_t *left)
{
    struct side *s = map_get(&a->awaited, other);
    if (!s)
        return false;
    struct edge *e = LIST_OF(list_first(&s->edges), struct edge, by_awaited);
    memcpy(job, e->waiting->job, JOB_ID + 1);
    *any_end = e->waiting->any_end;
    *left = e->waiting->count - 1;
    cut(a, e);
    return true;
}

void after_each(const struct after *a, struct slice job, after_each_fn *fn, void *arg)
{
    struct side *s = map_get(&a->waiting, job);
    if (!s)
        return;
    for (struct list *l = s->edges.next; l != &s->edges; l = l->next)
        if (!fn(arg, slice_str(LIST_OF(l, struct edge, by_waiting)->awaited->job)))
            return;
}

void after_fini(struct after *a)
{
    size_t at = 0;
    for (struct side *s = map_next(&a->waiting, &at); s; at = 0, s = map_next(&a->waiting, &at))
        cut(a, LIST_OF(list_first(&s->edges), struct edge, by_waiting));
    map_fini(&a->waiting);
    map_fini(&a->awaited);
}
