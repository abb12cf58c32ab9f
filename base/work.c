#include "base/work.h"

#include <pthread.h>

#include "base/check.h"
#include "base/mem.h"

/* Items go from `waiting` to the thread to `finished`, and a wake tells the loop to empty that. */
struct work {
    struct loop_wake *wake;
    pthread_t thread;
    pthread_mutex_t lock; /* over all that follows */
    pthread_cond_t more;
    struct list waiting;
    struct list finished;
    bool ending;
};

static void lock(struct work *w)
{
    PRE(pthread_mutex_lock(&w->lock) == 0);
}

static void unlock(struct work *w)
{
    PRE(pthread_mutex_unlock(&w->lock) == 0);
}

/* NULL: the end. */
static struct work_item *next(struct work *w)
{
    lock(w);
    while (list_empty(&w->waiting) && !w->ending)
        PRE(pthread_cond_wait(&w->more, &w->lock) == 0);
    struct list *link = w->ending ? NULL : list_pop(&w->waiting);
    unlock(w);
    return link ? LIST_OF(link, struct work_item, link) : NULL;
}

static void finish(struct work *w, struct work_item *item)
{
    lock(w);
    list_push_back(&w->finished, &item->link);
    unlock(w);
    loop_wake_send(w->wake);
}

static void *run_thread(void *arg)
{
    struct work *w = arg;

    for (struct work_item *item = next(w); item; item = next(w)) {
        item->run(item);
        finish(w, item);
    }
    return NULL;
}

static struct work_item *pop(struct work *w, struct list *from)
{
    lock(w);
    struct list *link = list_pop(from);
    unlock(w);
    return link ? LIST_OF(link, struct work_item, link) : NULL;
}

static void answer_finished(void *arg)
{
    struct work *w = arg;

    for (struct work_item *item = pop(w, &w->finished); item; item = pop(w, &w->finished))
        item->done(item, true);
}

struct work *work_new(struct loop *l, const char *thread_name)
{
    struct work *w = mem_new(sizeof(*w));

    w->wake = loop_wake_new(l, answer_finished, w);
    list_init(&w->waiting);
    list_init(&w->finished);
    PRE(pthread_mutex_init(&w->lock, NULL) == 0);
    PRE(pthread_cond_init(&w->more, NULL) == 0);
    PRE(pthread_create(&w->thread, NULL, run_thread, w) == 0);
    (void)pthread_setname_np(w->thread, thread_name); /* longer than 15 bytes: it keeps the program's */
    return w;
}

void work_free(struct work **w)
{
    struct work *old = *w;

    if (!old)
        return;
    lock(old);
    old->ending = true;
    PRE(pthread_cond_signal(&old->more) == 0);
    unlock(old);
    PRE(pthread_join(old->thread, NULL) == 0);
    answer_finished(old);
    for (struct work_item *item = pop(old, &old->waiting); item; item = pop(old, &old->waiting))
        item->done(item, false);
    loop_wake_free(&old->wake);
    (void)pthread_cond_destroy(&old->more);
    (void)pthread_mutex_destroy(&old->lock);
    mem_free(old);
    *w = NULL;
}

void work_start(struct work *w, struct work_item *item)
{
    PRE(item->run && item->done);
    list_init(&item->link);
    lock(w);
    list_push_back(&w->waiting, &item->link);
    PRE(pthread_cond_signal(&w->more) == 0);
    unlock(w);
}
