#include "broker/session.h"

#include "base/mem.h"

struct session *session_new(uint64_t id, const struct zsock_route *route, struct slice identity)
{
    struct session *s = mem_new(sizeof(*s));
    *s = (struct session){
        .id = id,
        .route = *route,
        .identity = mem_copy(identity),
        .service = mem_copy(SLICE("")),
        .instance = mem_copy(SLICE("")),
        .labels = mem_copy(SLICE("")),
    };
    list_init(&s->link);
    list_init(&s->unsent);
    list_init(&s->watches);
    buf_init(&s->out, ZSOCK_MESSAGE);
    return s;
}

static void drop_watch(struct session *s, struct session_watch *w)
{
    list_remove(&w->link);
    list_remove(&w->by_job);
    s->watch_count--;
    mem_free(w);
}

void session_free(struct session **session)
{
    struct session *s = *session;
    *session = NULL;
    if (!s)
        return;
    while (!list_empty(&s->watches))
        drop_watch(s, LIST_OF(list_first(&s->watches), struct session_watch, link));
    list_remove(&s->link);
    list_remove(&s->unsent);
    mem_free(s->identity);
    mem_free(s->service);
    mem_free(s->instance);
    mem_free(s->labels);
    buf_fini(&s->out);
    mem_free(s);
}

void session_name(struct session *s, const char *service, const char *instance)
{
    mem_free(s->service);
    mem_free(s->instance);
    s->service = mem_copy(slice_to(slice_str(service), SESSION_NAME_MOST));
    s->instance = mem_copy(slice_to(slice_str(instance), SESSION_NAME_MOST));
    s->greeted = true;
}

void session_label(struct session *s, const char *labels)
{
    mem_free(s->labels);
    s->labels = mem_copy(labels_ok(slice_str(labels), false) ? slice_str(labels) : SLICE(""));
    s->worker.labels = slice_str(s->labels);
}

struct session_watch *session_watches(struct session *s, struct slice job)
{
    for (struct list *l = s->watches.next; l != &s->watches; l = l->next) {
        struct session_watch *w = LIST_OF(l, struct session_watch, link);
        if (slice_eq(slice_str(w->job), job))
            return w;
    }
    return NULL;
}

enum err session_watch(struct session *s, struct slice job, uint64_t after)
{
    struct session_watch *w = session_watches(s, job);
    if (!w && s->watch_count == SESSION_WATCHES)
        return ERR_FULL;
    if (!w) {
        w = mem_new(sizeof(*w));
        memcpy(w->job, job.at, job.len < JOB_ID ? job.len : JOB_ID);
        w->session = s;
        list_init(&w->by_job);
        list_push_back(&s->watches, &w->link);
        s->watch_count++;
    }
    w->after = after;
    return ERR_OK;
}

void session_unwatch(struct session *s, struct slice job)
{
    struct session_watch *w = session_watches(s, job);
    if (w)
        drop_watch(s, w);
}
