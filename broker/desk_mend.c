#include "broker/desk_mend.h"

#include "broker/desk_after.h"
#include "broker/desk_meet.h"

/* What was promised has a lane, however many there are. */
static struct queue *queue_of(void *arg, const struct record_job *job)
{
    struct desk_line *service = desk_room_need_line(arg, job->service);
    size_t count = service->lane_count;
    service->lane_count = 0;
    struct desk_line *lane = desk_room_need_lane(arg, service, job->labels);
    service->lane_count += count;
    return &lane->queue;
}

static bool holds(void *arg, struct job *j)
{
    desk_meet_enter(arg, j);
    if (!desk_after_holds(j))
        return false;
    desk_after_later(arg, j);
    return true;
}

struct recover_into desk_mend_into(struct desk *d, int64_t grace_us)
{
    return (struct recover_into){
        .jobs = &d->jobs,
        .leases = &d->leases,
        .queue_of = queue_of,
        .holds = holds,
        .arg = d,
        .grace_until_us = desk_room_mono_us(d) + grace_us,
    };
}

void desk_mend(struct desk *d, const struct record_job *refused)
{
    struct job *j = job_find(&d->jobs, refused->id);
    if (j && j->events != refused->events)
        return; /* the answer to a later change decides */
    if (j) {
        queue_remove(&desk_room_line_of(d, j)->queue, j);
        desk_meet_leave(d, j);
    }
    struct recover_into into = desk_mend_into(d, d->conf.lease_us);
    enum err e = recover_again(d->conf.store, &into, refused->id);
    desk_after_settle(d);
    desk_meet_timer(d);
    if (e == ERR_OK)
        desk_meet_soon(d);
}
