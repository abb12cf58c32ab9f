#include "broker/desk_write.h"

#include "base/json_out.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/desk_after.h"
#include "broker/desk_mend.h"

/* The event's data, in the arena of what waits. */
static struct slice event_data(struct desk_waiting *w, const struct job *job, struct slice reason,
                               struct slice progress)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    struct json_out j;
    json_out_init(&j, &text, 0);
    json_out_object(&j);
    json_out_member(&j, "state", slice_str(job_state_name(job_state(job))));
    json_out_member_int(&j, "attempt", job->attempt);
    if (reason.len)
        json_out_member(&j, "reason", reason);
    if (progress.len) {
        json_out_name(&j, "progress");
        json_out_raw(&j, progress);
    }
    json_out_end(&j);
    struct slice kept = arena_keep(&w->text, buf_slice(&text));
    buf_fini(&text);
    return kept;
}

struct desk_waiting *desk_write_wait(struct desk *d, desk_done_fn *done, void *arg)
{
    struct desk_waiting *w = mem_new(sizeof(*w));
    *w = (struct desk_waiting){.desk = d, .done = done, .arg = arg};
    arena_init(&w->text, SIZE_MAX);
    return w;
}

void desk_write_free(struct desk_waiting *w)
{
    arena_fini(&w->text);
    mem_free(w);
}

static void count_event(struct desk *d, struct slice service, struct slice name)
{
    struct slice labels[] = {service, name};
    metric_add(metric_series(d->events, labels), 1);
}

static const struct {
    const char *event, *name;
    enum log_level level;
} log_names[] = {
    {"accepted", "job-accepted", LOG_INFO},  {"started", "job-started", LOG_INFO},
    {"progress", "job-progress", LOG_DEBUG}, {"retrying", "job-retrying", LOG_INFO},
    {"done", "job-done", LOG_INFO},          {"cancelled", "job-cancelled", LOG_INFO},
    {"dead", "job-dead", LOG_WARN},
};

/* One line per event: the broker's own log of a job. */
static void log_job(const struct desk_waiting *w)
{
    for (size_t i = 0; i < sizeof(log_names) / sizeof(log_names[0]); i++)
        if (slice_eq(w->event.name, slice_str(log_names[i].event)))
            log_event(log_names[i].level, log_names[i].name, LOG_TEXT("job", w->job.id),
                      LOG_TEXT("service", w->job.service), LOG_INT("attempt", w->job.attempt),
                      LOG_TEXT("caller", w->job.caller), LOG_TEXT("worker", w->job.worker),
                      LOG_TEXT("why", w->job.reason));
}

void desk_write_tell(struct desk_waiting *w)
{
    if (!w->event.name.len)
        return;
    struct desk *d = w->desk;
    count_event(d, w->job.service, w->event.name);
    log_job(w);
    d->conf.event(d->conf.arg, w->job.id, &w->event, w->last);
    if (w->last && w->job.traits & JOB_CALLS_BACK && d->conf.owed)
        d->conf.owed(d->conf.arg, w->job.id, w->event.id);
    if (w->last)
        desk_after_ended(d, w->job.id, w->job.state);
}

static void changed(void *arg, const struct store_answer *answer)
{
    struct desk_waiting *w = arg;
    if (answer->e == ERR_OK)
        desk_write_tell(w);
    else
        log_event(LOG_ERROR, "job-unwritten", LOG_TEXT("job", w->job.id), LOG_STR("why", err_text(answer->e)));
    /* A step without an event only says that a delay has passed: memory is right about that. */
    if (answer->e == ERR_FULL && w->event.name.len)
        desk_mend(w->desk, &w->job);
    if (w->done)
        w->done(w->arg, answer->e, w->job.id, false);
    desk_write_free(w);
}

/* Borrowed texts become the waiting one's own: they are told of after the turn. */
void desk_write_keep(struct desk_waiting *w, const struct record_job *r)
{
    w->job = *r;
    w->job.id = arena_keep(&w->text, r->id);
    w->job.service = arena_keep(&w->text, r->service);
    w->job.caller = arena_keep(&w->text, r->caller);
    w->job.operation = arena_keep(&w->text, r->operation);
    w->job.labels = arena_keep(&w->text, r->labels);
    w->job.reason = arena_keep(&w->text, r->reason);
    w->job.worker = arena_keep(&w->text, r->worker);
}

void desk_write_event(struct desk_waiting *w, struct job *j, const struct desk_step *step, int64_t at_ms)
{
    if (!step->event)
        return;
    w->event = (struct record_event){
        .id = ++j->events,
        .name = slice_str(step->event),
        .at_ms = at_ms,
        .data = event_data(w, j, step->reason, step->progress_is_json ? step->progress : (struct slice){0}),
    };
    w->last = job_over(job_state(j));
}

/* Writes the job as it now is. */
void desk_write_step(struct desk *d, struct job *j, const struct desk_step *step, struct desk_waiting *w)
{
    int64_t now_ms = desk_room_wall_ms(d);
    desk_write_event(w, j, step, now_ms);
    struct store_change change = {
        .guard = step->guard,
        .result = step->result,
        .checkpoint = step->checkpoint,
        .event = w->event,
    };
    record_of_job(j, &change.job);
    change.job.ended_ms = job_over(job_state(j)) ? now_ms : 0;
    change.job.reason = step->reason;
    change.job.worker = step->worker;
    change.job.progress = step->progress;
    change.job.progress_type = step->progress_type;
    change.job.status = step->result ? step->result->status : 0;
    desk_write_keep(w, &change.job);
    store_apply(d->conf.store, &change, changed, w);
}
