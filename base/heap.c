#include "base/heap.h"

#include "base/check.h"
#include "base/mem.h"

/* Children of place i are 2i and 2i+1; place i is v[i - 1]. */

void heap_init(struct heap *h, heap_before_fn *before)
{
    *h = (struct heap){.before = before};
}

void heap_fini(struct heap *h)
{
    for (size_t i = 0; i < h->count; i++)
        h->v[i]->index = 0;
    mem_free(h->v);
    *h = (struct heap){.before = h->before};
}

static void put_at(struct heap *h, size_t index, struct heap_node *n)
{
    h->v[index - 1] = n;
    n->index = index;
}

static void rise(struct heap *h, struct heap_node *n)
{
    size_t i = n->index;
    for (; i > 1 && h->before(n, h->v[i / 2 - 1]); i /= 2)
        put_at(h, i, h->v[i / 2 - 1]);
    put_at(h, i, n);
}

static void sink(struct heap *h, struct heap_node *n)
{
    size_t i = n->index;
    while (2 * i <= h->count) {
        size_t child = 2 * i;
        if (child < h->count && h->before(h->v[child], h->v[child - 1]))
            child++;
        if (!h->before(h->v[child - 1], n))
            break;
        put_at(h, i, h->v[child - 1]);
        i = child;
    }
    put_at(h, i, n);
}

void heap_push(struct heap *h, struct heap_node *n)
{
    PRE(n->index == 0);
    if (h->count == h->cap) {
        h->cap = h->cap ? h->cap * 2 : 16;
        h->v = mem_resize(h->v, h->cap, sizeof(struct heap_node *));
    }
    h->count++;
    put_at(h, h->count, n);
    rise(h, n);
}

struct heap_node *heap_first(const struct heap *h)
{
    return h->count ? h->v[0] : NULL;
}

struct heap_node *heap_pop(struct heap *h)
{
    struct heap_node *first = heap_first(h);
    if (first)
        heap_remove(h, first);
    return first;
}

void heap_remove(struct heap *h, struct heap_node *n)
{
    if (n->index == 0)
        return;
    PRE(n->index <= h->count && h->v[n->index - 1] == n);
    struct heap_node *last = h->v[h->count - 1];
    h->count--;
    if (last != n) {
        put_at(h, n->index, last);
        rise(h, last);
        sink(h, last);
    }
    n->index = 0;
}
