#ifndef WEFT_PROXY_PROXY_H
#define WEFT_PROXY_PROXY_H

/* proxy - a sidecar: assemble, start, reload, drain, stop.
 *
 * Lifetime: proxy_start makes everything or nothing; proxy_free cuts what is left.
 * Threads:  one loop, given by the caller. */
#include "base/metric.h"
#include "proxy/relay.h"

struct proxy;

struct proxy_start {
    struct loop *loop;
    struct snapshot_source source; /* kept for reloads: must outlive the proxy */
    /* a drain has come to its end: nothing is left to do; once, from the loop */
    void (*drained)(void *arg);
    void *arg;
};

/* INPUT: the configuration; IO: a listener (all complaints are in `diag`). */
MUST_USE enum err proxy_start(const struct proxy_start *start, struct diag *diag, struct proxy **out);
void proxy_free(struct proxy **p);

/* A whole new snapshot, also by itself within 5 s of a change of any file it came from (not from standard
 * input); or a log of every complaint and the old one kept. */
void proxy_reload(struct proxy *p);
/* No new exchanges; running ones finish, for at most timeouts.drain. */
void proxy_drain(struct proxy *p);

/* For the admin side. */
struct relay_env *proxy_env(struct proxy *p);
struct metric_set *proxy_metrics(struct proxy *p);
/* Brings gauges up to date. */
void proxy_measure(struct proxy *p);
/* What keeps it from being ready, a line each; empty: ready. */
void proxy_missing(const struct proxy *p, struct buf *out);
/* What is odd but does not keep it from serving. */
void proxy_remarks(const struct proxy *p, struct buf *out);
bool proxy_draining(const struct proxy *p);

#endif
