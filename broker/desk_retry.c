#include "broker/desk_after.h"
#include "broker/desk_meet.h"
#include "broker/desk_write.h"

/* A dead job comes back to memory from the store. */
static enum err revive(struct desk *d, struct slice id, struct job **out)
{
    struct record_job r;
    TRY(store_read_job(d->conf.store, id, &r));
    if (r.state != JOB_DEAD || job_find(&d->jobs, id))
        return ERR_STALE;
    struct desk_line *s = desk_room_need_lane(d, desk_room_need_line(d, r.service), r.labels);
    if (!s)
        return ERR_FULL;
    TRY(queue_admit(&s->queue, r.caller, r.size));
    /* One that waited for others does so again, in case they were retried too. */
    r.state = r.traits & JOB_AWAITS ? JOB_DELAYED : JOB_QUEUED;
    r.attempt = r.crashes = r.releases = 0;
    r.ended_ms = r.due_ms = 0;
    r.cancel_asked = false;
    enum err e = record_to_job(&r, &d->jobs, out);
    if (e != ERR_OK)
        queue_forget(&s->queue, r.caller, r.size);
    return e;
}

enum err desk_retry(struct desk *d, struct slice job, desk_done_fn *done, void *arg)
{
    struct job *j;
    TRY(revive(d, job, &j));
    struct desk_waiting *w = desk_write_wait(d, done, arg);
    struct desk_step step = {.event = "retrying", .guard = j->token, .reason = SLICE("asked for by its caller")};
    desk_write_step(d, j, &step, w);
    desk_meet_enter(d, j);
    if (desk_after_holds(j))
        desk_after_enter(d, j);
    else
        queue_put(&desk_room_line_of(d, j)->queue, j);
    desk_meet_soon(d);
    return ERR_OK;
}
