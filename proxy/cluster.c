#include "proxy/cluster.h"

#include <errno.h>

#include "base/check.h"
#include "base/mem.h"

enum { STREAMS = 100, CONNECTIONS = 64, WAITING = 1000, SECOND = 1000000, REST_MOST = 60 * SECOND, REST_DOUBLINGS = 6 };

static struct stream *dial(void *arg, const char **why)
{
    struct cluster_endpoint *e = arg;
    int fd;
    if (sock_connect(&e->addr, &fd) != ERR_OK) {
        *why = strerror(errno);
        return NULL;
    }
    struct stream_tls_conf tls = {
        .role = STREAM_CLIENT,
        .creds = e->cluster->creds,
        .alpn = {"h2"},
        .peer = e->cluster->identity,
    };
    return stream_tls_new(e->cluster->loop, stream_fd_new(e->cluster->loop, fd, true), &tls);
}

static void pool_opened(struct pool *p, uint64_t conn_id, void *arg)
{
    (void)p;
    struct cluster_endpoint *e = arg;
    e->failures = 0;
    e->rests_until_us = 0;
    e->cluster->opened(e, conn_id, e->cluster->arg);
}

static void endpoint_init(struct cluster_endpoint *e, struct cluster *c, struct due_clock *clock,
                          const struct cluster_conf *conf, const char *address)
{
    const char *why;
    enum err parsed = sock_parse(slice_str(address), &e->addr, &why);
    PRE(parsed == ERR_OK);
    e->text = arena_keep(&c->arena, slice_str(address));
    e->cluster = c;
    struct pool_conf pool = {
        .dial = dial,
        .opened = pool_opened,
        .arg = e,
        .protocol = POOL_H2,
        .connect_timeout_us = conf->connect_timeout_us,
        .idle_timeout_us = INT64_C(300) * SECOND,
        .stream_idle_us = conf->stream_idle_us,
        .ping_us = 10 * SECOND,
        .ping_timeout_us = 20 * SECOND,
        .max_streams = STREAMS,
        .max_connections = CONNECTIONS,
        .max_waiting = WAITING,
    };
    e->pool = pool_new(c->loop, clock, &pool);
}

struct cluster *cluster_new(struct loop *l, struct due_clock *clock, const struct cluster_conf *conf)
{
    struct cluster *c = mem_new(sizeof(*c));
    c->name = arena_keep(&c->arena, conf->name);
    c->identity = arena_keep(&c->arena, conf->identity);
    c->consumes = conf->consumes ? contract_ref(conf->consumes) : NULL;
    c->creds = creds_ref(conf->creds);
    c->loop = l;
    c->opened = conf->opened;
    c->arg = conf->arg;
    cluster_guests_init(c);
    c->endpoint_count = conf->endpoint_count;
    c->endpoints = arena_array(&c->arena, conf->endpoint_count, sizeof(*c->endpoints));
    for (size_t i = 0; i < conf->endpoint_count; i++)
        endpoint_init(&c->endpoints[i], c, clock, conf, conf->endpoints[i]);
    return c;
}

void cluster_guests_init(struct cluster *c)
{
    list_init(&c->guests);
}

void cluster_enter(struct cluster *c, struct cluster_guest *g)
{
    g->cluster = c;
    list_push_back(&c->guests, &g->link);
}

void cluster_leave(struct cluster_guest *g)
{
    list_remove(&g->link);
    g->cluster = NULL;
}

bool cluster_has_guest(const struct cluster *c, uint64_t conn_id)
{
    for (const struct list *l = c->guests.next; l != &c->guests; l = l->next)
        if (LIST_OF(l, struct cluster_guest, link)->conn_id == conn_id)
            return true;
    return false;
}

static void send_guests_away(struct cluster *c)
{
    for (struct list *l = list_first(&c->guests); l; l = list_first(&c->guests)) {
        struct cluster_guest *g = LIST_OF(l, struct cluster_guest, link);
        cluster_leave(g);
        g->closing(g);
    }
}

void cluster_free(struct cluster **c)
{
    if (!*c)
        return;
    send_guests_away(*c);
    for (size_t i = 0; i < (*c)->endpoint_count; i++)
        pool_close(&(*c)->endpoints[i].pool);
    contract_unref(&(*c)->consumes);
    contract_unref(&(*c)->provides);
    creds_unref(&(*c)->creds);
    arena_fini(&(*c)->arena);
    mem_free(*c);
    *c = NULL;
}

static uint32_t load_of(const struct cluster_endpoint *e)
{
    struct pool_stats s = pool_stats(e->pool);
    return s.in_flight + s.waiting;
}

/* One that rests comes after all others, however idle it is: nothing is as idle as the dead. */
static bool better(const struct cluster_endpoint *a, const struct cluster_endpoint *b, int64_t now_us)
{
    bool a_rests = a->rests_until_us > now_us, b_rests = b->rests_until_us > now_us;
    return a_rests == b_rests ? load_of(a) < load_of(b) : b_rests;
}

struct cluster_endpoint *cluster_pick(struct cluster *c)
{
    struct cluster_endpoint *best = NULL;
    int64_t now_us = loop_turn_us(c->loop);
    for (size_t i = 0; i < c->endpoint_count; i++) {
        struct cluster_endpoint *e = &c->endpoints[(c->turn + i) % c->endpoint_count];
        if (!best || better(e, best, now_us))
            best = e;
    }
    c->turn++;
    return best;
}

void cluster_failed(struct cluster_endpoint *e)
{
    int64_t now_us = loop_turn_us(e->cluster->loop);
    if (e->rests_until_us > now_us)
        return; /* one failure for all who waited together */
    unsigned doublings = e->failures < REST_DOUBLINGS ? e->failures : REST_DOUBLINGS;
    int64_t rest_us = (int64_t)SECOND << doublings;
    e->failures++;
    e->rests_until_us = now_us + (rest_us < REST_MOST ? rest_us : REST_MOST);
}
