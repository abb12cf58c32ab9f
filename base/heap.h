#ifndef WEFT_BASE_HEAP_H
#define WEFT_BASE_HEAP_H

/* heap - an intrusive min-heap: timers, delayed jobs, lease deadlines.
 *
 * Lifetime: caller's memory; nodes are the caller's and must leave before they go.
 * Threads:  belongs to one. */
#include <stdbool.h>
#include <stddef.h>

struct heap_node {
    size_t index; /* 1-based place; 0: in no heap */
};

/* Is `a` to come out before `b`? */
typedef bool heap_before_fn(const struct heap_node *a, const struct heap_node *b);

struct heap {
    struct heap_node **v;
    size_t count;
    size_t cap;
    heap_before_fn *before;
};

/* The object that holds `node` as its member `member`. */
#define HEAP_OF(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

void heap_init(struct heap *h, heap_before_fn *before);
void heap_fini(struct heap *h);
void heap_push(struct heap *h, struct heap_node *n);
/* The least, still inside; NULL when empty. */
struct heap_node *heap_first(const struct heap *h);
struct heap_node *heap_pop(struct heap *h);
/* Out of the middle; harmless when it is in no heap. */
void heap_remove(struct heap *h, struct heap_node *n);

static inline bool heap_holds(const struct heap_node *n)
{
    return n->index != 0;
}

#endif
