#ifndef WEFT_PROXY_CREW_H
#define WEFT_PROXY_CREW_H

/* crew - the workers of one sidecar: started, reloaded, drained and asked as one.
 *
 * The first worker runs on the caller's loop, every other one on a thread and a loop of its own, and all listen at
 * the same addresses.  What concerns all of them goes round: a round visits one worker after another, on its own
 * thread, and returns to the one that began it.  A reload goes round twice, so that all workers take the new
 * configuration or none does.
 *
 * Lifetime: crew_start makes everything or nothing; crew_free cuts what is left.
 * Threads:  the first worker's, but for crew_go: any worker's. */
#include "base/post.h"
#include "proxy/proxy.h"

struct crew;

struct crew_start {
    struct loop *loop;
    struct snapshot_source source; /* kept for reloads: must outlive the crew */
    /* a drain has come to its end: nothing is left to do; once, from the loop */
    void (*drained)(void *arg);
    void *arg;
};

/* INPUT: the configuration; IO: a listener (all complaints are in `diag`). */
MUST_USE enum err crew_start(const struct crew_start *start, struct diag *diag, struct crew **out);
void crew_free(struct crew **c);

/* A whole new configuration, also by itself within 5 s of a change of any file it came from (not from standard
 * input); or a log of every complaint and the old one kept. */
void crew_reload(struct crew *c);
/* No new exchanges; running ones finish, for at most timeouts.drain. */
void crew_drain(struct crew *c);
uint32_t crew_exchanges(const struct crew *c);
struct proxy *crew_first(const struct crew *c);

/* Belongs to the crew from crew_go to `done`. */
struct crew_round {
    struct post_letter letter;
    /* on the thread of the worker; nobody else touches the round meanwhile */
    void (*visit)(struct crew_round *r, struct proxy *worker);
    /* on the thread that it began on: from inside crew_go where there is one worker, else from the loop */
    void (*done)(struct crew_round *r);
    struct crew *crew;
    unsigned from, at;
};

/* Begins with worker `from`, on its thread. */
void crew_go(struct crew *c, unsigned from, struct crew_round *r);

/* A connection that `worker` has accepted goes to another one; false: that one is gone, and it stays. */
bool crew_hand_over(struct crew *c, unsigned worker, enum commons_side side, int fd, const struct sock_addr *from);

#endif
