#ifndef WEFT_PROXY_CLUSTER_H
#define WEFT_PROXY_CLUSTER_H

/* cluster - the endpoints of a service and what we believe about each.
 *
 * One pool of mTLS HTTP/2 connections per endpoint.  The endpoint with the fewest
 * exchanges in flight gets the next one, in turn when they are even.  One that could
 * not be reached rests: 1 s at first, twice as long each time, at most 60 s; when
 * all rest, they are asked all the same.
 *
 * Lifetime: belongs to a snapshot; cluster_free closes its pools, which requires
 *           that no exchange holds the snapshot any more.
 * Threads:  belongs to the loop. */
#include "base/creds.h"
#include "base/list.h"
#include "base/sock.h"
#include "contracts/verdict.h"
#include "http/pool.h"

struct cluster;

struct cluster_endpoint {
    struct sock_addr addr;
    struct slice text; /* "10.0.0.7:4743" */
    struct pool *pool;
    struct cluster *cluster;
    int64_t rests_until_us;
    unsigned failures; /* in a row */
};

/* Something under way on behalf of a cluster that must not outlive it. */
struct cluster_guest {
    struct list link;
    struct cluster *cluster; /* NULL once it is gone */
    uint64_t conn_id;
    void (*closing)(struct cluster_guest *g); /* from cluster_free: the guest has left already */
};

struct cluster {
    struct arena arena;        /* names and endpoints */
    struct slice name;         /* "pricing" */
    struct slice identity;     /* SPIFFE ID that must answer */
    struct contract *consumes; /* what our function was written against, or NULL */
    struct contract *provides; /* what the provider said of itself, or NULL: learnt by the exchange */
    struct cluster_endpoint *endpoints;
    size_t endpoint_count;
    size_t turn; /* where the next look begins */
    struct loop *loop;
    struct creds *creds;
    struct list guests;
    void (*opened)(struct cluster_endpoint *e, uint64_t conn_id, void *arg);
    void *arg;
};

struct cluster_conf {
    struct slice name, identity;
    const char *const *endpoints; /* addresses, checked before */
    size_t endpoint_count;
    struct contract *consumes; /* or NULL */
    struct creds *creds;
    int64_t connect_timeout_us, stream_idle_us;
    /* a connection is ready: the moment for the contract exchange */
    void (*opened)(struct cluster_endpoint *e, uint64_t conn_id, void *arg);
    void *arg;
};

struct cluster *cluster_new(struct loop *l, struct due_clock *clock, const struct cluster_conf *conf);
void cluster_free(struct cluster **c);
void cluster_guests_init(struct cluster *c);
void cluster_enter(struct cluster *c, struct cluster_guest *g);
/* Harmless when it has left. */
void cluster_leave(struct cluster_guest *g);
/* Is a guest under way on this connection? */
bool cluster_has_guest(const struct cluster *c, uint64_t conn_id);
/* NULL: the service has no endpoints. */
struct cluster_endpoint *cluster_pick(struct cluster *c);
/* It could not be reached. */
void cluster_failed(struct cluster_endpoint *e);

#endif
