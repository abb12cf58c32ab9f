#include "broker/dispatch.h"

#include "base/check.h"

static struct dispatch_worker *worker_of(struct heap_node *n)
{
    return HEAP_OF(n, struct dispatch_worker, node);
}

static bool goes_before(const struct heap_node *a, const struct heap_node *b)
{
    const struct dispatch_worker *one = HEAP_OF(a, const struct dispatch_worker, node);
    const struct dispatch_worker *two = HEAP_OF(b, const struct dispatch_worker, node);
    if (one->slots != two->slots)
        return one->slots > two->slots;
    return one->id < two->id;
}

void dispatch_init(struct dispatch *d)
{
    *d = (struct dispatch){0};
    heap_init(&d->workers, goes_before);
}

void dispatch_fini(struct dispatch *d)
{
    heap_fini(&d->workers);
}

void dispatch_join(struct dispatch *d, struct dispatch_worker *w, uint64_t id)
{
    *w = (struct dispatch_worker){.id = id};
    heap_push(&d->workers, &w->node);
}

void dispatch_leave(struct dispatch *d, struct dispatch_worker *w)
{
    heap_remove(&d->workers, &w->node);
}

/* The heap's order is by slots: they change only while the worker is out of it. */
static void set_slots(struct dispatch *d, struct dispatch_worker *w, uint32_t slots)
{
    PRE(heap_holds(&w->node));
    heap_remove(&d->workers, &w->node);
    w->slots = slots;
    heap_push(&d->workers, &w->node);
}

void dispatch_credit(struct dispatch *d, struct dispatch_worker *w, uint32_t slots, uint64_t bytes)
{
    w->bytes = bytes < DISPATCH_BYTES - w->bytes ? w->bytes + bytes : DISPATCH_BYTES;
    set_slots(d, w, slots < DISPATCH_SLOTS - w->slots ? w->slots + slots : DISPATCH_SLOTS);
}

void dispatch_revoke(struct dispatch *d, struct dispatch_worker *w)
{
    w->bytes = 0;
    set_slots(d, w, 0);
}

/* The best one has room nearly always; only when its bytes are used up are the others looked at. */
static struct dispatch_worker *best(const struct dispatch *d, uint64_t size)
{
    struct dispatch_worker *found = NULL;
    for (size_t i = 0; i < d->workers.count; i++) {
        struct dispatch_worker *w = worker_of(d->workers.v[i]);
        if (w->slots > 0 && w->bytes >= size && (!found || goes_before(&w->node, &found->node)))
            found = w;
        if (i == 0 && (found || w->slots == 0))
            break;
    }
    return found;
}

/* Only jobs with labels pay for looking at all. */
static struct dispatch_worker *best_fitting(const struct dispatch *d, struct slice needs, uint64_t size)
{
    struct dispatch_worker *found = NULL;
    unsigned most = 0, liked;
    for (size_t i = 0; i < d->workers.count; i++) {
        struct dispatch_worker *w = worker_of(d->workers.v[i]);
        if (w->slots == 0 || w->bytes < size || !labels_fit(needs, w->labels, &liked))
            continue;
        if (!found || liked > most || (liked == most && goes_before(&w->node, &found->node))) {
            found = w;
            most = liked;
        }
    }
    return found;
}

size_t dispatch_fitting(const struct dispatch *d, struct slice needs)
{
    size_t count = 0;
    unsigned liked;
    for (size_t i = 0; i < d->workers.count; i++)
        count += labels_fit(needs, worker_of(d->workers.v[i])->labels, &liked);
    return count;
}

enum err dispatch_pick(struct dispatch *d, struct slice needs, uint64_t size, struct dispatch_worker **out)
{
    struct dispatch_worker *w = needs.len ? best_fitting(d, needs, size) : best(d, size);
    if (!w)
        return ERR_AGAIN;
    w->bytes -= size;
    set_slots(d, w, w->slots - 1);
    *out = w;
    return ERR_OK;
}
