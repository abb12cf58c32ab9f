#include "base/loop.h"

#include <ev.h>

#include "base/check.h"
#include "base/mem.h"

/* One turn is: deferred calls, late calls and what those defer, sleep, edges and timers, fd events.  libev calls
 * prepare before it sleeps and check after it, and does not sleep while an idle watcher runs. */
struct loop {
    struct ev_loop *ev;
    struct now now;
    bool by_hand;    /* `now` is not the system's, so libev's timers cannot follow it */
    bool turning;    /* inside loop_run or loop_turn */
    int64_t turn_us; /* monotonic, read after each sleep */
    ev_prepare prepare;
    ev_check check;
    ev_idle idle; /* runs while there is something to do without an event */
    struct list tasks;
    struct list late;
    struct list edges;
};

struct loop_watch {
    struct loop *loop;
    ev_io io;
    loop_watch_fn *fn;
    void *arg;
};

struct loop_edge {
    struct loop *loop;
    struct list link;
    ev_io io; /* only ends the sleep */
    loop_edge_ready_fn *ready;
    loop_edge_fn *fn;
    void *arg;
};

struct loop_wake {
    struct loop *loop;
    ev_async async;
    loop_wake_fn *fn;
    void *arg;
};

/* The deadline itself is an edge: asked for before and after each sleep.  libev's timer only
 * ends the sleep, and a clock moved by hand needs none. */
struct loop_timer {
    struct loop_edge edge;
    ev_timer alarm;
    int64_t at_us;
    loop_timer_fn *fn;
    void *arg;
};

struct loop_signal {
    struct loop *loop;
    ev_signal signal;
    loop_signal_fn *fn;
    void *arg;
};

static void move_all(struct list *from, struct list *to)
{
    for (struct list *link = list_pop(from); link; link = list_pop(from))
        list_push_back(to, link);
}

static void run_tasks(struct list *from)
{
    struct list round; /* what these calls defer in turn waits for the next round */

    list_init(&round);
    move_all(from, &round);
    for (struct list *link = list_pop(&round); link; link = list_pop(&round)) {
        struct loop_task *t = LIST_OF(link, struct loop_task, link);
        t->fn(t);
    }
}

static bool tasks_wait(const struct loop *l)
{
    return !list_empty(&l->tasks) || !list_empty(&l->late);
}

/* What late calls defer is mostly the ends of what they have sent, whose memory serves what the next events bring. */
static void settle(struct loop *l)
{
    struct list next; /* what deferred calls have deferred */

    run_tasks(&l->tasks);
    list_init(&next);
    move_all(&l->tasks, &next);
    run_tasks(&l->late);
    run_tasks(&l->tasks);
    move_all(&l->tasks, &next);
    move_all(&next, &l->tasks);
}

static bool edge_ready(const struct loop *l)
{
    for (struct list *link = l->edges.next; link != &l->edges; link = link->next) {
        struct loop_edge *e = LIST_OF(link, struct loop_edge, link);
        if (e->ready(e->arg))
            return true;
    }
    return false;
}

static void run_edges(struct loop *l)
{
    struct list round;

    list_init(&round);
    for (struct list *link = list_pop(&l->edges); link; link = list_pop(&l->edges))
        list_push_back(&round, link);
    for (struct list *link = list_pop(&round); link; link = list_pop(&round)) {
        struct loop_edge *e = LIST_OF(link, struct loop_edge, link);
        list_push_back(&l->edges, link);
        if (e->ready(e->arg))
            e->fn(e->arg);
    }
}

static void on_prepare(struct ev_loop *ev, ev_prepare *w, int events)
{
    struct loop *l = w->data;

    (void)events;
    settle(l);
    if (tasks_wait(l) || edge_ready(l))
        ev_idle_start(ev, &l->idle);
    else
        ev_idle_stop(ev, &l->idle);
}

static void on_check(struct ev_loop *ev, ev_check *w, int events)
{
    struct loop *l = w->data;

    (void)ev;
    (void)events;
    l->turn_us = now_mono_us(&l->now);
    run_edges(l);
}

static void on_idle(struct ev_loop *ev, ev_idle *w, int events)
{
    (void)ev;
    (void)w;
    (void)events;
}

static struct loop *make(const struct now *now, bool by_hand)
{
    struct loop *l = mem_new(sizeof(*l));

    l->ev = ev_loop_new(EVFLAG_AUTO);
    PRE(l->ev != NULL);
    l->now = *now;
    l->by_hand = by_hand;
    list_init(&l->tasks);
    list_init(&l->late);
    list_init(&l->edges);
    ev_prepare_init(&l->prepare, on_prepare);
    ev_check_init(&l->check, on_check);
    ev_idle_init(&l->idle, on_idle);
    ev_set_priority(&l->check, EV_MAXPRI);
    l->prepare.data = l;
    l->check.data = l;
    ev_prepare_start(l->ev, &l->prepare);
    ev_check_start(l->ev, &l->check);
    /* These two are no reason to go on running. */
    ev_unref(l->ev);
    ev_unref(l->ev);
    return l;
}

struct loop *loop_new(void)
{
    return make(&now_real, false);
}

struct loop *loop_new_by(const struct now *now)
{
    return make(now, true);
}

void loop_free(struct loop **l)
{
    if (!*l)
        return;
    PRE(!(*l)->turning && list_empty(&(*l)->edges));
    ev_ref((*l)->ev);
    ev_ref((*l)->ev);
    ev_idle_stop((*l)->ev, &(*l)->idle);
    ev_prepare_stop((*l)->ev, &(*l)->prepare);
    ev_check_stop((*l)->ev, &(*l)->check);
    ev_loop_destroy((*l)->ev);
    mem_free(*l);
    *l = NULL;
}

static void turn(struct loop *l, int flags)
{
    PRE(!l->turning);
    l->turning = true;
    l->turn_us = now_mono_us(&l->now);
    (void)ev_run(l->ev, flags);
    l->turning = false;
}

void loop_run(struct loop *l)
{
    turn(l, 0);
}

void loop_stop(struct loop *l)
{
    ev_break(l->ev, EVBREAK_ALL);
}

void loop_turn(struct loop *l, bool wait)
{
    /* What is waiting now is work enough for one turn: do it without sleeping. */
    bool busy = tasks_wait(l);

    turn(l, wait && !busy ? EVRUN_ONCE : EVRUN_NOWAIT);
    l->turning = true;
    settle(l);
    l->turning = false;
}

const struct now *loop_now(const struct loop *l)
{
    return &l->now;
}

int64_t loop_turn_us(const struct loop *l)
{
    return l->turning ? l->turn_us : now_mono_us(&l->now);
}

static void on_io(struct ev_loop *ev, ev_io *io, int events)
{
    struct loop_watch *w = io->data;

    (void)ev;
    w->fn(w->arg, (events & EV_READ ? LOOP_READ : 0U) | (events & EV_WRITE ? LOOP_WRITE : 0U));
}

struct loop_watch *loop_watch_new(struct loop *l, int fd, loop_watch_fn *fn, void *arg)
{
    struct loop_watch *w = mem_new(sizeof(*w));

    *w = (struct loop_watch){.loop = l, .fn = fn, .arg = arg};
    ev_io_init(&w->io, on_io, fd, 0);
    w->io.data = w;
    return w;
}

void loop_watch_set(struct loop_watch *w, unsigned events)
{
    int bits = (events & LOOP_READ ? EV_READ : 0) | (events & LOOP_WRITE ? EV_WRITE : 0);

    if ((w->io.events & (EV_READ | EV_WRITE)) == bits)
        return;
    ev_io_stop(w->loop->ev, &w->io);
    ev_io_modify(&w->io, bits); /* not ev_io_set: that costs a system call even when nothing changes in the end */
    if (bits)
        ev_io_start(w->loop->ev, &w->io);
}

void loop_watch_free(struct loop_watch **w)
{
    if (!*w)
        return;
    ev_io_stop((*w)->loop->ev, &(*w)->io);
    mem_free(*w);
    *w = NULL;
}

void loop_task_init(struct loop_task *t, void (*fn)(struct loop_task *task))
{
    list_init(&t->link);
    t->fn = fn;
}

static void wait_in(struct loop *l, struct list *in, struct loop_task *t)
{
    if (!list_empty(&t->link))
        return;
    list_push_back(in, &t->link);
    ev_idle_start(l->ev, &l->idle);
}

void loop_defer(struct loop *l, struct loop_task *t)
{
    wait_in(l, &l->tasks, t);
}

void loop_defer_late(struct loop *l, struct loop_task *t)
{
    wait_in(l, &l->late, t);
}

void loop_task_cancel(struct loop_task *t)
{
    list_remove(&t->link);
}

static void on_edge_io(struct ev_loop *ev, ev_io *io, int events)
{
    (void)ev;
    (void)io;
    (void)events;
}

struct loop_edge *loop_edge_new(struct loop *l, int fd, loop_edge_ready_fn *ready, loop_edge_fn *fn, void *arg)
{
    struct loop_edge *e = mem_new(sizeof(*e));

    *e = (struct loop_edge){.loop = l, .ready = ready, .fn = fn, .arg = arg};
    list_push_back(&l->edges, &e->link);
    ev_io_init(&e->io, on_edge_io, fd, EV_READ);
    ev_io_start(l->ev, &e->io);
    return e;
}

void loop_edge_free(struct loop_edge **e)
{
    if (!*e)
        return;
    ev_io_stop((*e)->loop->ev, &(*e)->io);
    list_remove(&(*e)->link);
    mem_free(*e);
    *e = NULL;
}

static void on_async(struct ev_loop *ev, ev_async *a, int events)
{
    struct loop_wake *w = a->data;

    (void)ev;
    (void)events;
    w->fn(w->arg);
}

struct loop_wake *loop_wake_new(struct loop *l, loop_wake_fn *fn, void *arg)
{
    struct loop_wake *w = mem_new(sizeof(*w));

    *w = (struct loop_wake){.loop = l, .fn = fn, .arg = arg};
    ev_async_init(&w->async, on_async);
    w->async.data = w;
    ev_async_start(l->ev, &w->async);
    return w;
}

void loop_wake_free(struct loop_wake **w)
{
    if (!*w)
        return;
    ev_async_stop((*w)->loop->ev, &(*w)->async);
    mem_free(*w);
    *w = NULL;
}

void loop_wake_send(struct loop_wake *w)
{
    ev_async_send(w->loop->ev, &w->async);
}

static bool timer_ready(void *arg)
{
    const struct loop_timer *t = arg;
    return t->at_us >= 0 && now_mono_us(&t->edge.loop->now) >= t->at_us;
}

static void timer_fire(void *arg)
{
    struct loop_timer *t = arg;

    loop_timer_set(t, -1);
    t->fn(t->arg);
}

static void arm(struct loop_timer *t)
{
    struct loop *l = t->edge.loop;
    int64_t left = t->at_us - now_mono_us(&l->now);

    ev_now_update(l->ev); /* libev counts from its own idea of now, which is as old as the turn */
    ev_timer_set(&t->alarm, left > 0 ? (double)left / NOW_US_PER_S : 0, 0);
    ev_timer_start(l->ev, &t->alarm);
}

static void on_alarm(struct ev_loop *ev, ev_timer *w, int events)
{
    struct loop_timer *t = w->data;

    (void)ev;
    (void)events;
    /* The edge ran just before.  If the deadline still stands, the alarm was early by a hair. */
    if (t->at_us >= 0)
        arm(t);
}

struct loop_timer *loop_timer_new(struct loop *l, loop_timer_fn *fn, void *arg)
{
    struct loop_timer *t = mem_new(sizeof(*t));

    *t = (struct loop_timer){
        .edge = {.loop = l, .ready = timer_ready, .fn = timer_fire, .arg = t},
        .at_us = -1,
        .fn = fn,
        .arg = arg,
    };
    list_push_back(&l->edges, &t->edge.link);
    ev_timer_init(&t->alarm, on_alarm, 0, 0);
    t->alarm.data = t;
    return t;
}

void loop_timer_set(struct loop_timer *t, int64_t at_us)
{
    ev_timer_stop(t->edge.loop->ev, &t->alarm);
    t->at_us = at_us;
    if (at_us >= 0 && !t->edge.loop->by_hand)
        arm(t);
}

void loop_timer_free(struct loop_timer **t)
{
    if (!*t)
        return;
    ev_timer_stop((*t)->edge.loop->ev, &(*t)->alarm);
    list_remove(&(*t)->edge.link);
    mem_free(*t);
    *t = NULL;
}

static void on_signal(struct ev_loop *ev, ev_signal *w, int events)
{
    struct loop_signal *s = w->data;

    (void)ev;
    (void)events;
    s->fn(s->arg, w->signum);
}

struct loop_signal *loop_signal_new(struct loop *l, int signo, loop_signal_fn *fn, void *arg)
{
    struct loop_signal *s = mem_new(sizeof(*s));

    *s = (struct loop_signal){.loop = l, .fn = fn, .arg = arg};
    ev_signal_init(&s->signal, on_signal, signo);
    s->signal.data = s;
    ev_signal_start(l->ev, &s->signal);
    ev_unref(l->ev); /* nor is hearing a signal a reason to go on running */
    return s;
}

void loop_signal_free(struct loop_signal **s)
{
    if (!*s)
        return;
    ev_ref((*s)->loop->ev);
    ev_signal_stop((*s)->loop->ev, &(*s)->signal);
    mem_free(*s);
    *s = NULL;
}
