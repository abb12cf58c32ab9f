#include "broker/watching.h"

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
    if (!job_over(job.state) && session_watch(s, job.id, p.after) != ERR_OK)
        answers_problem(a, s, r->seq, "overloaded", 503, "Over 1000 jobs are watched on one connection.");
}

struct broadcast {
    struct api *api;
    struct slice job;
    const struct record_event *event;
    bool last;
};

static void tell_watcher(void *arg, struct session *s)
{
    struct broadcast *b = arg;
    struct session_watch *w = session_watches(s, b->job);
    if (!w || b->event->id <= w->after)
        return;
    w->after = b->event->id;
    send_event(b->api, s, b->job, b->event, b->last);
    if (b->last)
        session_unwatch(s, b->job);
}

void watching_event(struct api *a, struct slice job, const struct record_event *event, bool last)
{
    struct broadcast b = {.api = a, .job = job, .event = event, .last = last};
    front_each(a->front, tell_watcher, &b);
    arena_reset(&a->scratch);
}
