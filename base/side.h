#ifndef WEFT_BASE_SIDE_H
#define WEFT_BASE_SIDE_H

/* side - a thread with a loop of its own, and a post to it.
 *
 * `begin` makes what runs there, `end` undoes it; both on that thread.  Signals go to
 * the other threads.
 *
 * Lifetime: side_end stops the loop, waits for the thread and takes the side away.
 * Threads:  side_start, side_end: the one that made it; side_post: any. */
#include "base/err.h"
#include "base/post.h"

struct side;

struct side_conf {
    const char *name; /* of the thread; longer than 15 bytes: it keeps the program's */
    enum err (*begin)(void *arg, struct loop *l);
    void (*end)(void *arg);
    void *arg;
};

/* Waits for `begin` and returns what it says; then there is no thread unless that is OK. */
MUST_USE enum err side_start(const struct side_conf *conf, struct side **out);
void side_end(struct side **s);
struct post *side_post(struct side *s);

#endif
