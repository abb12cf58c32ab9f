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
    desk_meet_enter(d, j);
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
    return (r->callback.len ? JOB_CALLS_BACK : 0u) | (r->after_count ? JOB_AWAITS : 0u) |
           (r->blob.digest.len ? JOB_HAS_BLOBS : 0u);
}

/* Counted among its caller's jobs, with an id, and ready to be stored.  `change` borrows from `s` and `out`. */
static enum err prepare(struct desk *d, const struct desk_submit *s, struct store_change *change,
                        struct desk_waiting **out)
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
    struct desk_waiting *w = desk_write_wait(d, NULL, NULL);
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
    *change = (struct store_change){.job = w->job, .request = s->request, .event = w->event};
    *out = w;
    return ERR_OK;
}

enum err desk_submit(struct desk *d, const struct desk_submit *s, desk_done_fn *done, void *arg)
{
    struct store_change change;
    struct desk_waiting *w;
    TRY(prepare(d, s, &change, &w));
    w->done = done;
    w->arg = arg;
    store_apply(d->conf.store, &change, submitted, w);
    return ERR_OK;
}

/* --- many at once --- */

struct many {
    struct desk *desk;
    struct arena text;
    struct store_change *changes;
    struct record_request *requests; /* with ids for what "#0" stands for */
    struct desk_waiting **waiting;
    size_t count; /* of those that are prepared */
};

static enum err resolve(struct many *m, const struct record_request *from, struct record_request *to)
{
    struct slice *after = arena_array(&m->text, from->after_count + 1, sizeof(*after));
    *to = *from;
    to->after = after;
    for (size_t i = 0; i < from->after_count; i++) {
        uint64_t at;
        after[i] = from->after[i];
        if (!slice_starts(after[i], SLICE("#")))
            continue;
        if (slice_u64(slice_from(after[i], 1), SIZE_MAX, &at) != ERR_OK || at >= m->count)
            return ERR_INPUT;
        after[i] = m->changes[at].job.id;
    }
    return ERR_OK;
}

static enum err prepare_one(struct many *m, const struct desk_submit *s)
{
    struct desk_submit one = *s;
    struct record_request *request = &m->requests[m->count];
    TRY(resolve(m, s->request, request));
    one.request = request;
    TRY(prepare(m->desk, &one, &m->changes[m->count], &m->waiting[m->count]));
    m->count++;
    return ERR_OK;
}

static void take_back(struct many *m)
{
    for (size_t i = 0; i < m->count; i++) {
        struct desk_waiting *w = m->waiting[i];
        struct desk_line *service = desk_room_line(m->desk, w->job.service);
        queue_forget(&desk_room_need_lane(m->desk, service, w->job.labels)->queue, w->job.caller, w->job.size);
        desk_write_free(w);
    }
}

enum err desk_submit_all(struct desk *d, const struct desk_submit *s, size_t count, desk_done_fn *done,
                         void *const *args, size_t *which)
{
    struct many m = {.desk = d};
    arena_init(&m.text, SIZE_MAX);
    m.changes = arena_array(&m.text, count + 1, sizeof(*m.changes));
    m.requests = arena_array(&m.text, count + 1, sizeof(*m.requests));
    m.waiting = arena_array(&m.text, count + 1, sizeof(struct desk_waiting *));
    enum err e = ERR_OK;
    for (size_t i = 0; i < count && e == ERR_OK; i++) {
        *which = i;
        e = prepare_one(&m, &s[i]);
    }
    for (size_t i = 0; i < m.count && e == ERR_OK; i++) {
        m.waiting[i]->done = done;
        m.waiting[i]->arg = args[i];
    }
    if (e == ERR_OK)
        store_submit_all(d->conf.store, m.changes, count, submitted, (void *const *)m.waiting);
    else
        take_back(&m);
    arena_fini(&m.text);
    return e;
}
