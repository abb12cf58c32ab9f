#ifndef WEFT_PROXY_GATE_H
#define WEFT_PROXY_GATE_H

/* gate - the way to the local function: as many at once as it can take, the next in a bounded queue.
 *
 * Where several workers lead to one function each has a gate, and all gates one yard: there the limit is, and whoever
 * leaves lets in those who wait at any of them.
 *
 * Lifetime: caller's memory; nothing waits at gate_fini.  A yard outlives its gates.
 * Threads:  a gate belongs to its loop; a yard to all of them. */
#include <stdatomic.h>

#include "base/due.h"
#include "base/guard.h"
#include "proxy/limit.h"

struct gate_wait {
    struct list link; /* list_init before the first use */
    int64_t until_us;
    /* From the loop: it is in, or it has waited too long. */
    void (*fn)(struct gate_wait *w, bool is_in);
};

enum { GATE_MOST = 64 }; /* of one yard */

struct gate_yard {
    struct guard *guard; /* over all but `waiting` */
    struct limit limit;
    _Atomic uint32_t waiting; /* at all gates */
    struct gate *gates[GATE_MOST];
    unsigned count;
};

void gate_yard_init(struct gate_yard *y);
void gate_yard_fini(struct gate_yard *y);

struct gate {
    struct loop *loop;
    struct due_clock *clock;
    struct gate_yard *yard;  /* NULL: it has a limit of its own */
    struct loop_wake *nudge; /* somebody has left by another gate */
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
    uint32_t queue_most; /* at all gates */
    int64_t wait_us;
};

/* `yard` may be NULL. */
void gate_init(struct gate *g, struct loop *l, struct due_clock *clock, struct gate_yard *yard,
               const struct gate_conf *conf);
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
