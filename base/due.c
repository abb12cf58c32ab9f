#include "base/due.h"

#include "base/check.h"
#include "base/mem.h"

struct due_clock {
    struct loop *loop;
    struct loop_timer *timer;
    struct heap heap;
    int64_t armed_us; /* when the timer goes off; NEVER: it rests */
};

enum { NEVER = -1 };

static bool before(const struct heap_node *a, const struct heap_node *b)
{
    return HEAP_OF(a, struct due, node)->at_us < HEAP_OF(b, struct due, node)->at_us;
}

static struct due *first(const struct due_clock *c)
{
    struct heap_node *n = heap_first(&c->heap);
    return n ? HEAP_OF(n, struct due, node) : NULL;
}

/* A deadline that is moved back or cancelled leaves the timer alone: one early look costs
 * less than telling libev of every change. */
static void arm(struct due_clock *c)
{
    struct due *d = first(c);

    if (!d || (c->armed_us != NEVER && c->armed_us <= d->at_us))
        return;
    c->armed_us = d->at_us > 0 ? d->at_us : 0;
    loop_timer_set(c->timer, c->armed_us);
}

static void on_timer(void *arg)
{
    struct due_clock *c = arg;
    int64_t now = loop_turn_us(c->loop);
    size_t most = c->heap.count; /* what these calls set for now again waits for the next turn */

    c->armed_us = NEVER;
    for (struct due *d = first(c); d && d->at_us <= now && most > 0; d = first(c), most--) {
        (void)heap_pop(&c->heap);
        d->fn(d);
    }
    arm(c);
}

struct due_clock *due_clock_new(struct loop *l)
{
    struct due_clock *c = mem_new(sizeof(*c));

    c->loop = l;
    c->armed_us = NEVER;
    c->timer = loop_timer_new(l, on_timer, c);
    heap_init(&c->heap, before);
    return c;
}

void due_clock_free(struct due_clock **c)
{
    if (!*c)
        return;
    PRE(!first(*c));
    loop_timer_free(&(*c)->timer);
    heap_fini(&(*c)->heap);
    mem_free(*c);
    *c = NULL;
}

void due_init(struct due *d, void (*fn)(struct due *due))
{
    *d = (struct due){.fn = fn};
}

void due_at(struct due_clock *c, struct due *d, int64_t at_us)
{
    heap_remove(&c->heap, &d->node);
    d->at_us = at_us;
    heap_push(&c->heap, &d->node);
    arm(c);
}

void due_in(struct due_clock *c, struct due *d, int64_t delay_us)
{
    due_at(c, d, loop_turn_us(c->loop) + delay_us);
}

void due_cancel(struct due_clock *c, struct due *d)
{
    heap_remove(&c->heap, &d->node);
}
