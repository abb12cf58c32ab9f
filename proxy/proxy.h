#ifndef WEFT_PROXY_PROXY_H
#define WEFT_PROXY_PROXY_H

/* proxy - one worker of a sidecar, most often the only one: assemble, start, reload, drain, stop.
 *
 * crew makes the workers and tells them what concerns all.
 *
 * Lifetime: proxy_start makes everything or nothing; proxy_free cuts what is left.
 * Threads:  one loop, given by the caller. */
#include "base/metric.h"
#include "proxy/relay.h"

struct crew;
struct proxy;

struct proxy_worker {
    unsigned index;
    struct crew *crew;
    struct commons *commons;   /* the first worker sets it up */
    const struct proxy *first; /* has the addresses to listen at; NULL: this is the first */
};

struct proxy_start {
    struct loop *loop;
    struct snapshot_source source; /* kept for reloads: must outlive the proxy */
    struct proxy_worker worker;
    /* From the loop.  Files of the configuration are others now; only the first worker looks. */
    void (*files_changed)(void *arg);
    /* From the loop.  Our identity is ours no more: proxy_withdraw follows for every worker. */
    void (*withdrawn)(void *arg);
    /* A drain: nobody calls our function by way of this worker any more; proxy_close_inside may follow. */
    void (*outside_over)(void *arg);
    /* A drain has come to its end: nothing is left to do; once. */
    void (*drained)(void *arg);
    void *arg;
};

/* INPUT: the configuration; IO: a listener (all complaints are in `diag`). */
MUST_USE enum err proxy_start(const struct proxy_start *start, struct diag *diag, struct proxy **out);
void proxy_free(struct proxy **p);
/* Where it listens, and that it is ready. */
void proxy_say_ready(const struct proxy *p);

/* Reads a whole new snapshot; INPUT: its complaints are logged.  `*stamp`: of the files as they were read. */
MUST_USE enum err proxy_prepare(struct proxy *p, uint64_t *stamp);
/* What was prepared is the snapshot now, or is forgotten; harmless when nothing was. */
void proxy_take_next(struct proxy *p);
void proxy_forget_next(struct proxy *p);
void proxy_say_reloaded(const struct proxy *p);

/* Every handshake fails from now on. */
void proxy_withdraw(struct proxy *p);

/* No new exchanges; running ones finish, for at most timeouts.drain. */
void proxy_drain(struct proxy *p);
/* Once nobody calls our function: its own calls may end, too. */
void proxy_close_inside(struct proxy *p);

/* A connection that another worker has accepted; takes `fd`. */
void proxy_take(struct proxy *p, enum commons_side side, int fd, const struct sock_addr *from);

/* For the admin side. */
struct relay_env *proxy_env(struct proxy *p);
const struct proxy_worker *proxy_worker_of(const struct proxy *p);
struct metric_set *proxy_metrics(struct proxy *p);
/* Brings gauges up to date. */
void proxy_measure(struct proxy *p);
/* What keeps it from being ready, a line each; empty: ready. */
void proxy_missing(const struct proxy *p, struct buf *out);
/* What is odd but does not keep it from serving. */
void proxy_remarks(const struct proxy *p, struct buf *out);
bool proxy_draining(const struct proxy *p);

#endif
