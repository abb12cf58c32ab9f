#include "proxy/discovery.h"

#include "base/log.h"
#include "base/mem.h"

enum { SECOND = 1000000, AGAIN_MOST_US = 30 * SECOND, DOUBLINGS_MOST = 5 };

struct discovery {
    struct loop *loop;
    struct due_clock *clock;
    struct lookup *resolve;
    struct cluster *cluster;
    struct cluster_group *group;
    struct slice name;
    struct lookup_ask *ask;
    struct due due;
    unsigned failures; /* in a row */
    const char *fault;
};

static void ask(struct discovery *d);

static void ask_again(struct due *due)
{
    ask(LIST_OF(due, struct discovery, due));
}

static int64_t again_us(const struct discovery *d)
{
    unsigned doublings = d->failures < DOUBLINGS_MOST ? d->failures : DOUBLINGS_MOST;
    int64_t us = (int64_t)SECOND << doublings;
    return us < AGAIN_MOST_US ? us : AGAIN_MOST_US;
}

static void failed(struct discovery *d, const char *why)
{
    if (d->failures == 0)
        log_event(LOG_WARN, "name-unresolved", LOG_TEXT("service", d->cluster->name), LOG_TEXT("name", d->name),
                  LOG_STR("why", why), LOG_INT("endpoints_kept", (int64_t)d->group->count));
    d->fault = why;
    due_in(d->clock, &d->due, again_us(d));
    d->failures++;
}

static void answered(void *arg, enum err e, const struct sock_addr *addresses, size_t count, int64_t ttl_us,
                     const char *why)
{
    struct discovery *d = arg;
    d->ask = NULL;
    if (e != ERR_OK) {
        failed(d, why);
        return;
    }
    if (d->fault)
        log_event(LOG_INFO, "name-resolved", LOG_TEXT("service", d->cluster->name), LOG_TEXT("name", d->name),
                  LOG_INT("endpoints", (int64_t)count));
    d->failures = 0;
    d->fault = NULL;
    cluster_set(d->cluster, d->group, addresses, count);
    due_in(d->clock, &d->due, ttl_us > SECOND ? ttl_us : SECOND);
}

static void ask(struct discovery *d)
{
    d->ask = lookup_start(d->resolve, d->name, answered, d);
}

struct discovery *discovery_new(struct loop *l, struct due_clock *clock, struct lookup *r, struct cluster *c,
                                struct cluster_group *g, struct slice name)
{
    struct discovery *d = mem_new(sizeof(*d));
    *d = (struct discovery){
        .loop = l, .clock = clock, .resolve = r, .cluster = c, .group = g, .fault = "it has not been asked for yet"};
    d->name = slice_of(mem_copy(name), name.len);
    due_init(&d->due, ask_again);
    ask(d);
    return d;
}

void discovery_free(struct discovery **d)
{
    if (!*d)
        return;
    lookup_cancel(&(*d)->ask);
    due_cancel((*d)->clock, &(*d)->due);
    mem_free((char *)(uintptr_t)(*d)->name.at);
    mem_free(*d);
    *d = NULL;
}

bool discovery_waits(const struct discovery *d)
{
    return d->fault && d->failures == 0;
}

const char *discovery_fault(const struct discovery *d)
{
    return d->fault;
}

struct slice discovery_name(const struct discovery *d)
{
    return d->name;
}
