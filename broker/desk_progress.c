#include "broker/desk_write.h"
#include "contracts/json_value.h"

enum { EVENT_DATA = 4096 };

/* The function says it is JSON; only what is goes into an event as JSON. */
static bool is_json(const struct desk_progress *p)
{
    struct arena arena;
    const struct json_value *value;
    if (!slice_starts(p->type, SLICE("application/json")) || p->data.len > EVENT_DATA)
        return false;
    arena_init(&arena, SIZE_MAX);
    bool good = json_value_read(p->data, &arena, &value) == ERR_OK;
    arena_fini(&arena);
    return good;
}

enum err desk_progress(struct desk *d, const struct desk_progress *p, desk_done_fn *done, void *arg)
{
    struct job *j = job_find(&d->jobs, p->job);
    if (!j)
        return ERR_STALE;
    TRY(lease_check(&d->leases, p->job, p->token));
    struct desk_waiting *w = desk_write_wait(d, done, arg);
    struct desk_step step = {
        .event = "progress",
        .guard = p->token,
        .progress = p->data,
        .progress_type = p->type,
        .checkpoint = p->checkpoint,
        .progress_is_json = is_json(p),
    };
    desk_write_step(d, j, &step, w);
    return ERR_OK;
}
