#include "broker/lease.h"

#include "base/check.h"
#include "base/mem.h"

static bool ends_before(const struct heap_node *a, const struct heap_node *b)
{
    return HEAP_OF(a, const struct lease, node)->until_us < HEAP_OF(b, const struct lease, node)->until_us;
}

void lease_table_init(struct lease_table *t)
{
    *t = (struct lease_table){0};
    heap_init(&t->by_time, ends_before);
}

void lease_table_fini(struct lease_table *t)
{
    size_t at = 0;
    for (struct lease *l = map_next(&t->by_job, &at); l; l = map_next(&t->by_job, &at))
        mem_free(l);
    t->by_time.count = 0; /* its nodes went with the leases */
    heap_fini(&t->by_time);
    map_fini(&t->by_job);
}

static struct slice job_of(const struct lease *l)
{
    return slice_of(l->job, JOB_ID);
}

static void until(struct lease_table *t, struct lease *l, int64_t until_us)
{
    heap_remove(&t->by_time, &l->node);
    l->until_us = until_us;
    heap_push(&t->by_time, &l->node);
}

void lease_grant(struct lease_table *t, const struct lease *terms)
{
    PRE(job_id_is(job_of(terms)));
    struct lease *l = map_get(&t->by_job, job_of(terms));
    if (!l) {
        l = mem_new(sizeof(*l));
        memcpy(l->job, terms->job, sizeof(l->job));
        (void)map_put(&t->by_job, job_of(l), l);
    }
    PRE(terms->token > l->token);
    l->token = terms->token;
    l->worker = terms->worker;
    until(t, l, terms->until_us);
}

enum err lease_check(const struct lease_table *t, struct slice job, uint64_t token)
{
    const struct lease *l = map_get(&t->by_job, job);
    return l && l->token == token ? ERR_OK : ERR_STALE;
}

enum err lease_renew(struct lease_table *t, struct slice job, uint64_t token, uint64_t worker, int64_t until_us)
{
    TRY(lease_check(t, job, token));
    struct lease *l = map_get(&t->by_job, job);
    l->worker = worker;
    until(t, l, until_us);
    return ERR_OK;
}

const struct lease *lease_find(const struct lease_table *t, struct slice job)
{
    return map_get(&t->by_job, job);
}

void lease_drop(struct lease_table *t, struct slice job)
{
    struct lease *l = map_del(&t->by_job, job);
    if (!l)
        return;
    heap_remove(&t->by_time, &l->node);
    mem_free(l);
}

static const struct lease *first(const struct lease_table *t)
{
    const struct heap_node *n = heap_first(&t->by_time);
    return n ? HEAP_OF(n, const struct lease, node) : NULL;
}

bool lease_next_expiry(const struct lease_table *t, int64_t *until_us)
{
    const struct lease *l = first(t);
    if (l)
        *until_us = l->until_us;
    return l != NULL;
}

const struct lease *lease_expired(const struct lease_table *t, int64_t now_us)
{
    const struct lease *l = first(t);
    return l && l->until_us <= now_us ? l : NULL;
}

const struct lease *lease_each(const struct lease_table *t, size_t *at)
{
    return map_next(&t->by_job, at);
}
