#include "base/hash.h"
#include "base/log.h"
#include "broker/desk_after.h"
#include "broker/desk_meet.h"
#include "broker/desk_write.h"

static void enter_memory(struct desk *d, const struct desk_waiting *w)
{
    const struct record_job *r = &w->job;
    struct job *j;
    if (record_to_job(r, &d->jobs, &j) != ERR_OK) {
        log_event(LOG_ERROR, "job-unreadable", LOG_TEXT("job", r->id));
        return;
    }
    if (desk_after_holds(j)) {
        desk_after_enter(d, j);
        return;
    }
    queue_put(&desk_room_line_of(d, j)->queue, j);
    if (job_state(j) == JOB_DELAYED)
        desk_meet_timer(d);
    else
        desk_meet_soon(d);
}

static void submitted(void *arg, const struct store_answer *answer)
{
    struct desk_waiting *w = arg;
    struct desk *d = w->desk;
    bool new_one = answer->e == ERR_OK && !answer->replayed;
    if (new_one) {
        desk_write_tell(w);
        enter_memory(d, w);
    } else {
        struct desk_line *service = desk_room_line(d, w->job.service);
        queue_forget(&desk_room_need_lane(d, service, w->job.labels)->queue, w->job.caller, w->job.size);
    }
    w->done(w->arg, answer->e, slice_str(answer->job), answer->replayed);
    desk_write_free(w);
}

static uint64_t request_size(const struct record_request *r)
{
    uint64_t size = r->method.len + r->path.len + r->body.len;
    for (size_t i = 0; i < r->header_count; i++)
        size += r->headers[i].name.len + r->headers[i].value.len;
    return size;
}

/* Ids are in the order of submits, also within a millisecond and when the clock steps back, because
 * recovery puts jobs back in the order of their ids. */
static void next_id(struct desk *d, int64_t now_ms, char out[JOB_ID + 1])
{
    if (now_ms > d->id_ms) {
        d->id_ms = now_ms;
        hash_random(d->id_tail, sizeof(d->id_tail));
        d->id_tail[0] &= 0x7f; /* room to count up in */
    } else {
        for (size_t i = sizeof(d->id_tail); i-- > 0 && ++d->id_tail[i] == 0;)
            continue;
    }
    job_id_make(out, d->id_ms, d->id_tail);
}

static uint32_t traits_of(const struct record_request *r)
{
    return (r->callback.len ? JOB_CALLS_BACK : 0u) | (r->after_count ? JOB_AWAITS : 0u);
}

enum err desk_submit(struct desk *d, const struct desk_submit *s, desk_done_fn *done, void *arg)
{
    struct desk_line *service = desk_room_line(d, s->service);
    if (!service || !service->configured)
        return ERR_ABSENT;
    uint64_t size = request_size(s->request);
    struct desk_line *lane = desk_room_need_lane(d, service, s->labels);
    if (!lane)
        return ERR_FULL;
    TRY(queue_admit(&lane->queue, s->caller, size));
    char id[JOB_ID + 1];
    int64_t now_ms = desk_room_wall_ms(d);
    next_id(d, now_ms, id);
    struct desk_waiting *w = desk_write_wait(d, done, arg);
    struct record_job job = {
        .id = slice_str(id),
        .service = s->service,
        .caller = s->caller,
        .operation = s->operation,
        .labels = s->labels,
        .state = s->delay_ms || s->request->after_count ? JOB_DELAYED : JOB_QUEUED,
        .priority = s->priority,
        .traits = traits_of(s->request),
        .attempts = s->attempts ? s->attempts : service->attempts,
        .due_ms = s->delay_ms ? now_ms + (int64_t)s->delay_ms : 0,
        .deadline_ms = s->deadline_ms,
        .submitted_ms = now_ms,
        .timeout_ms = s->timeout_ms,
        .size = size,
        .events = 1,
    };
    desk_write_keep(w, &job);
    w->event = (struct record_event){.id = 1, .name = SLICE("accepted"), .at_ms = now_ms, .data = SLICE("{}")};
    struct store_change change = {.job = job, .request = s->request, .event = w->event};
    store_apply(d->conf.store, &change, submitted, w);
    return ERR_OK;
}
