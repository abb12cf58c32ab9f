#ifndef WEFT_BASE_LOOP_H
#define WEFT_BASE_LOOP_H

/* loop - THE libev room: watch an fd, defer a call, wake from a thread.
 *
 * Everything that moves belongs to one loop and runs on its thread.
 *
 * Lifetime: everything made from a loop must be freed before it.
 * Threads:  one, but for loop_wake_send. */
#include "base/list.h"
#include "base/now.h"
#include "base/slice.h"

struct loop;
struct loop_watch;
struct loop_edge;
struct loop_wake;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop *loop_new(void);
/* Its timers go by `now` (now_by_hand), which is copied: tests own the clock.  No turn sleeps for a timer. */
struct loop *loop_new_by(const struct now *now);
void loop_free(struct loop **l);
/* Until loop_stop, or nothing is left to wait for. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* One turn: waits for events only if `wait`; for tests. */
void loop_turn(struct loop *l, bool wait);
const struct now *loop_now(const struct loop *l);
/* Monotonic time as of the start of this turn (outside of one: the clock itself); costs no system call. */
int64_t loop_turn_us(const struct loop *l);

/* An fd and what to hear of it (LOOP_READ | LOOP_WRITE; 0 rests). */
typedef void loop_watch_fn(void *arg, unsigned events);
struct loop_watch *loop_watch_new(struct loop *l, int fd, loop_watch_fn *fn, void *arg);
void loop_watch_set(struct loop_watch *w, unsigned events);
/* NULL is fine; the fd stays open. */
void loop_watch_free(struct loop_watch **w);

/* A call made once, later in this turn or in the next, never from inside loop_defer. */
struct loop_task {
    struct list link; /* list_init before the first use */
    void (*fn)(struct loop_task *task);
};
void loop_task_init(struct loop_task *t, void (*fn)(struct loop_task *task));
/* Harmless when it is waiting already. */
void loop_defer(struct loop *l, struct loop_task *t);
void loop_task_cancel(struct loop_task *t);

/* Runs at the end of every turn in which it was asked for, after all deferred calls:
 * where many small writes become one.  What it defers comes right after.  Same rules as loop_defer. */
void loop_defer_late(struct loop *l, struct loop_task *t);

/* A descriptor that only says "look again" (libzmq's): `ready` is asked before each wait and
 * after it; while it says true, `fn` runs once a turn and the loop does not sleep. */
typedef bool loop_edge_ready_fn(void *arg);
typedef void loop_edge_fn(void *arg);
struct loop_edge *loop_edge_new(struct loop *l, int fd, loop_edge_ready_fn *ready, loop_edge_fn *fn, void *arg);
void loop_edge_free(struct loop_edge **e);

/* A call on the loop asked for by any thread; many sends may become one call. */
typedef void loop_wake_fn(void *arg);
struct loop_wake *loop_wake_new(struct loop *l, loop_wake_fn *fn, void *arg);
void loop_wake_free(struct loop_wake **w);
void loop_wake_send(struct loop_wake *w);

/* One timer (due builds on it): at `at_us` monotonic, or never when < 0. */
typedef void loop_timer_fn(void *arg);
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *l, loop_timer_fn *fn, void *arg);
void loop_timer_free(struct loop_timer **t);
void loop_timer_set(struct loop_timer *t, int64_t at_us);

/* A signal as an event. */
typedef void loop_signal_fn(void *arg, int signo);
struct loop_signal;
struct loop_signal *loop_signal_new(struct loop *l, int signo, loop_signal_fn *fn, void *arg);
void loop_signal_free(struct loop_signal **s);

#endif
