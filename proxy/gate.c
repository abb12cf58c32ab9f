#include "proxy/gate.h"

#include "base/check.h"

/* --- the limit, ours or the yard's --- */

void gate_yard_init(struct gate_yard *y)
{
    *y = (struct gate_yard){.guard = guard_new()};
}

void gate_yard_fini(struct gate_yard *y)
{
    guard_free(&y->guard);
}

static struct limit *lock(struct gate *g)
{
    if (!g->yard)
        return &g->limit;
    guard_enter(g->yard->guard);
    return &g->yard->limit;
}

static void unlock(struct gate *g)
{
    if (g->yard)
        guard_leave(g->yard->guard);
}

static bool enter(struct gate *g)
{
    bool is_in = limit_enter(lock(g));
    unlock(g);
    return is_in;
}

static uint32_t waiting_anywhere(const struct gate *g)
{
    return g->yard ? atomic_load(&g->yard->waiting) : g->waiting;
}

static void count_waiting(struct gate *g, int more)
{
    g->waiting += (uint32_t)more;
    if (g->yard)
        atomic_fetch_add(&g->yard->waiting, (uint32_t)more);
}

/* --- the queue --- */

static struct gate_wait *first_of(struct gate *g)
{
    struct list *at = list_first(&g->queue);
    return at ? LIST_OF(at, struct gate_wait, link) : NULL;
}

static struct gate_wait *take_first(struct gate *g)
{
    struct gate_wait *w = first_of(g);
    list_remove(&w->link);
    count_waiting(g, -1);
    return w;
}

static void arm(struct gate *g)
{
    struct gate_wait *w = first_of(g);
    if (w)
        due_at(g->clock, &g->late, w->until_us);
    else
        due_cancel(g->clock, &g->late);
}

static void let_in(struct gate *g)
{
    while (first_of(g) && enter(g)) {
        struct gate_wait *w = take_first(g);
        w->fn(w, true);
    }
    arm(g);
}

static void on_moved(struct loop_task *task)
{
    let_in(LIST_OF(task, struct gate, moved));
}

static void on_nudge(void *arg)
{
    let_in(arg);
}

static void nudge_others(struct gate *g)
{
    lock(g);
    for (unsigned i = 0; i < g->yard->count; i++)
        if (g->yard->gates[i] != g)
            loop_wake_send(g->yard->gates[i]->nudge);
    unlock(g);
}

static void send_away(struct due *due)
{
    struct gate *g = (struct gate *)(void *)((char *)due - offsetof(struct gate, late));
    int64_t now_us = loop_turn_us(g->loop);
    while (first_of(g) && first_of(g)->until_us <= now_us) {
        struct gate_wait *w = take_first(g);
        w->fn(w, false);
    }
    arm(g);
}

/* --- lifecycle --- */

static void join_yard(struct gate *g)
{
    g->nudge = loop_wake_new(g->loop, on_nudge, g);
    lock(g);
    PRE(g->yard->count < GATE_MOST);
    g->yard->gates[g->yard->count++] = g;
    unlock(g);
}

static void leave_yard(struct gate *g)
{
    lock(g);
    unsigned kept = 0;
    for (unsigned i = 0; i < g->yard->count; i++)
        if (g->yard->gates[i] != g)
            g->yard->gates[kept++] = g->yard->gates[i];
    g->yard->count = kept;
    unlock(g);
    loop_wake_free(&g->nudge);
}

void gate_init(struct gate *g, struct loop *l, struct due_clock *clock, struct gate_yard *yard,
               const struct gate_conf *conf)
{
    *g = (struct gate){.loop = l, .clock = clock, .yard = yard};
    list_init(&g->queue);
    due_init(&g->late, send_away);
    loop_task_init(&g->moved, on_moved);
    if (yard)
        join_yard(g);
    gate_set(g, conf);
}

void gate_set(struct gate *g, const struct gate_conf *conf)
{
    struct limit *limit = lock(g);
    uint32_t in_flight = limit->in_flight;
    if (limit->least != conf->least || limit->most != conf->most)
        limit_init(limit, conf->least, conf->most);
    limit->in_flight = in_flight;
    unlock(g);
    g->adapts = conf->adapts;
    g->queue_most = conf->queue_most;
    g->wait_us = conf->wait_us;
}

void gate_fini(struct gate *g)
{
    if (!g->loop)
        return;
    PRE(g->waiting == 0);
    if (g->yard)
        leave_yard(g);
    due_cancel(g->clock, &g->late);
    loop_task_cancel(&g->moved);
}

/* --- in and out --- */

static void enter_freely(struct gate *g)
{
    lock(g)->in_flight++;
    unlock(g);
}

enum err gate_enter(struct gate *g, struct gate_wait *w)
{
    if (!g->adapts) {
        enter_freely(g);
        return ERR_OK;
    }
    if (g->waiting == 0 && enter(g))
        return ERR_OK;
    if (waiting_anywhere(g) >= g->queue_most)
        return ERR_FULL;
    w->until_us = loop_turn_us(g->loop) + g->wait_us;
    list_push_back(&g->queue, &w->link);
    count_waiting(g, 1);
    if (g->waiting == 1)
        arm(g);
    if (g->yard)
        loop_defer(g->loop, &g->moved); /* the last one may have left by another gate just before we were counted */
    return ERR_AGAIN;
}

void gate_leave(struct gate *g, int64_t latency_us, bool overloaded)
{
    limit_leave(lock(g), latency_us, overloaded, loop_turn_us(g->loop));
    unlock(g);
    if (g->waiting > 0)
        loop_defer(g->loop, &g->moved);
    if (waiting_anywhere(g) > g->waiting)
        nudge_others(g);
}

void gate_forget(struct gate *g, struct gate_wait *w)
{
    if (list_empty(&w->link))
        return;
    list_remove(&w->link);
    count_waiting(g, -1);
    arm(g);
}
