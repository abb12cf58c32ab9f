/* Every change goes the same way: decide (pure rooms), move the job in memory, write
 * the change; the store answers in order, so what memory did first is durable first.
 *
 * A submitted job enters memory when it is durable; a finished one leaves memory when
 * its end is written, and from then on the store alone speaks for it. */
#include "broker/desk.h"

#include "base/mem.h"
#include "broker/desk_after.h"
#include "broker/desk_key.h"
#include "broker/desk_meet.h"
#include "broker/desk_mend.h"

void desk_service(struct desk *d, const struct desk_service_conf *conf)
{
    struct desk_line *s = desk_room_need_line(d, conf->name);
    s->attempts = conf->attempts;
    s->concurrency = conf->concurrency;
    s->per_minute = conf->per_minute;
    s->key_concurrency = conf->key_concurrency;
    s->key_per_minute = conf->key_per_minute;
    s->paused = conf->paused;
    s->configured = true;
    desk_key_rethink(d);
    desk_meet_soon(d);
}

bool desk_knows(const struct desk *d, struct slice service)
{
    struct desk_line *s = desk_room_line(d, service);
    return s && s->configured;
}

enum err desk_pause(struct desk *d, struct slice service, bool paused)
{
    struct desk_line *s = desk_room_line(d, service);
    if (!s)
        return ERR_ABSENT;
    s->paused = paused;
    desk_meet_soon(d);
    return ERR_OK;
}

/* --- workers --- */

enum err desk_join(struct desk *d, struct slice service, struct dispatch_worker *w, uint64_t id)
{
    struct desk_line *s = desk_room_line(d, service);
    if (!s)
        return ERR_ABSENT;
    dispatch_join(&s->dispatch, w, id);
    return ERR_OK;
}

void desk_leave(struct desk *d, struct slice service, struct dispatch_worker *w)
{
    struct desk_line *s = desk_room_line(d, service);
    if (s)
        dispatch_leave(&s->dispatch, w);
}

void desk_credit(struct desk *d, struct slice service, struct dispatch_worker *w, uint32_t slots, uint64_t bytes)
{
    struct desk_line *s = desk_room_line(d, service);
    if (!s)
        return;
    dispatch_credit(&s->dispatch, w, slots, bytes);
    desk_meet_soon(d);
}

void desk_drain(struct desk *d)
{
    d->draining = true;
    loop_task_cancel(&d->meet);
}

bool desk_elsewhere(const struct desk *d, struct slice job, struct slice service)
{
    const struct job *j = job_find(&d->jobs, job);
    return j && !slice_eq(job_service(j), service);
}

bool desk_shows(const struct desk *d, struct slice runner, struct slice other)
{
    return desk_after_shows(d, runner, other);
}

bool desk_holds(const struct desk *d, struct slice job, uint64_t token)
{
    return lease_check(&d->leases, job, token) == ERR_OK;
}

enum err desk_renew(struct desk *d, struct slice job, uint64_t token, uint64_t worker, bool *cancelled)
{
    TRY(lease_renew(&d->leases, job, token, worker, desk_room_mono_us(d) + d->conf.lease_us));
    struct job *j = job_find(&d->jobs, job);
    *cancelled = j && j->cancel_asked;
    desk_meet_timer(d);
    return ERR_OK;
}

static const char never_arrived[] = "it never reached its worker";

void desk_return(struct desk *d, struct slice job, uint64_t token)
{
    struct job *j = job_find(&d->jobs, job);
    if (j && lease_check(&d->leases, job, token) == ERR_OK)
        desk_meet_give_back(d, j, BACKOFF_RELEASED, slice_str(never_arrived));
}

void desk_reclaim(struct desk *d, uint64_t worker, desk_runs_fn *runs, void *arg)
{
    size_t at = 0;
    for (const struct lease *l = lease_each(&d->leases, &at); l; l = lease_each(&d->leases, &at)) {
        struct job *j = job_find(&d->jobs, slice_str(l->job));
        if (l->worker == worker && j && !runs(arg, slice_str(l->job), l->token))
            desk_meet_give_back(d, j, BACKOFF_RELEASED, slice_str(never_arrived));
    }
}

/* --- lifecycle --- */

struct desk *desk_new(const struct desk_conf *conf)
{
    struct desk *d = mem_new(sizeof(*d));
    d->conf = *conf;
    lease_table_init(&d->leases);
    list_init(&d->late);
    desk_key_start(d);
    deadline_table_init(&d->deadlines);
    struct metric_set *m = conf->metrics;
    d->events = metric_family(m, METRIC_COUNTER, "weft_jobs_total", "service,event", "Events of jobs.");
    d->queued = metric_family(m, METRIC_GAUGE, "weft_jobs_queued", "service", "Jobs that could run now.");
    d->aside = metric_family(m, METRIC_GAUGE, "weft_jobs_held_by_key", "service",
                             "Of those queued, jobs that wait for another one of their key.");
    d->delayed = metric_family(m, METRIC_GAUGE, "weft_jobs_delayed", "service", "Jobs that wait for their time.");
    d->workers = metric_family(m, METRIC_GAUGE, "weft_jobs_workers", "service", "Sidecars that run its jobs.");
    d->leased = metric_series(metric_family(m, METRIC_GAUGE, "weft_jobs_leased", "", "Jobs that run."), NULL);
    desk_meet_start(d);
    return d;
}

void desk_free(struct desk **desk)
{
    struct desk *d = *desk;
    *desk = NULL;
    if (!d)
        return;
    desk_meet_stop(d);
    size_t lease_at = 0;
    for (const struct lease *l = lease_each(&d->leases, &lease_at); l; l = lease_each(&d->leases, &lease_at))
        lease_drop(&d->leases, slice_str(l->job));
    size_t job_at = 0;
    for (struct job *j = job_next(&d->jobs, &job_at); j; j = job_next(&d->jobs, &job_at))
        queue_remove(&desk_room_line_of(d, j)->queue, j);
    desk_key_stop(d);
    job_table_fini(&d->jobs);
    lease_table_fini(&d->leases);
    size_t at = 0;
    for (struct desk_line *s = map_next(&d->services, &at); s; s = map_next(&d->services, &at)) {
        queue_fini(&s->queue);
        dispatch_fini(&s->dispatch);
        mem_free(s->name);
        mem_free(s);
    }
    map_fini(&d->services);
    after_fini(&d->after);
    deadline_table_fini(&d->deadlines);
    mem_free(d);
}

void desk_recover(struct desk *d, int64_t grace_us, struct recover_count *out)
{
    struct recover_into into = desk_mend_into(d, grace_us);
    recover_all(d->conf.store, &into, out);
    desk_after_settle(d);
    desk_meet_timer(d);
    desk_meet_soon(d);
}

/* --- numbers --- */

static size_t aside(const struct desk_line *s)
{
    size_t count = queue_aside(&s->queue);
    for (struct list *l = s->lanes.next; l != &s->lanes; l = l->next)
        count += queue_aside(&LIST_OF(l, struct desk_line, lane)->queue);
    return count;
}

static size_t ready(const struct desk_line *s)
{
    size_t count = queue_ready(&s->queue) + aside(s);
    for (struct list *l = s->lanes.next; l != &s->lanes; l = l->next)
        count += queue_ready(&LIST_OF(l, struct desk_line, lane)->queue);
    return count;
}

static size_t delayed(const struct desk_line *s)
{
    size_t count = queue_delayed(&s->queue);
    for (struct list *l = s->lanes.next; l != &s->lanes; l = l->next)
        count += queue_delayed(&LIST_OF(l, struct desk_line, lane)->queue);
    return count;
}

void desk_each_service(const struct desk *d, desk_count_fn *fn, void *arg)
{
    size_t at = 0;
    for (struct desk_line *s = map_next(&d->services, &at); s; s = map_next(&d->services, &at)) {
        if (s->of)
            continue;
        struct desk_count count = {
            .service = slice_str(s->name),
            .ready = ready(s),
            .aside = aside(s),
            .delayed = delayed(s),
            .leased = job_leased(&d->jobs, slice_str(s->name)),
            .workers = dispatch_workers(&s->dispatch),
            .paused = s->paused,
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
    for (struct desk_line *s = map_next(&d->services, &at); s; s = map_next(&d->services, &at)) {
        if (s->of)
            continue;
        metric_gauge(s->queued, (double)ready(s));
        metric_gauge(s->aside, (double)aside(s));
        metric_gauge(s->delayed, (double)delayed(s));
        metric_gauge(s->workers, (double)dispatch_workers(&s->dispatch));
    }
    metric_gauge(d->leased, (double)lease_count(&d->leases));
}
