#include "broker/desk_key.h"

#include "base/mem.h"
#include "broker/desk_meet.h"

enum { MINUTE_US = 60 * NOW_US_PER_S };

/* A key that holds jobs back, or whose last one began so lately that it would. */
struct key {
    struct list aside[JOB_PRIORITIES]; /* jobs */
    struct heap_node by_time;
    int64_t next_us; /* of a limited rate: none begins before it; 0: none has */
    char *name;
};

static bool sooner(const struct heap_node *a, const struct heap_node *b)
{
    return HEAP_OF(a, const struct key, by_time)->next_us < HEAP_OF(b, const struct key, by_time)->next_us;
}

void desk_key_start(struct desk *d)
{
    heap_init(&d->keys_times, sooner);
}

static struct key *find(const struct desk *d, const struct job *j)
{
    return j->kind->key ? map_get(&d->keys, job_name_text(j->kind->key)) : NULL;
}

static struct key *need(struct desk *d, const struct job *j)
{
    struct key *k = find(d, j);
    if (k)
        return k;
    k = mem_new(sizeof(*k));
    k->name = mem_copy(job_name_text(j->kind->key));
    for (unsigned i = 0; i < JOB_PRIORITIES; i++)
        list_init(&k->aside[i]);
    (void)map_put(&d->keys, slice_str(k->name), k);
    return k;
}

static void drop(struct desk *d, struct key *k)
{
    heap_remove(&d->keys_times, &k->by_time);
    (void)map_del(&d->keys, slice_str(k->name));
    mem_free(k->name);
    mem_free(k);
}

void desk_key_stop(struct desk *d)
{
    size_t at = 0;
    for (struct key *k = map_next(&d->keys, &at); k; k = map_next(&d->keys, &at))
        drop(d, k);
    map_fini(&d->keys);
    heap_fini(&d->keys_times);
}

const char *desk_key_held(const struct desk *d, const struct desk_line *service, const struct job *j)
{
    if (!j->kind->key)
        return NULL;
    if (service->key_concurrency && j->kind->key->leased >= service->key_concurrency)
        return "as many jobs of its key (weft-key) run as services.NAME.key_concurrency allows";
    const struct key *k = service->key_per_minute ? find(d, j) : NULL;
    if (k && k->next_us > desk_room_mono_us(d))
        return "jobs of its key (weft-key) begin as fast as services.NAME.key_per_minute allows";
    return NULL;
}

static struct job *first_aside(const struct key *k)
{
    for (unsigned i = JOB_PRIORITIES; i-- > 0;) {
        struct list *l = list_first(&k->aside[i]);
        if (l)
            return LIST_OF(l, struct job, in_line);
    }
    return NULL;
}

void desk_key_set_aside(struct desk *d, struct desk_line *line, struct job *j)
{
    struct key *k = need(d, j);
    queue_set_aside(&line->queue, j, &k->aside[j->priority]);
}

/* One more may have its turn; whether it begins is asked again then. */
static void let_one_go(struct desk *d, struct key *k)
{
    struct job *j = first_aside(k);
    if (j)
        queue_put_back(&desk_room_line_of(d, j)->queue, j);
    else if (k->next_us <= desk_room_mono_us(d))
        drop(d, k);
    desk_meet_soon(d);
}

void desk_key_pass(struct desk *d, const struct desk_line *line, const struct job *j)
{
    struct key *k = find(d, j);
    struct job *first = k ? first_aside(k) : NULL;
    if (first && desk_room_line_of(d, first) != line && k->next_us <= desk_room_mono_us(d)) {
        queue_put_back(&desk_room_line_of(d, first)->queue, first);
        desk_meet_soon(d);
    }
}

void desk_key_began(struct desk *d, const struct desk_line *service, const struct job *j)
{
    if (!j->kind->key || !service->key_per_minute)
        return;
    struct key *k = need(d, j);
    heap_remove(&d->keys_times, &k->by_time);
    k->next_us = desk_room_mono_us(d) + MINUTE_US / service->key_per_minute;
    heap_push(&d->keys_times, &k->by_time);
}

void desk_key_freed(struct desk *d, const struct job *j)
{
    struct key *k = find(d, j);
    if (k && !desk_key_held(d, desk_room_service(desk_room_line_of(d, j)), j))
        let_one_go(d, k);
}

void desk_key_rethink(struct desk *d)
{
    size_t at = 0;
    for (struct key *k = map_next(&d->keys, &at); k; k = map_next(&d->keys, &at))
        for (struct job *j = first_aside(k); j; j = first_aside(k))
            queue_put_back(&desk_room_line_of(d, j)->queue, j);
}

bool desk_key_next(const struct desk *d, int64_t *at_us)
{
    const struct heap_node *n = heap_first(&d->keys_times);
    if (n)
        *at_us = HEAP_OF(n, const struct key, by_time)->next_us;
    return n != NULL;
}

void desk_key_wake(struct desk *d)
{
    int64_t now_us = desk_room_mono_us(d);
    for (struct heap_node *n = heap_first(&d->keys_times); n; n = heap_first(&d->keys_times)) {
        struct key *k = HEAP_OF(n, struct key, by_time);
        if (k->next_us > now_us)
            return;
        heap_remove(&d->keys_times, n);
        let_one_go(d, k);
    }
}
