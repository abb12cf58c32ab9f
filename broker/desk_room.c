#include "broker/desk_room.h"

#include "base/mem.h"
#include "broker/labels.h"

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

static struct desk_line *new_line(struct desk *d, struct slice name)
{
    struct desk_line *s = mem_new(sizeof(*s));
    s->name = mem_copy(name);
    s->attempts = JOB_ATTEMPTS;
    queue_init(&s->queue, &d->conf.bounds);
    dispatch_init(&s->dispatch);
    list_init(&s->lanes);
    list_init(&s->lane);
    map_put(&d->services, slice_str(s->name), s);
    return s;
}

struct desk_line *desk_room_need_line(struct desk *d, struct slice name)
{
    if (d->recent && slice_eq(slice_str(d->recent->name), name))
        return d->recent;
    struct desk_line *s = d->recent = desk_room_line(d, name);
    if (s)
        return s;
    s = d->recent = new_line(d, name);
    struct slice label = slice_str(s->name);
    s->queued = metric_series(d->queued, &label);
    s->aside = metric_series(d->aside, &label);
    s->delayed = metric_series(d->delayed, &label);
    s->workers = metric_series(d->workers, &label);
    return s;
}

/* No service has a line feed in its name: names of callers and services are words. */
static struct slice lane_name(struct buf *room, struct slice service, struct slice labels)
{
    buf_init(room, BUF_TEXT_BOUND);
    buf_put(room, service);
    buf_put_char(room, '\n');
    buf_put(room, labels);
    return buf_slice(room);
}

static struct desk_line *find_lane(const struct desk *d, struct slice service, struct slice labels)
{
    struct buf name;
    struct desk_line *lane = map_get(&d->services, lane_name(&name, service, labels));
    buf_fini(&name);
    return lane;
}

static struct desk_line *new_lane(struct desk *d, struct desk_line *service, struct slice labels)
{
    struct buf name;
    struct desk_line *lane = new_line(d, lane_name(&name, slice_str(service->name), labels));
    buf_fini(&name);
    lane->of = service;
    lane->needs = slice_from(slice_str(lane->name), strlen(service->name) + 1);
    lane->queue.of = &service->queue;
    list_push_back(&service->lanes, &lane->lane);
    service->lane_count++;
    return lane;
}

struct desk_line *desk_room_need_lane(struct desk *d, struct desk_line *service, struct slice labels)
{
    char room[LABELS_TEXT];
    labels = labels_needs(labels, room);
    struct desk_line *lane = labels.len ? find_lane(d, slice_str(service->name), labels) : service;
    if (lane)
        return lane;
    return service->lane_count < DESK_ROOM_LANES ? new_lane(d, service, labels) : NULL;
}

struct desk_line *desk_room_service(struct desk_line *s)
{
    return s->of ? s->of : s;
}

struct desk_line *desk_room_line_of(const struct desk *d, const struct job *j)
{
    char room[LABELS_TEXT];
    struct slice service = job_service(j), labels = labels_needs(job_labels(j), room);
    return labels.len ? find_lane(d, service, labels) : desk_room_line(d, service);
}

struct slice desk_room_worker_name(const struct desk *d, uint64_t worker)
{
    bool known = d->conf.name_of && worker != LEASE_NOBODY;
    return known ? d->conf.name_of(d->conf.arg, worker) : SLICE("");
}
