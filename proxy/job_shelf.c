#include "proxy/job_shelf.h"

#include "base/mem.h"

struct leased {
    char *job;
    uint64_t token;
    char *checkpoint; /* NULL: none */
    size_t checkpoint_len;
};

static void keep(struct leased *l, struct slice checkpoint)
{
    mem_free(l->checkpoint);
    l->checkpoint = checkpoint.len ? mem_copy(checkpoint) : NULL;
    l->checkpoint_len = checkpoint.len;
}

static void leased_free(struct leased *l)
{
    if (!l)
        return;
    mem_free(l->checkpoint);
    mem_free(l->job);
    mem_free(l);
}

void job_shelf_init(struct job_shelf *s)
{
    *s = (struct job_shelf){.guard = guard_new()};
}

void job_shelf_fini(struct job_shelf *s)
{
    struct leased *l;
    for (size_t at = 0; (l = map_next(&s->leases, &at)) != NULL;)
        leased_free(l);
    map_fini(&s->leases);
    guard_free(&s->guard);
}

void job_shelf_put(struct job_shelf *s, struct slice job, uint64_t token, struct slice checkpoint)
{
    struct leased *l = mem_new(sizeof(*l));
    *l = (struct leased){.job = mem_copy(job), .token = token};
    keep(l, checkpoint);
    guard_enter(s->guard);
    struct leased *old = map_del(&s->leases, job); /* its key goes with it */
    map_put(&s->leases, slice_str(l->job), l);
    guard_leave(s->guard);
    leased_free(old);
}

static struct leased *find(struct job_shelf *s, struct slice job, uint64_t token)
{
    struct leased *l = map_get(&s->leases, job);
    return l && l->token == token ? l : NULL;
}

void job_shelf_take(struct job_shelf *s, struct slice job, uint64_t token)
{
    guard_enter(s->guard);
    struct leased *l = find(s, job, token);
    if (l)
        map_del(&s->leases, job);
    guard_leave(s->guard);
    leased_free(l);
}

void job_shelf_keep(struct job_shelf *s, struct slice job, uint64_t token, struct slice checkpoint)
{
    guard_enter(s->guard);
    struct leased *l = find(s, job, token);
    if (l)
        keep(l, checkpoint);
    guard_leave(s->guard);
}

enum err job_shelf_find(struct job_shelf *s, struct slice job, struct arena *a, uint64_t *token,
                        struct slice *checkpoint)
{
    guard_enter(s->guard);
    const struct leased *l = map_get(&s->leases, job);
    if (l) {
        *token = l->token;
        if (checkpoint)
            *checkpoint = arena_keep(a, slice_of(l->checkpoint, l->checkpoint_len));
    }
    guard_leave(s->guard);
    return l ? ERR_OK : ERR_ABSENT;
}
