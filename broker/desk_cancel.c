#include "broker/desk_meet.h"
#include "broker/desk_write.h"

static void intent_written(void *arg, const struct store_answer *answer)
{
    struct desk_waiting *w = arg;
    struct desk *d = w->desk;
    const struct lease *l = lease_find(&d->leases, w->job.id);
    if (answer->e == ERR_OK && l && l->worker != LEASE_NOBODY)
        d->conf.cancel(d->conf.arg, l->worker, w->job.id, l->token);
    w->done(w->arg, answer->e, w->job.id, false);
    desk_write_free(w);
}

/* It runs: the intent is kept, and its worker told. */
static void ask_worker(struct desk *d, struct job *j, struct desk_waiting *w)
{
    j->cancel_asked = true;
    struct store_change change = {.guard = j->token};
    record_of_job(j, &change.job);
    desk_write_keep(w, &change.job);
    store_apply(d->conf.store, &change, intent_written, w);
}

enum err desk_cancel(struct desk *d, struct slice job, desk_done_fn *done, void *arg)
{
    struct job *j = job_find(&d->jobs, job);
    if (!j)
        return ERR_STALE;
    struct desk_waiting *w = desk_write_wait(d, done, arg);
    if (job_state(j) == JOB_LEASED) {
        ask_worker(d, j, w);
        return ERR_OK;
    }
    struct desk_step step = {.event = "cancelled", .guard = j->token, .reason = SLICE("cancelled before it ran")};
    queue_remove(&desk_room_line_of(d, j)->queue, j);
    job_move(&d->jobs, j, JOB_CANCELLED);
    desk_write_step(d, j, &step, w);
    desk_meet_leave(d, j);
    return ERR_OK;
}
