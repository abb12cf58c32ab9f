#include "proxy/cluster.h"

#include <errno.h>

#include "base/check.h"
#include "base/mem.h"

enum { STREAMS = 100, CONNECTIONS = 64, WAITING = 1000, SECOND = 1000000 };

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
    c->endpoint_count = conf->endpoint_count;
    c->endpoints = arena_array(&c->arena, conf->endpoint_count, sizeof(*c->endpoints));
    for (size_t i = 0; i < conf->endpoint_count; i++)
        endpoint_init(&c->endpoints[i], c, clock, conf, conf->endpoints[i]);
    return c;
}

void cluster_free(struct cluster **c)
{
    if (!*c)
        return;
    for (size_t i = 0; i < (*c)->endpoint_count; i++)
        pool_close(&(*c)->endpoints[i].pool);
    contract_unref(&(*c)->consumes);
    contract_unref(&(*c)->provides);
    creds_unref(&(*c)->creds);
    arena_fini(&(*c)->arena);
    mem_free(*c);
    *c = NULL;
}

struct cluster_endpoint *cluster_pick(struct cluster *c)
{
    struct cluster_endpoint *best = NULL;
    uint32_t least = 0;
    for (size_t i = 0; i < c->endpoint_count; i++) {
        struct pool_stats s = pool_stats(c->endpoints[i].pool);
        uint32_t load = s.in_flight + s.waiting;
        if (!best || load < least) {
            least = load;
            best = &c->endpoints[i];
        }
    }
    return best;
}
