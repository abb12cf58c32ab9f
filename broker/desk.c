/* Every change goes the same way: decide (pure rooms), move the job in memory, write
 * the change; the store answers in order, so what memory did first is durable first.
 *
 * A submitted job enters memory when it is durable; a finished one leaves memory when
 * its end is written, and from then on the store alone speaks for it. */
#include "broker/desk.h"

#include "base/hash.h"
#include "base/json_out.h"
#include "base/log.h"
#include "base/mem.h"

enum { ASSIGN_TURN = 256, EXPIRE_US = 60 * NOW_US_PER_S, RETRY_LATER_US = 50000, EVENT_DATA = 4096 };

struct service {
    char *name;
    struct queue queue;
    struct dispatch dispatch;
    uint32_t attempts;
    bool configured;
    struct metric *queued, *delayed, *workers;
};

struct desk {
    struct desk_conf conf;
    struct job_table jobs;
    struct lease_table leases;
    struct map services;
    struct due timer;      /* next lease or delayed job */
    struct due expire;     /* retention */
    struct loop_task meet; /* jobs meet credit at the end of the turn */
    struct metric_family *events, *queued, *delayed, *workers;
    struct metric *leased;
    bool draining;
};

/* What waits for the store. */
struct waiting {
    struct desk *desk;
    desk_done_fn *done; /* or NULL */
    void *arg;
    struct record_job job; /* only what the step needs, in `text` */
    struct record_event event;
    bool last;
    uint64_t worker; /* of an assignment */
    struct arena text;
};

static int64_t wall_ms(const struct desk *d)
{
    return now_wall_us(loop_now(d->conf.loop)) / NOW_US_PER_MS;
}

static int64_t mono_us(const struct desk *d)
{
    return loop_turn_us(d->conf.loop);
}

/* --- services --- */

static struct service *find_service(const struct desk *d, struct slice name)
{
    return map_get(&d->services, name);
}

static struct service *need_service(struct desk *d, struct slice name)
{
    struct service *s = find_service(d, name);
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

void desk_service(struct desk *d, const struct desk_service_conf *conf)
{
    struct service *s = need_service(d, conf->name);
    s->attempts = conf->attempts;
    s->configured = true;
}

bool desk_knows(const struct desk *d, struct slice service)
{
    struct service *s = find_service(d, service);
    return s && s->configured;
}

static struct service *service_of(const struct desk *d, const struct job *j)
{
    return find_service(d, job_name_text(j->service));
}

/* --- events --- */

/* The event's data, in the arena of what waits. */
static struct slice event_data(struct waiting *w, const struct job *job, struct slice reason, struct slice progress)
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

static struct waiting *wait_for(struct desk *d, desk_done_fn *done, void *arg)
{
    struct waiting *w = mem_new(sizeof(*w));
    *w = (struct waiting){.desk = d, .done = done, .arg = arg};
    arena_init(&w->text, SIZE_MAX);
    return w;
}

static void waiting_free(struct waiting *w)
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
static void log_job(const struct waiting *w)
{
    for (size_t i = 0; i < sizeof(log_names) / sizeof(log_names[0]); i++)
        if (slice_eq(w->event.name, slice_str(log_names[i].event)))
            log_event(log_names[i].level, log_names[i].name, LOG_TEXT("job", w->job.id),
                      LOG_TEXT("service", w->job.service), LOG_INT("attempt", w->job.attempt),
                      LOG_TEXT("caller", w->job.caller), LOG_TEXT("worker", w->job.worker),
                      LOG_TEXT("why", w->job.reason));
}

static void tell_event(struct waiting *w)
{
    if (!w->event.name.len)
        return;
    struct desk *d = w->desk;
    count_event(d, w->job.service, w->event.name);
    log_job(w);
    d->conf.event(d->conf.arg, w->job.id, &w->event, w->last);
}

/* --- changes --- */

static void changed(void *arg, const struct store_answer *answer)
{
    struct waiting *w = arg;
    if (answer->e == ERR_OK)
        tell_event(w);
    else
        log_event(LOG_ERROR, "job-unwritten", LOG_TEXT("job", w->job.id), LOG_STR("why", err_text(answer->e)));
    if (w->done)
        w->done(w->arg, answer->e, w->job.id, false);
    waiting_free(w);
}

struct step {
    const char *event; /* or NULL */
    uint64_t guard;
    struct slice reason, worker;
    struct slice progress, progress_type, checkpoint;
    const struct record_result *result;
    bool progress_is_json;
};

/* Borrowed texts become the waiting one's own: they are told of after the turn. */
static void keep_job(struct waiting *w, const struct record_job *r)
{
    w->job = *r;
    w->job.id = arena_keep(&w->text, r->id);
    w->job.service = arena_keep(&w->text, r->service);
    w->job.caller = arena_keep(&w->text, r->caller);
    w->job.operation = arena_keep(&w->text, r->operation);
    w->job.reason = arena_keep(&w->text, r->reason);
    w->job.worker = arena_keep(&w->text, r->worker);
}

static void fill_event(struct waiting *w, struct job *j, const struct step *step, int64_t at_ms)
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
static void write_step(struct desk *d, struct job *j, const struct step *step, struct waiting *w)
{
    int64_t now_ms = wall_ms(d);
    if (job_over(job_state(j)))
        j->ended_ms = now_ms;
    fill_event(w, j, step, now_ms);
    struct store_change change = {
        .guard = step->guard,
        .result = step->result,
        .checkpoint = step->checkpoint,
        .event = w->event,
    };
    record_of_job(j, &change.job);
    change.job.reason = step->reason;
    change.job.worker = step->worker;
    change.job.progress = step->progress;
    change.job.progress_type = step->progress_type;
    change.job.status = step->result ? step->result->status : 0;
    keep_job(w, &change.job);
    store_apply(d->conf.store, &change, changed, w);
}

/* --- jobs meet credit --- */

static void meet_soon(struct desk *d)
{
    if (!d->draining)
        loop_defer_late(d->conf.loop, &d->meet);
}

static void set_timer(struct desk *d);
static void give_back(struct desk *d, struct job *j, enum backoff_cause cause, struct slice reason);

static void leased(void *arg, const struct store_answer *answer)
{
    struct waiting *w = arg;
    struct desk *d = w->desk;
    struct job *j = job_find(&d->jobs, w->job.id);
    bool ours = answer->e == ERR_OK && j && job_state(j) == JOB_LEASED && j->token == w->job.token;
    if (answer->e == ERR_OK)
        tell_event(w);
    if (ours && d->conf.assign(d->conf.arg, w->worker, &w->job) != ERR_OK)
        give_back(d, j, BACKOFF_RELEASED, SLICE("the worker has gone"));
    waiting_free(w);
}

static void lease_out(struct desk *d, struct job *j, struct dispatch_worker *to)
{
    struct step step = {.event = "started", .guard = j->token, .worker = SLICE("")};
    j->token++;
    j->attempt++;
    j->started_ms = wall_ms(d);
    job_move(&d->jobs, j, JOB_LEASED);
    struct lease terms = {.until_us = mono_us(d) + d->conf.lease_us, .token = j->token, .worker = to->id};
    memcpy(terms.job, j->id, sizeof(terms.job));
    lease_grant(&d->leases, &terms);
    struct waiting *w = wait_for(d, NULL, NULL);
    w->worker = to->id;
    int64_t now_ms = j->started_ms;
    fill_event(w, j, &step, now_ms);
    struct store_change change = {.guard = step.guard, .event = w->event};
    record_of_job(j, &change.job);
    keep_job(w, &change.job);
    store_apply(d->conf.store, &change, leased, w);
}

static bool too_late(const struct desk *d, const struct job *j)
{
    return j->deadline_ms && j->deadline_ms <= wall_ms(d);
}

/* Over for good, in memory; the store keeps it. */
static void leave_memory(struct desk *d, struct job *j)
{
    queue_forget(&service_of(d, j)->queue, job_name_text(j->caller), j->size);
    lease_drop(&d->leases, slice_str(j->id));
    job_free(&d->jobs, &j);
}

static void bury(struct desk *d, struct job *j, struct slice reason)
{
    struct waiting *w = wait_for(d, NULL, NULL);
    struct step step = {.event = "dead", .guard = j->token, .reason = reason};
    job_move(&d->jobs, j, JOB_DEAD);
    write_step(d, j, &step, w);
    leave_memory(d, j);
}

static void meet_service(struct desk *d, struct service *s)
{
    for (int i = 0; i < ASSIGN_TURN; i++) {
        struct job *j = queue_first(&s->queue);
        struct dispatch_worker *to;
        if (!j)
            return;
        if (too_late(d, j)) {
            queue_remove(&s->queue, j);
            bury(d, j, SLICE("its deadline passed before it could run"));
            continue;
        }
        if (dispatch_pick(&s->dispatch, j->size, &to) != ERR_OK)
            return;
        queue_remove(&s->queue, j);
        lease_out(d, j, to);
    }
    meet_soon(d);
}

static void meet(struct loop_task *task)
{
    struct desk *d = LIST_OF(task, struct desk, meet);
    if (d->draining)
        return;
    size_t at = 0;
    for (struct service *s = map_next(&d->services, &at); s; s = map_next(&d->services, &at))
        meet_service(d, s);
    set_timer(d);
}

/* --- time --- */

/* The lease has ended and the job is not over: what becomes of it. */
static void give_back(struct desk *d, struct job *j, enum backoff_cause cause, struct slice reason)
{
    struct waiting *w = wait_for(d, NULL, NULL);
    struct step step = {.guard = j->token, .reason = reason};
    lease_drop(&d->leases, slice_str(j->id));
    struct backoff b = backoff_judge(j, cause, 0, wall_ms(d));
    backoff_count(j, cause);
    if (j->cancel_asked) {
        job_move(&d->jobs, j, JOB_CANCELLED);
        step.event = "cancelled";
    } else {
        job_move(&d->jobs, j, b.next);
        j->due_ms = b.next == JOB_DELAYED ? b.due_ms : 0;
        step.event = b.next == JOB_DEAD ? "dead" : "retrying";
    }
    write_step(d, j, &step, w);
    if (job_over(job_state(j)))
        leave_memory(d, j);
    else
        queue_put(&service_of(d, j)->queue, j);
    meet_soon(d);
}

static void end_leases(struct desk *d)
{
    for (const struct lease *l = lease_expired(&d->leases, mono_us(d)); l; l = lease_expired(&d->leases, mono_us(d))) {
        struct job *j = job_find(&d->jobs, slice_str(l->job));
        if (j)
            give_back(d, j, BACKOFF_CRASHED, SLICE("its worker fell silent"));
        else
            lease_drop(&d->leases, slice_str(l->job));
    }
}

static void wake_delayed(struct desk *d, struct service *s)
{
    for (struct job *j = queue_due(&s->queue, wall_ms(d)); j; j = queue_due(&s->queue, wall_ms(d))) {
        struct step step = {.guard = j->token};
        j->due_ms = 0;
        job_move(&d->jobs, j, JOB_QUEUED);
        write_step(d, j, &step, wait_for(d, NULL, NULL));
        queue_put(&s->queue, j);
    }
}

static void timer(struct due *due)
{
    struct desk *d = (struct desk *)(void *)((char *)due - offsetof(struct desk, timer));
    end_leases(d);
    size_t at = 0;
    for (struct service *s = map_next(&d->services, &at); s; s = map_next(&d->services, &at))
        wake_delayed(d, s);
    meet_soon(d);
    set_timer(d);
}

static void set_timer(struct desk *d)
{
    int64_t next_us = INT64_MAX, until_us, due_ms;
    if (lease_next_expiry(&d->leases, &until_us))
        next_us = until_us;
    size_t at = 0;
    for (struct service *s = map_next(&d->services, &at); s; s = map_next(&d->services, &at)) {
        if (!queue_next_due(&s->queue, &due_ms))
            continue;
        int64_t in_us = (due_ms - wall_ms(d)) * NOW_US_PER_MS;
        int64_t at_us = mono_us(d) + (in_us > 0 ? in_us : 0) + NOW_US_PER_MS;
        next_us = at_us < next_us ? at_us : next_us;
    }
    if (next_us == INT64_MAX)
        due_cancel(d->conf.clock, &d->timer);
    else
        due_at(d->conf.clock, &d->timer, next_us);
}

static void expired(void *arg, const struct store_answer *answer)
{
    struct desk *d = arg;
    bool more = answer->e == ERR_OK && answer->count >= STORE_EXPIRE_MOST;
    due_in(d->conf.clock, &d->expire, more ? RETRY_LATER_US : EXPIRE_US);
}

static void expire(struct due *due)
{
    struct desk *d = (struct desk *)(void *)((char *)due - offsetof(struct desk, expire));
    int64_t before_ms = wall_ms(d) - d->conf.retention_us / NOW_US_PER_MS;
    store_expire(d->conf.store, before_ms > 0 ? before_ms : 0, expired, d);
}

/* --- submit --- */

static void enter_memory(struct desk *d, const struct waiting *w)
{
    const struct record_job *r = &w->job;
    struct job *j;
    if (record_to_job(r, &d->jobs, &j) != ERR_OK) {
        log_event(LOG_ERROR, "job-unreadable", LOG_TEXT("job", r->id));
        return;
    }
    queue_put(&service_of(d, j)->queue, j);
    if (job_state(j) == JOB_DELAYED)
        set_timer(d);
    else
        meet_soon(d);
}

static void submitted(void *arg, const struct store_answer *answer)
{
    struct waiting *w = arg;
    struct desk *d = w->desk;
    bool new_one = answer->e == ERR_OK && !answer->replayed;
    if (new_one) {
        tell_event(w);
        enter_memory(d, w);
    } else {
        queue_forget(&find_service(d, w->job.service)->queue, w->job.caller, w->job.size);
    }
    w->done(w->arg, answer->e, slice_str(answer->job), answer->replayed);
    waiting_free(w);
}

static uint64_t request_size(const struct record_request *r)
{
    uint64_t size = r->method.len + r->path.len + r->body.len;
    for (size_t i = 0; i < r->header_count; i++)
        size += r->headers[i].name.len + r->headers[i].value.len;
    return size;
}

enum err desk_submit(struct desk *d, const struct desk_submit *s, desk_done_fn *done, void *arg)
{
    struct service *service = find_service(d, s->service);
    if (!service || !service->configured)
        return ERR_ABSENT;
    uint64_t size = request_size(s->request);
    TRY(queue_admit(&service->queue, s->caller, size));
    uint8_t chance[10];
    char id[JOB_ID + 1];
    hash_random(chance, sizeof(chance));
    int64_t now_ms = wall_ms(d);
    job_id_make(id, now_ms, chance);
    struct waiting *w = wait_for(d, done, arg);
    struct record_job job = {
        .id = slice_str(id),
        .service = s->service,
        .caller = s->caller,
        .operation = s->operation,
        .state = s->delay_ms ? JOB_DELAYED : JOB_QUEUED,
        .priority = s->priority,
        .attempts = s->attempts ? s->attempts : service->attempts,
        .due_ms = s->delay_ms ? now_ms + (int64_t)s->delay_ms : 0,
        .deadline_ms = s->deadline_ms,
        .submitted_ms = now_ms,
        .timeout_ms = s->timeout_ms,
        .size = size,
        .events = 1,
    };
    keep_job(w, &job);
    w->event = (struct record_event){.id = 1, .name = SLICE("accepted"), .at_ms = now_ms, .data = SLICE("{}")};
    struct store_change change = {.job = job, .request = s->request, .event = w->event};
    store_apply(d->conf.store, &change, submitted, w);
    return ERR_OK;
}

/* --- workers --- */

enum err desk_join(struct desk *d, struct slice service, struct dispatch_worker *w, uint64_t id)
{
    struct service *s = find_service(d, service);
    if (!s)
        return ERR_ABSENT;
    dispatch_join(&s->dispatch, w, id);
    return ERR_OK;
}

void desk_leave(struct desk *d, struct slice service, struct dispatch_worker *w)
{
    struct service *s = find_service(d, service);
    if (s)
        dispatch_leave(&s->dispatch, w);
}

void desk_credit(struct desk *d, struct slice service, struct dispatch_worker *w, uint32_t slots, uint64_t bytes)
{
    struct service *s = find_service(d, service);
    if (!s)
        return;
    dispatch_credit(&s->dispatch, w, slots, bytes);
    meet_soon(d);
}

void desk_drain(struct desk *d)
{
    d->draining = true;
    loop_task_cancel(&d->meet);
}

enum err desk_renew(struct desk *d, struct slice job, uint64_t token, uint64_t worker, bool *cancelled)
{
    TRY(lease_renew(&d->leases, job, token, worker, mono_us(d) + d->conf.lease_us));
    struct job *j = job_find(&d->jobs, job);
    *cancelled = j && j->cancel_asked;
    set_timer(d);
    return ERR_OK;
}

void desk_reclaim(struct desk *d, uint64_t worker, desk_runs_fn *runs, void *arg)
{
    size_t at = 0;
    for (const struct lease *l = lease_each(&d->leases, &at); l; l = lease_each(&d->leases, &at)) {
        struct job *j = job_find(&d->jobs, slice_str(l->job));
        if (l->worker == worker && j && !runs(arg, slice_str(l->job), l->token))
            give_back(d, j, BACKOFF_RELEASED, SLICE("it never reached its worker"));
    }
}

/* --- outcomes --- */

static bool done_before(struct desk *d, const struct desk_outcome *o)
{
    struct record_job r;
    return store_read_job(d->conf.store, o->job, &r) == ERR_OK && r.token == o->token && job_over(r.state);
}

static void move_on(struct desk *d, struct job *j, const struct desk_outcome *o, struct step *step)
{
    struct backoff b = {.next = JOB_DONE};
    step->event = "done";
    if (!o->succeeded) {
        b = backoff_judge(j, o->cause, o->retry_after_ms, wall_ms(d));
        backoff_count(j, o->cause);
        step->event = b.next == JOB_DEAD ? "dead" : "retrying";
        if (b.next == JOB_DEAD && !step->reason.len)
            step->reason = slice_str(b.why);
    }
    if (j->cancel_asked && b.next != JOB_DONE) {
        b.next = JOB_CANCELLED;
        step->event = "cancelled";
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
    struct waiting *w = wait_for(d, done, arg);
    struct step step = {.guard = o->token, .reason = o->reason, .result = o->result};
    lease_drop(&d->leases, o->job);
    move_on(d, j, o, &step);
    write_step(d, j, &step, w);
    if (job_over(job_state(j))) {
        leave_memory(d, j);
    } else {
        queue_put(&service_of(d, j)->queue, j);
        meet_soon(d);
    }
    set_timer(d);
    return ERR_OK;
}

enum err desk_progress(struct desk *d, const struct desk_progress *p, desk_done_fn *done, void *arg)
{
    struct job *j = job_find(&d->jobs, p->job);
    if (!j)
        return ERR_STALE;
    TRY(lease_check(&d->leases, p->job, p->token));
    struct waiting *w = wait_for(d, done, arg);
    struct step step = {
        .event = "progress",
        .guard = p->token,
        .progress = p->data,
        .progress_type = p->type,
        .checkpoint = p->checkpoint,
        .progress_is_json = slice_starts(p->type, SLICE("application/json")) && p->data.len <= EVENT_DATA,
    };
    write_step(d, j, &step, w);
    return ERR_OK;
}

/* --- callers --- */

static void intent_written(void *arg, const struct store_answer *answer)
{
    struct waiting *w = arg;
    struct desk *d = w->desk;
    const struct lease *l = lease_find(&d->leases, w->job.id);
    if (answer->e == ERR_OK && l && l->worker != LEASE_NOBODY)
        d->conf.cancel(d->conf.arg, l->worker, w->job.id, l->token);
    w->done(w->arg, answer->e, w->job.id, false);
    waiting_free(w);
}

/* It runs: the intent is kept, and its worker told. */
static void ask_worker(struct desk *d, struct job *j, struct waiting *w)
{
    j->cancel_asked = true;
    struct store_change change = {.guard = j->token};
    record_of_job(j, &change.job);
    keep_job(w, &change.job);
    store_apply(d->conf.store, &change, intent_written, w);
}

enum err desk_cancel(struct desk *d, struct slice job, desk_done_fn *done, void *arg)
{
    struct job *j = job_find(&d->jobs, job);
    if (!j)
        return ERR_STALE;
    struct waiting *w = wait_for(d, done, arg);
    if (job_state(j) == JOB_LEASED) {
        ask_worker(d, j, w);
        return ERR_OK;
    }
    struct step step = {.event = "cancelled", .guard = j->token, .reason = SLICE("cancelled before it ran")};
    queue_remove(&service_of(d, j)->queue, j);
    job_move(&d->jobs, j, JOB_CANCELLED);
    write_step(d, j, &step, w);
    leave_memory(d, j);
    return ERR_OK;
}

/* A dead job comes back to memory from the store. */
static enum err revive(struct desk *d, struct slice id, struct job **out)
{
    struct record_job r;
    TRY(store_read_job(d->conf.store, id, &r));
    if (r.state != JOB_DEAD || job_find(&d->jobs, id))
        return ERR_STALE;
    struct service *s = need_service(d, r.service);
    TRY(queue_admit(&s->queue, r.caller, r.size));
    r.state = JOB_QUEUED;
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
    struct waiting *w = wait_for(d, done, arg);
    struct step step = {.event = "retrying", .guard = j->token, .reason = SLICE("asked for by its caller")};
    write_step(d, j, &step, w);
    queue_put(&service_of(d, j)->queue, j);
    meet_soon(d);
    return ERR_OK;
}

/* --- lifecycle --- */

struct desk *desk_new(const struct desk_conf *conf)
{
    struct desk *d = mem_new(sizeof(*d));
    d->conf = *conf;
    lease_table_init(&d->leases);
    loop_task_init(&d->meet, meet);
    due_init(&d->timer, timer);
    due_init(&d->expire, expire);
    struct metric_set *m = conf->metrics;
    d->events = metric_family(m, METRIC_COUNTER, "weft_jobs_total", "service,event", "Events of jobs.");
    d->queued = metric_family(m, METRIC_GAUGE, "weft_jobs_queued", "service", "Jobs that could run now.");
    d->delayed = metric_family(m, METRIC_GAUGE, "weft_jobs_delayed", "service", "Jobs that wait for their time.");
    d->workers = metric_family(m, METRIC_GAUGE, "weft_jobs_workers", "service", "Sidecars that run its jobs.");
    d->leased = metric_series(metric_family(m, METRIC_GAUGE, "weft_jobs_leased", "", "Jobs that run."), NULL);
    due_in(conf->clock, &d->expire, EXPIRE_US);
    return d;
}

void desk_free(struct desk **desk)
{
    struct desk *d = *desk;
    *desk = NULL;
    if (!d)
        return;
    due_cancel(d->conf.clock, &d->timer);
    due_cancel(d->conf.clock, &d->expire);
    loop_task_cancel(&d->meet);
    size_t lease_at = 0;
    for (const struct lease *l = lease_each(&d->leases, &lease_at); l; l = lease_each(&d->leases, &lease_at))
        lease_drop(&d->leases, slice_str(l->job));
    size_t job_at = 0;
    for (struct job *j = map_next(&d->jobs.by_id, &job_at); j; j = map_next(&d->jobs.by_id, &job_at))
        queue_remove(&service_of(d, j)->queue, j);
    job_table_fini(&d->jobs);
    lease_table_fini(&d->leases);
    size_t at = 0;
    for (struct service *s = map_next(&d->services, &at); s; s = map_next(&d->services, &at)) {
        queue_fini(&s->queue);
        dispatch_fini(&s->dispatch);
        mem_free(s->name);
        mem_free(s);
    }
    map_fini(&d->services);
    mem_free(d);
}

static struct queue *recover_queue(void *arg, struct slice service)
{
    return &need_service(arg, service)->queue;
}

void desk_recover(struct desk *d, int64_t grace_us, struct recover_count *out)
{
    struct recover_into into = {
        .jobs = &d->jobs,
        .leases = &d->leases,
        .queue_of = recover_queue,
        .arg = d,
        .grace_until_us = mono_us(d) + grace_us,
    };
    recover_all(d->conf.store, &into, out);
    set_timer(d);
    meet_soon(d);
}

/* --- numbers --- */

void desk_each_service(const struct desk *d, desk_count_fn *fn, void *arg)
{
    size_t at = 0;
    for (struct service *s = map_next(&d->services, &at); s; s = map_next(&d->services, &at)) {
        struct desk_count count = {
            .service = slice_str(s->name),
            .ready = queue_ready(&s->queue),
            .delayed = queue_delayed(&s->queue),
            .workers = dispatch_workers(&s->dispatch),
        };
        fn(arg, &count);
    }
}

size_t desk_leased(const struct desk *d)
{
    return lease_count(&d->leases);
}

void desk_measure(struct desk *d)
{
    size_t at = 0;
    for (struct service *s = map_next(&d->services, &at); s; s = map_next(&d->services, &at)) {
        metric_gauge(s->queued, (double)queue_ready(&s->queue));
        metric_gauge(s->delayed, (double)queue_delayed(&s->queue));
        metric_gauge(s->workers, (double)dispatch_workers(&s->dispatch));
    }
    metric_gauge(d->leased, (double)lease_count(&d->leases));
}
