#include "broker/desk_meet.h"

#include "broker/desk_key.h"
#include "broker/desk_why.h"
#include "broker/desk_write.h"

enum { ASSIGN_TURN = 256, EXPIRE_US = 60 * NOW_US_PER_S, RETRY_LATER_US = 50000, MINUTE_US = 60 * NOW_US_PER_S };

void desk_meet_soon(struct desk *d)
{
    if (!d->draining)
        loop_defer_late(d->conf.loop, &d->meet);
}

static void leased(void *arg, const struct store_answer *answer)
{
    struct desk_waiting *w = arg;
    struct desk *d = w->desk;
    struct job *j = job_find(&d->jobs, w->job.id);
    bool ours = answer->e == ERR_OK && j && job_state(j) == JOB_LEASED && j->token == w->job.token;
    if (answer->e == ERR_OK)
        desk_write_tell(w);
    enum err e = ours ? d->conf.assign(d->conf.arg, w->worker, &w->job) : ERR_OK;
    if (e == ERR_PEER)
        desk_meet_give_back(d, j, BACKOFF_REFUSED, SLICE("its request is damaged on the broker's disk"));
    else if (e != ERR_OK)
        desk_meet_give_back(d, j, BACKOFF_RELEASED, SLICE("the worker has gone"));
    desk_write_free(w);
}

static void lease_out(struct desk *d, struct job *j, struct dispatch_worker *to)
{
    struct desk_step step = {.event = "started", .guard = j->token, .worker = SLICE("")};
    j->token++;
    j->attempt++;
    j->started_ms = desk_room_wall_ms(d);
    job_move(&d->jobs, j, JOB_LEASED);
    struct lease terms = {.until_us = desk_room_mono_us(d) + d->conf.lease_us, .token = j->token, .worker = to->id};
    memcpy(terms.job, j->id, sizeof(terms.job));
    lease_grant(&d->leases, &terms);
    struct desk_waiting *w = desk_write_wait(d, NULL, NULL);
    w->worker = to->id;
    int64_t now_ms = j->started_ms;
    desk_write_event(w, j, &step, now_ms);
    struct store_change change = {.guard = step.guard, .event = w->event};
    record_of_job(j, &change.job);
    change.job.worker = desk_room_worker_name(d, to->id);
    change.job.progress = change.job.progress_type = SLICE(""); /* an earlier attempt's says nothing of this one */
    desk_write_keep(w, &change.job);
    store_apply(d->conf.store, &change, leased, w);
}

static bool too_late(const struct desk *d, const struct job *j)
{
    return j->deadline_ms && j->deadline_ms <= desk_room_wall_ms(d);
}

void desk_meet_enter(struct desk *d, const struct job *j)
{
    if (!j->deadline_ms)
        return;
    deadline_put(&d->deadlines, slice_str(j->id), j->deadline_ms);
    desk_meet_timer(d);
}

void desk_meet_line_up(struct desk *d, struct job *j)
{
    desk_meet_enter(d, j); /* it may have been leased when we started */
    desk_key_freed(d, j);
    queue_put(&desk_room_line_of(d, j)->queue, j);
}

/* Over for good, in memory; the store keeps it. */
void desk_meet_leave(struct desk *d, struct job *j)
{
    queue_forget(&desk_room_line_of(d, j)->queue, job_caller(j), j->size);
    lease_drop(&d->leases, slice_str(j->id));
    desk_key_freed(d, j);
    if (j->deadline_ms)
        deadline_drop(&d->deadlines, slice_str(j->id));
    if (j->traits & JOB_AWAITS)
        after_drop(&d->after, slice_str(j->id));
    job_free(&d->jobs, &j);
}

void desk_meet_bury(struct desk *d, struct job *j, struct slice reason)
{
    struct desk_waiting *w = desk_write_wait(d, NULL, NULL);
    struct desk_step step = {.event = "dead", .guard = j->token, .reason = reason};
    job_move(&d->jobs, j, JOB_DEAD);
    desk_write_step(d, j, &step, w);
    desk_meet_leave(d, j);
}

/* A rate lets its leases begin evenly; what was not used is not saved up. */
static void count_lease(struct desk *d, struct desk_line *s)
{
    int64_t now_us = desk_room_mono_us(d);
    if (s->per_minute)
        s->next_us = (s->next_us > now_us ? s->next_us : now_us) + MINUTE_US / s->per_minute;
}

static bool goes_first(const struct job *a, const struct job *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority;
    return strcmp(a->id, b->id) < 0;
}

/* Of the service's line and its lanes the one whose first job goes before the others'; NULL: none is left. */
static struct desk_line *first_line(struct desk_line *s)
{
    struct desk_line *first = !s->tried && queue_first(&s->queue) ? s : NULL;
    for (struct list *l = s->lanes.next; l != &s->lanes; l = l->next) {
        struct desk_line *lane = LIST_OF(l, struct desk_line, lane);
        const struct job *j = lane->tried ? NULL : queue_first(&lane->queue);
        if (j && (!first || goes_first(j, queue_first(&first->queue))))
            first = lane;
    }
    return first;
}

static void try_all_again(struct desk_line *s)
{
    s->tried = false;
    for (struct list *l = s->lanes.next; l != &s->lanes; l = l->next)
        LIST_OF(l, struct desk_line, lane)->tried = false;
}

static void meet_service(struct desk *d, struct desk_line *s)
{
    try_all_again(s);
    for (int i = 0; i < ASSIGN_TURN; i++) {
        struct desk_line *line = first_line(s);
        struct dispatch_worker *to;
        if (!line)
            return;
        struct job *j = queue_first(&line->queue);
        if (too_late(d, j)) {
            queue_remove(&line->queue, j);
            desk_meet_bury(d, j, SLICE("its deadline passed before it could run"));
            continue;
        }
        if (desk_why_held(d, s))
            return;
        if (desk_key_held(d, s, j)) {
            desk_key_set_aside(d, line, j);
            continue;
        }
        if (dispatch_pick(&s->dispatch, line->needs, j->size, &to) != ERR_OK) {
            line->tried = true;
            desk_key_pass(d, line, j);
            continue;
        }
        count_lease(d, s);
        desk_key_began(d, s, j);
        lease_out(d, queue_take(&line->queue), to); /* taking passes the turn to the next caller */
    }
    desk_meet_soon(d);
}

static void meet(struct loop_task *task)
{
    struct desk *d = LIST_OF(task, struct desk, meet);
    if (d->draining)
        return;
    size_t at = 0;
    for (struct desk_line *s = map_next(&d->services, &at); s; s = map_next(&d->services, &at))
        if (!s->of)
            meet_service(d, s);
    desk_meet_timer(d);
}

/* --- time --- */

/* The lease has ended and the job is not over: what becomes of it. */
void desk_meet_give_back(struct desk *d, struct job *j, enum backoff_cause cause, struct slice reason)
{
    struct desk_waiting *w = desk_write_wait(d, NULL, NULL);
    struct desk_step step = {.guard = j->token, .reason = reason};
    lease_drop(&d->leases, slice_str(j->id));
    struct backoff b = backoff_judge(j, cause, 0, desk_room_wall_ms(d));
    backoff_count(j, cause);
    if (j->cancel_asked) {
        job_move(&d->jobs, j, JOB_CANCELLED);
        step.event = "cancelled";
    } else {
        job_move(&d->jobs, j, b.next);
        j->due_ms = b.next == JOB_DELAYED ? b.due_ms : 0;
        step.event = b.next == JOB_DEAD ? "dead" : "retrying";
    }
    desk_write_step(d, j, &step, w);
    if (job_over(job_state(j)))
        desk_meet_leave(d, j);
    else
        desk_meet_line_up(d, j);
    desk_meet_soon(d);
}

static void end_leases(struct desk *d)
{
    for (const struct lease *l = lease_expired(&d->leases, desk_room_mono_us(d)); l;
         l = lease_expired(&d->leases, desk_room_mono_us(d))) {
        struct job *j = job_find(&d->jobs, slice_str(l->job));
        if (j)
            desk_meet_give_back(d, j, BACKOFF_CRASHED, SLICE("its worker fell silent"));
        else
            lease_drop(&d->leases, slice_str(l->job));
    }
}

static void wake_delayed(struct desk *d, struct desk_line *s)
{
    for (struct job *j = queue_due(&s->queue, desk_room_wall_ms(d)); j;
         j = queue_due(&s->queue, desk_room_wall_ms(d))) {
        struct desk_step step = {.guard = j->token};
        j->due_ms = 0;
        job_move(&d->jobs, j, JOB_QUEUED);
        desk_write_step(d, j, &step, desk_write_wait(d, NULL, NULL));
        queue_put(&s->queue, j);
    }
}

/* One that runs is its worker's to end, and is judged when it comes back. */
static void end_late(struct desk *d)
{
    char id[JOB_ID + 1];
    while (deadline_passed(&d->deadlines, desk_room_wall_ms(d), id)) {
        struct job *j = job_find(&d->jobs, slice_str(id));
        if (!j || job_state(j) == JOB_LEASED)
            continue;
        queue_remove(&desk_room_line_of(d, j)->queue, j);
        desk_meet_bury(d, j, SLICE("its deadline passed before it could run"));
    }
}

static void timer(struct due *due)
{
    struct desk *d = (struct desk *)(void *)((char *)due - offsetof(struct desk, timer));
    end_leases(d);
    end_late(d);
    size_t at = 0;
    for (struct desk_line *s = map_next(&d->services, &at); s; s = map_next(&d->services, &at))
        wake_delayed(d, s);
    desk_key_wake(d);
    desk_meet_soon(d);
    desk_meet_timer(d);
}

static int64_t sooner_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A millisecond later, so that it has come when we look; a year at most. */
static int64_t mono_of(const struct desk *d, int64_t wall_ms)
{
    static const int64_t year_ms = INT64_C(31536000000);
    int64_t in_ms = wall_ms - desk_room_wall_ms(d);
    in_ms = in_ms < 0 ? 0 : sooner_of(in_ms, year_ms);
    return desk_room_mono_us(d) + (in_ms + 1) * NOW_US_PER_MS;
}

void desk_meet_timer(struct desk *d)
{
    int64_t next_us = INT64_MAX, until_us, due_ms;
    if (lease_next_expiry(&d->leases, &until_us))
        next_us = until_us;
    if (deadline_next(&d->deadlines, &due_ms))
        next_us = sooner_of(next_us, mono_of(d, due_ms));
    size_t at = 0;
    for (struct desk_line *s = map_next(&d->services, &at); s; s = map_next(&d->services, &at)) {
        if (s->next_us > desk_room_mono_us(d) && s->next_us < next_us)
            next_us = s->next_us;
        if (!queue_next_due(&s->queue, &due_ms))
            continue;
        next_us = sooner_of(next_us, mono_of(d, due_ms));
    }
    if (desk_key_next(d, &until_us))
        next_us = sooner_of(next_us, until_us);
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
    int64_t before_ms = desk_room_wall_ms(d) - d->conf.retention_us / NOW_US_PER_MS;
    store_expire(d->conf.store, before_ms > 0 ? before_ms : 0, expired, d);
}

void desk_meet_start(struct desk *d)
{
    loop_task_init(&d->meet, meet);
    due_init(&d->timer, timer);
    due_init(&d->expire, expire);
    due_in(d->conf.clock, &d->expire, EXPIRE_US);
}

void desk_meet_stop(struct desk *d)
{
    due_cancel(d->conf.clock, &d->timer);
    due_cancel(d->conf.clock, &d->expire);
    loop_task_cancel(&d->meet);
}
