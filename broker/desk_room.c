#include "broker/desk_room.h"

#include "base/mem.h"

int64_t desk_room_wall_ms(const struct desk *d)
{
    return now_wall_us(loop_now(d->conf.loop)) / NOW_US_PER_MS;
}

int64_t desk_room_mono_us(const struct desk *d)
{
    return loop_turn_us(d->conf.loop);
}

struct desk_line *desk_room_line(const struct desk *d, struct slice name)
{
    return map_get(&d->services, name);
}

struct desk_line *desk_room_need_line(struct desk *d, struct slice name)
{
    struct desk_line *s = desk_room_line(d, name);
    if (s)
        return s;
    s = mem_new(sizeof(*s));
    s->name = mem_copy(name);
    s->attempts = JOB_ATTEMPTS;
    queue_init(&s->queue, &d->conf.bounds);
    dispatch_init(&s->dispatch);
    struct slice label = slice_str(s->name);
    s->queued = metric_series(d->queued, &label);
    s->delayed = metric_series(d->delayed, &label);
    s->workers = metric_series(d->workers, &label);
    map_put(&d->services, label, s);
    return s;
}

struct desk_line *desk_room_line_of(const struct desk *d, const struct job *j)
{
    return desk_room_line(d, job_name_text(j->service));
}

struct slice desk_room_worker_name(const struct desk *d, uint64_t worker)
{
    bool known = d->conf.name_of && worker != LEASE_NOBODY;
    return known ? d->conf.name_of(d->conf.arg, worker) : SLICE("");
}
