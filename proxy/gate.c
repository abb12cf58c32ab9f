#include "proxy/gate.h"

#include "base/check.h"

static struct gate_wait *first_of(struct gate *g)
{
    struct list *at = list_first(&g->queue);
    return at ? LIST_OF(at, struct gate_wait, link) : NULL;
}

static struct gate_wait *take_first(struct gate *g)
{
    struct gate_wait *w = first_of(g);
    list_remove(&w->link);
    g->waiting--;
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

static void let_in(struct loop_task *task)
{
    struct gate *g = LIST_OF(task, struct gate, moved);
    while (first_of(g) && limit_enter(&g->limit)) {
        struct gate_wait *w = take_first(g);
        w->fn(w, true);
    }
    arm(g);
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

void gate_init(struct gate *g, struct loop *l, struct due_clock *clock, const struct gate_conf *conf)
{
    *g = (struct gate){.loop = l, .clock = clock};
    list_init(&g->queue);
    due_init(&g->late, send_away);
    loop_task_init(&g->moved, let_in);
    gate_set(g, conf);
}

void gate_set(struct gate *g, const struct gate_conf *conf)
{
    uint32_t in_flight = g->limit.in_flight;
    if (g->limit.least != conf->least || g->limit.most != conf->most)
        limit_init(&g->limit, conf->least, conf->most);
    g->limit.in_flight = in_flight;
    g->adapts = conf->adapts;
    g->queue_most = conf->queue_most;
    g->wait_us = conf->wait_us;
}

void gate_fini(struct gate *g)
{
    if (!g->loop)
        return;
    PRE(g->waiting == 0);
    due_cancel(g->clock, &g->late);
    loop_task_cancel(&g->moved);
}

enum err gate_enter(struct gate *g, struct gate_wait *w)
{
    if (!g->adapts) {
        g->limit.in_flight++;
        return ERR_OK;
    }
    if (g->waiting == 0 && limit_enter(&g->limit))
        return ERR_OK;
    if (g->waiting >= g->queue_most)
        return ERR_FULL;
    w->until_us = loop_turn_us(g->loop) + g->wait_us;
    list_push_back(&g->queue, &w->link);
    if (g->waiting++ == 0)
        arm(g);
    return ERR_AGAIN;
}

void gate_leave(struct gate *g, int64_t latency_us, bool overloaded)
{
    limit_leave(&g->limit, latency_us, overloaded, loop_turn_us(g->loop));
    if (g->waiting > 0)
        loop_defer(g->loop, &g->moved);
}

void gate_forget(struct gate *g, struct gate_wait *w)
{
    if (list_empty(&w->link))
        return;
    list_remove(&w->link);
    g->waiting--;
    arm(g);
}
