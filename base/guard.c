#include "base/guard.h"

#include <pthread.h>

#include "base/check.h"
#include "base/mem.h"

struct guard {
    pthread_mutex_t lock;
};

struct guard *guard_new(void)
{
    struct guard *g = mem_new(sizeof(*g));
    PRE(pthread_mutex_init(&g->lock, NULL) == 0);
    return g;
}

void guard_free(struct guard **g)
{
    if (!*g)
        return;
    (void)pthread_mutex_destroy(&(*g)->lock);
    mem_free(*g);
    *g = NULL;
}

void guard_enter(struct guard *g)
{
    if (g)
        PRE(pthread_mutex_lock(&g->lock) == 0);
}

void guard_leave(struct guard *g)
{
    if (g)
        PRE(pthread_mutex_unlock(&g->lock) == 0);
}
