#ifndef WEFT_BROKER_QUEUE_H
#define WEFT_BROKER_QUEUE_H

/* queue - the order of one service's jobs: priority, then fair, then first come.
 *
 * Priority 9 goes before 8.  Within a priority the callers take turns, one job
 * each (deficit round robin with a quantum of one job), so that whoever submits a
 * flood delays only himself.  Within a caller the first in is the first out.
 *
 * A caller's account counts his live jobs here, leased ones too, from queue_admit
 * to queue_forget; being in line is apart from that.
 *
 * Lifetime: caller's memory; jobs must have left before they are freed.
 * Threads:  belongs to the loop; reads no clock, does no I/O. */
#include "broker/job.h"

enum { QUEUE_JOBS = 100000 };

struct account;

struct queue_bounds {
    size_t jobs;    /* live jobs of one caller; 0: QUEUE_JOBS */
    uint64_t bytes; /* of their payloads; 0: unbounded */
};

struct queue {
    struct queue_bounds bounds;
    struct list turns[JOB_PRIORITIES]; /* callers with a job ready, next one first */
    struct heap delayed;               /* by due_ms */
    struct map accounts;               /* of callers, by name */
    struct account *recent;            /* most jobs come from who came before */
    size_t ready, aside;
    struct queue *of; /* whose accounts count our jobs too, and whose bounds hold; NULL: our own */
};

void queue_init(struct queue *q, const struct queue_bounds *bounds);
void queue_fini(struct queue *q);

/* Counts one more job of `caller`.  FULL: at his bound, nothing was counted. */
MUST_USE enum err queue_admit(struct queue *q, struct slice caller, uint64_t size);
/* The same for a job that was promised already (recovery): never refused. */
void queue_enrol(struct queue *q, struct slice caller, uint64_t size);
/* The job is over, or was not stored after all. */
void queue_forget(struct queue *q, struct slice caller, uint64_t size);
/* Live jobs of `caller`. */
size_t queue_live(const struct queue *q, struct slice caller);

/* By its state: JOB_QUEUED at the end of its caller's line, JOB_DELAYED until due_ms.  Never refused. */
void queue_put(struct queue *q, struct job *j);
/* The one queue_take would give; NULL: none is ready. */
struct job *queue_first(const struct queue *q);
struct job *queue_take(struct queue *q);
/* The one queue_first gave, out of its line into `where`: others go before it. */
void queue_set_aside(struct queue *q, struct job *j, struct list *where);
/* It was set aside: first in its line again. */
void queue_put_back(struct queue *q, struct job *j);
/* Out of the middle, ready, aside or delayed; harmless when it is in neither. */
void queue_remove(struct queue *q, struct job *j);

/* When the earliest delayed job is due; false: there is none. */
bool queue_next_due(const struct queue *q, int64_t *due_ms);
/* A delayed job that is due, out of the queue: move its state and put it again.  NULL: none (any more). */
struct job *queue_due(struct queue *q, int64_t now_ms);

static inline size_t queue_ready(const struct queue *q)
{
    return q->ready;
}

/* Ready, but for something that holds them back beside the queue. */
static inline size_t queue_aside(const struct queue *q)
{
    return q->aside;
}

static inline size_t queue_delayed(const struct queue *q)
{
    return q->delayed.count;
}

#endif
