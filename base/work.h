#ifndef WEFT_BASE_WORK_H
#define WEFT_BASE_WORK_H

/* work - what may take long, on one thread of its own, answered on the loop.
 *
 * `run` happens on the thread and may touch only what `item` owns; `done` comes
 * exactly once, from the loop, in the order of work_start.
 *
 * Lifetime: work_free waits for the item that is running and drops the others
 *           after their `done` was called with `ran` false. */
#include "base/loop.h"

struct work;

struct work_item {
    struct list link;
    void (*run)(struct work_item *item);
    void (*done)(struct work_item *item, bool ran);
};

struct work *work_new(struct loop *l, const char *thread_name);
void work_free(struct work **w);
void work_start(struct work *w, struct work_item *item);

#endif
