#include "broker/desk_why.h"

#include "broker/desk_after.h"
#include "broker/desk_key.h"

const char *desk_why_held(const struct desk *d, const struct desk_line *s)
{
    if (d->draining)
        return "the broker drains: it leases no job until it is started again";
    if (s->paused)
        return "its service is paused: weft job resume lets it go on";
    if (s->concurrency && job_leased(&d->jobs, slice_str(s->name)) >= s->concurrency)
        return "as many jobs of its service run as services.NAME.concurrency allows";
    if (s->per_minute && s->next_us > desk_room_mono_us(d))
        return "jobs of its service begin as fast as services.NAME.per_minute allows";
    return NULL;
}

static void why_queued(const struct desk *d, const struct job *j, struct buf *out)
{
    struct desk_line *lane = desk_room_line_of(d, j);
    const struct desk_line *s = desk_room_service(lane);
    const char *held = desk_why_held(d, s), *key = desk_key_held(d, s, j);
    size_t workers = dispatch_workers(&s->dispatch);
    if (!s->configured)
        buf_put(out, SLICE("the broker's services: name its service no more"));
    else if (held)
        buf_put(out, slice_str(held));
    else if (key)
        buf_put(out, slice_str(key));
    else if (workers == 0)
        buf_put(out, SLICE("no sidecar of its service is connected"));
    else if (dispatch_fitting(&s->dispatch, lane->needs) == 0)
        buf_putf(out, "no sidecar of its service that is connected has what it needs: %.*s", SLICE_FMT(lane->needs));
    else
        buf_putf(out, "%zu jobs of its service are ready and %zu run: its %zu sidecars have no place free for it",
                 queue_ready(&s->queue), job_leased(&d->jobs, slice_str(s->name)), workers);
}

void desk_why(const struct desk *d, struct slice job, struct buf *out)
{
    const struct job *j = job_find(&d->jobs, job);
    if (!j)
        return;
    int64_t left_ms = j->due_ms - desk_room_wall_ms(d);
    if (job_state(j) == JOB_QUEUED)
        why_queued(d, j, out);
    else if (desk_after_holds(j) && after_count(&d->after, job))
        desk_after_why(d, j, out);
    else if (job_state(j) == JOB_DELAYED)
        buf_putf(out, "it is due in %lld s", (long long)((left_ms > 0 ? left_ms : 0) + 999) / 1000);
}
