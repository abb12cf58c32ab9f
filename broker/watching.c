#include "broker/watching.h"

#include "base/mem.h"
#include "broker/answers.h"
#include "broker/permits.h"
#include "broker/words.h"

static void send_event(struct api *a, struct session *s, struct slice job, const struct record_event *e, bool last)
{
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_EVENT;
    r.event = words_event(&a->scratch, job, e, last);
    front_send(a->front, s, &r);
}

struct replay {
    struct api *api;
    struct session *session;
    struct slice job;
    uint64_t after;
    uint64_t last; /* id of the event that ended the job; 0: it is not over */
};

/* A job that was dead and retried has an end in the middle: only the newest event can be the last. */
static bool replay_event(void *arg, const struct record_event *e)
{
    struct replay *p = arg;
    send_event(p->api, p->session, p->job, e, e->id == p->last);
    p->after = e->id;
    return true;
}

/* --- what comes --- */

/* All who watch one job.  It stays until the job's end, also when the last of them has left. */
struct watched {
    struct list watches;
    char job[JOB_ID + 1];
};

static void note(struct api *a, struct session_watch *w)
{
    struct watched *all = map_get(&a->watched, slice_str(w->job));
    if (!all) {
        all = mem_new(sizeof(*all));
        list_init(&all->watches);
        memcpy(all->job, w->job, sizeof(all->job));
        map_put(&a->watched, slice_str(all->job), all);
    }
    if (list_empty(&w->by_job))
        list_push_back(&all->watches, &w->by_job);
}

static void forget(struct api *a, struct watched *all)
{
    while (!list_empty(&all->watches))
        (void)list_pop(&all->watches);
    map_del(&a->watched, slice_str(all->job));
    mem_free(all);
}

void watching_fini(struct api *a)
{
    size_t at = 0;
    for (struct watched *all = map_next(&a->watched, &at); all; all = map_next(&a->watched, &at))
        forget(a, all);
    map_fini(&a->watched);
}

void watching_event(struct api *a, struct slice job, const struct record_event *event, bool last)
{
    struct watched *all = map_get(&a->watched, job);
    if (!all)
        return;
    for (struct list *l = all->watches.next, *next; l != &all->watches; l = next) {
        struct session_watch *w = LIST_OF(l, struct session_watch, by_job);
        next = l->next;
        if (event->id <= w->after)
            continue;
        w->after = event->id;
        send_event(a, w->session, job, event, last);
        if (last)
            session_unwatch(w->session, job);
    }
    if (last)
        forget(a, all);
    arena_reset(&a->scratch);
}

void watching_start(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__Watch *m = r->watch;
    struct record_job job;
    if (m->stop) {
        session_unwatch(s, slice_str(m->job));
        return;
    }
    if (!permits_find(a, s, r->seq, m->job, "see", &job))
        return;
    struct replay p = {.api = a, .session = s, .job = job.id, .after = m->after};
    p.last = job_over(job.state) ? job.events : 0;
    store_read_events(a->conf.store, job.id, m->after, replay_event, &p);
    if (job_over(job.state))
        return;
    if (session_watch(s, job.id, p.after) == ERR_OK)
        note(a, session_watches(s, job.id));
    else
        answers_problem(a, s, r->seq, "overloaded", 503, "Over 1000 jobs are watched on one connection.");
}
