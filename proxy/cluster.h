#ifndef WEFT_PROXY_CLUSTER_H
#define WEFT_PROXY_CLUSTER_H

/* cluster - the endpoints of a service and what we believe about each.
 *
 * One pool of mTLS HTTP/2 connections per endpoint.  The endpoint with the fewest
 * exchanges in flight gets the next one.
 *
 * Lifetime: belongs to a snapshot; cluster_free closes its pools, which requires
 *           that no exchange holds the snapshot any more.
 * Threads:  belongs to the loop. */
#include "base/creds.h"
#include "base/sock.h"
#include "contracts/verdict.h"
#include "http/pool.h"

struct cluster;

struct cluster_endpoint {
    struct sock_addr addr;
    struct slice text; /* "10.0.0.7:4743" */
    struct pool *pool;
    struct cluster *cluster;
};

struct cluster {
    struct arena arena;        /* names and endpoints */
    struct slice name;         /* "pricing" */
    struct slice identity;     /* SPIFFE ID that must answer */
    struct contract *consumes; /* what our function was written against, or NULL */
    struct contract *provides; /* what the provider said of itself, or NULL: learnt by the exchange */
    struct cluster_endpoint *endpoints;
    size_t endpoint_count;
    struct loop *loop;
    struct creds *creds;
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
/* NULL: the service has no endpoints. */
struct cluster_endpoint *cluster_pick(struct cluster *c);

#endif
