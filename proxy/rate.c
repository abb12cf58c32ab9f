#include "proxy/rate.h"

enum { SECOND = 1000000 };

enum err rate_take(struct rate_bucket *b, uint64_t per_second, int64_t now_us)
{
    if (per_second == 0)
        return ERR_OK;
    int64_t step_us = (int64_t)(SECOND / per_second), from_us = b->empty_us > now_us ? b->empty_us : now_us;
    if (step_us == 0)
        step_us = 1;
    if (from_us + step_us > now_us + SECOND)
        return ERR_FULL;
    b->empty_us = from_us + step_us;
    return ERR_OK;
}

void rate_init(struct rate *r)
{
    *r = (struct rate){0};
    arena_init(&r->arena, SIZE_MAX);
}

void rate_fini(struct rate *r)
{
    map_fini(&r->identities);
    arena_fini(&r->arena);
}

static void forget_all(struct rate *r)
{
    map_fini(&r->identities);
    arena_reset(&r->arena);
}

/* Once a full table has had a second's rest nothing in it counts any more. */
static struct rate_bucket *bucket_of(struct rate *r, struct slice identity, int64_t now_us)
{
    struct rate_bucket *b = map_get(&r->identities, identity);
    if (b)
        return b;
    if (r->identities.count >= RATE_IDENTITIES && r->others.empty_us <= now_us)
        forget_all(r);
    if (r->identities.count >= RATE_IDENTITIES)
        return &r->others;
    b = arena_new(&r->arena, sizeof(*b));
    *b = (struct rate_bucket){0};
    map_put(&r->identities, arena_keep(&r->arena, identity), b);
    return b;
}

enum err rate_ask(struct rate *r, struct slice identity, uint64_t all, uint64_t each, int64_t now_us)
{
    struct rate_bucket before = r->all;
    TRY(rate_take(&r->all, all, now_us));
    if (each == 0)
        return ERR_OK;
    enum err e = rate_take(bucket_of(r, identity, now_us), each, now_us);
    if (e != ERR_OK)
        r->all = before;
    return e;
}
