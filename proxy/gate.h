#ifndef WEFT_PROXY_GATE_H
#define WEFT_PROXY_GATE_H

/* gate - the way to the local function: as many at once as it can take, the next in a bounded queue.
 *
 * Lifetime: caller's memory; nothing waits at gate_fini.
 * Threads:  belongs to the loop. */
#include "base/due.h"
#include "proxy/limit.h"

struct gate_wait {
    struct list link; /* list_init before the first use */
    int64_t until_us;
    /* From the loop: it is in, or it has waited too long. */
    void (*fn)(struct gate_wait *w, bool is_in);
};

struct gate {
    struct loop *loop;
    struct due_clock *clock;
    struct limit limit;
    bool adapts; /* else everyone is in at once */
    struct list queue;
    uint32_t waiting, queue_most;
    int64_t wait_us;
    struct due late;        /* of the first in the queue */
    struct loop_task moved; /* there is room again */
};

struct gate_conf {
    bool adapts;
    uint32_t least, most;
    uint32_t queue_most;
    int64_t wait_us;
};

void gate_init(struct gate *g, struct loop *l, struct due_clock *clock, const struct gate_conf *conf);
/* What is in stays in; the limit begins anew only if its bounds are others. */
void gate_set(struct gate *g, const struct gate_conf *conf);
void gate_fini(struct gate *g);

/* OK: it is in.  AGAIN: it waits, w->fn follows.  FULL: too many wait. */
MUST_USE enum err gate_enter(struct gate *g, struct gate_wait *w);
/* As limit_leave. */
void gate_leave(struct gate *g, int64_t latency_us, bool overloaded);
/* It waits no longer; harmless when it does not. */
void gate_forget(struct gate *g, struct gate_wait *w);

#endif
