#ifndef WEFT_PROXY_CLUSTER_H
#define WEFT_PROXY_CLUSTER_H

/* cluster - the endpoints of a service and what we believe about each.
 *
 * One pool of mTLS HTTP/2 connections per endpoint.  A version is chosen by its weight,
 * and of two of its endpoints, drawn at random, the one that is likely to answer sooner
 * (balance).  One that could not be reached comes after all others for 1 s at first,
 * twice as long each time, at most 60 s.  One that fails again and again is not asked at
 * all (breaker), and when that is so of all the call fails at once, but for one a second
 * that tries.
 *
 * Endpoints may come and go; who is under way to one that has left ends in peace.
 *
 * Lifetime: belongs to a snapshot; cluster_free closes its pools, which requires
 *           that no exchange holds the snapshot any more.
 * Threads:  belongs to the loop. */
#include "base/creds.h"
#include "base/list.h"
#include "base/metric.h"
#include "base/sock.h"
#include "contracts/verdict.h"
#include "http/pool.h"
#include "proxy/balance.h"
#include "proxy/breaker.h"
#include "proxy/retry_budget.h"

struct cluster;

struct cluster_endpoint {
    struct cluster *cluster;
    struct sock_addr addr;
    struct slice text; /* "10.0.0.7:4743" */
    struct pool *pool; /* NULL: it has left */
    struct balance balance;
    struct breaker breaker;
    int64_t rests_until_us;
    int64_t broke_us;  /* when it last broke */
    unsigned failures; /* to reach it, in a row */
    unsigned refs;
};

/* The endpoints of one version; most services have one without a name. */
struct cluster_group {
    struct slice name;
    uint64_t weight;
    struct cluster_endpoint **endpoints;
    size_t count;
    bool by_name; /* found by discovery */
};

/* Something under way on behalf of a cluster that must not outlive it. */
struct cluster_guest {
    struct list link;
    struct cluster *cluster; /* NULL once it is gone */
    uint64_t conn_id;
    void (*closing)(struct cluster_guest *g); /* from cluster_free: the guest has left already */
};

struct cluster_fault {
    uint32_t percent; /* 0: none */
    uint32_t status;  /* 0: the call goes on */
    int64_t delay_us;
};

struct cluster_group_conf {
    struct slice name;
    uint64_t weight;
    const char *const *endpoints; /* addresses, checked before */
    size_t endpoint_count;
    bool by_name; /* none yet: they are found by discovery */
};

struct cluster_conf {
    struct slice name, identity;
    const struct cluster_group_conf *groups;
    size_t group_count;
    struct contract *consumes; /* or NULL */
    struct creds *creds;
    int64_t connect_timeout_us, stream_idle_us;
    struct breaker_conf breaker;
    uint32_t retry_percent, retries_per_second;
    struct cluster_fault fault;
    uint32_t max_connections, max_waiting; /* of a pool; 0: 64, 1000 */
    uint64_t seed;                         /* of what is drawn at random */
    /* For tests: instead of mTLS to e->addr.  NULL: that. */
    struct stream *(*dial)(struct cluster_endpoint *e, const char **why);
    /* a connection is ready: the moment for the contract exchange */
    void (*opened)(struct cluster_endpoint *e, uint64_t conn_id, void *arg);
    void *arg;
    struct metric *dials, *opened_count; /* connections begun, and ready; or NULL */
    struct metric *full, *resumed;       /* handshakes with certificates, and without; or NULL */
};

struct cluster {
    struct arena arena;        /* names */
    struct slice name;         /* "pricing" */
    struct slice identity;     /* SPIFFE ID that must answer */
    struct contract *consumes; /* what our function was written against, or NULL */
    struct contract *provides; /* what the provider said of itself, or NULL: learnt by the exchange */
    bool knows_versions;       /* and it knows earlier ones: only it can say that something does not fit */
    struct cluster_group *groups;
    size_t group_count;
    struct retry_budget budget;
    struct cluster_conf conf; /* its pointers are not kept, but for creds */
    uint64_t random;
    size_t turn; /* where the next look begins */
    struct loop *loop;
    struct due_clock *clock;
    struct list guests;
};

struct cluster *cluster_new(struct loop *l, struct due_clock *clock, const struct cluster_conf *conf);
void cluster_free(struct cluster **c);
/* The endpoints of a version are these now: new ones are added, others leave at once. */
void cluster_set(struct cluster *c, struct cluster_group *g, const struct sock_addr *addresses, size_t count);
/* Connections to those whom `now` does not take any more are cut. */
void cluster_recheck(struct cluster *c, struct creds *now);
void cluster_guests_init(struct cluster *c);
void cluster_enter(struct cluster *c, struct cluster_guest *g);
/* Harmless when it has left. */
void cluster_leave(struct cluster_guest *g);
/* Is a guest under way on this connection? */
bool cluster_has_guest(const struct cluster *c, uint64_t conn_id);

/* OK: whom to ask; never `avoid` (may be NULL) while there is another.  ABSENT: the service has no endpoints.
 * FULL: all of them are left alone. */
MUST_USE enum err cluster_pick(struct cluster *c, const struct cluster_endpoint *avoid, struct cluster_endpoint **out);
/* Are there endpoints that are found by name?  Then their absence may end. */
bool cluster_by_name(const struct cluster *c);
/* A request leaves for it; holds the endpoint until cluster_end. */
void cluster_begin(struct cluster_endpoint *e);
/* The head of its answer is there.  `good`: the other side works. */
void cluster_answered(struct cluster_endpoint *e, int64_t latency_us, bool good);
/* It was cut off, or too slow.  All that broke in one turn of the loop broke together: one failure. */
void cluster_broke(struct cluster_endpoint *e);
/* It could not be reached, or has nobody behind it.  Many who waited for one connection are one failure. */
void cluster_failed(struct cluster_endpoint *e);
/* The exchange is over; `told`: one of the three above has come. */
void cluster_end(struct cluster_endpoint *e, bool told);

/* A number below `n` (> 0), for whatever is left to chance. */
uint64_t cluster_draw(struct cluster *c, uint64_t n);

#endif
