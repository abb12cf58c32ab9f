#include "broker/desk_meet.h"
#include "broker/desk_write.h"

static bool done_before(struct desk *d, const struct desk_outcome *o)
{
    struct record_job r;
    return store_read_job(d->conf.store, o->job, &r) == ERR_OK && r.token == o->token && job_over(r.state);
}

static void move_on(struct desk *d, struct job *j, const struct desk_outcome *o, struct desk_step *step)
{
    struct backoff b = {.next = JOB_DONE};
    step->event = "done";
    if (!o->succeeded) {
        b = backoff_judge(j, o->cause, o->retry_after_ms, desk_room_wall_ms(d));
        backoff_count(j, o->cause);
        step->event = b.next == JOB_DEAD ? "dead" : "retrying";
        if (b.next == JOB_DEAD && !step->reason.len)
            step->reason = slice_str(b.why);
    }
    if (j->cancel_asked && b.next != JOB_DONE) {
        b.next = JOB_CANCELLED;
        step->event = "cancelled";
        step->reason = SLICE("cancelled by its caller");
    }
    j->due_ms = b.next == JOB_DELAYED ? b.due_ms : 0;
    job_move(&d->jobs, j, b.next);
}

enum err desk_finish(struct desk *d, const struct desk_outcome *o, desk_done_fn *done, void *arg)
{
    struct job *j = job_find(&d->jobs, o->job);
    if (!j || lease_check(&d->leases, o->job, o->token) != ERR_OK) {
        if (!done_before(d, o))
            return ERR_STALE;
        done(arg, ERR_OK, o->job, true);
        return ERR_OK;
    }
    struct desk_waiting *w = desk_write_wait(d, done, arg);
    struct slice worker = desk_room_worker_name(d, lease_find(&d->leases, o->job)->worker);
    struct desk_step step = {.guard = o->token, .reason = o->reason, .result = o->result, .worker = worker};
    lease_drop(&d->leases, o->job);
    if (o->result && o->result->blob.digest.len)
        j->traits |= JOB_HAS_BLOBS;
    move_on(d, j, o, &step);
    desk_write_step(d, j, &step, w);
    if (job_over(job_state(j)))
        desk_meet_leave(d, j);
    else
        desk_meet_line_up(d, j);
    desk_meet_soon(d); /* what its service's concurrency held back may go */
    desk_meet_timer(d);
    return ERR_OK;
}
