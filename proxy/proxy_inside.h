#ifndef WEFT_PROXY_PROXY_INSIDE_H
#define WEFT_PROXY_PROXY_INSIDE_H

/* proxy_inside - what the rooms of one worker share.
 *
 *   proxy         its life: start, reload, drain, end
 *   proxy_doors   where it listens, and what becomes of what comes in
 *
 * Included by those two alone. */
#include "http/server.h"
#include "proxy/job_entry.h"
#include "proxy/meters.h"
#include "proxy/proxy.h"

struct listener;

enum { PROXY_SECOND = 1000000 };

/* A server with a listener of its own. */
struct door {
    struct server *server;
    struct listener *listener;
    struct proxy *proxy;
    struct cluster_name *fixed;
    enum commons_side side; /* of those whose connections are shared out */
};

/* A service's own local port: looked up by name, because clusters change with a reload. */
struct cluster_name {
    struct door door;
    struct slice name;
};

struct proxy {
    struct loop *loop;
    struct due_clock *clock;
    struct proxy_start start;
    struct relay_env env;
    struct snapshot *next; /* prepared; or NULL */
    unsigned workers;
    struct metric_set *metrics;
    struct metric *in_flight, *peers_cut, *lines_dropped;
    struct meters meters;
    struct due sweep_due; /* of metrics that rest */
    struct door inbound, outbound, admin, lambda;
    struct lambda_api *pull; /* our function asks for its requests; NULL: it listens */
    struct action *action;   /* it is an action of OpenWhisk; NULL: it is not */
    struct providers *providers;
    struct identity *identity;
    struct cluster_name *locals;
    size_t local_count;
    struct job_link *link;
    struct job_runner *runner;
    struct job_entry *entry;
    struct due drain_due;
    struct due look_due; /* at the files, for a change */
    uint64_t stamp;      /* of the files when they were last loaded, or tried */
    struct loop_task over;
    unsigned draining_parts;
    bool draining, outside_closed, ended;
};

/* All doors of the configuration, or complaints in `diag`. */
MUST_USE enum err proxy_doors_open(struct proxy *p, struct diag *diag);
void proxy_doors_close(struct door *d);
/* A connection that was shared out is none any more; `arg` is the door. */
void proxy_doors_left(void *arg);
/* Where a job goes; false: `no` says why it does not; `arg` is the proxy. */
bool proxy_doors_resolve(void *arg, struct slice service, const struct message *request, struct arena *a,
                         struct job_entry_target *out, struct job_visit_refusal *no);

#endif
