#include "broker/desk_meet.h"
#include "broker/desk_write.h"

enum { EVENT_DATA = 4096 };

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
        .progress_is_json = slice_starts(p->type, SLICE("application/json")) && p->data.len <= EVENT_DATA,
    };
    desk_write_step(d, j, &step, w);
    return ERR_OK;
}
