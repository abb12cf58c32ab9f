#ifndef WEFT_BASE_POST_H
#define WEFT_BASE_POST_H

/* post - letters to a loop, from any thread.
 *
 * A letter is read once, on the loop's thread, in the order in which letters came.
 *
 * Lifetime: a letter belongs to its sender until it is sent, then to the post, and to
 *           its `read` once that is called.  post_free leaves the rest unread.
 * Threads:  post_send: any; the others: the loop's. */
#include "base/loop.h"

struct post;

struct post_letter {
    struct list link;
    void (*read)(struct post_letter *letter);
};

struct post *post_new(struct loop *l);
void post_free(struct post **p);
void post_send(struct post *p, struct post_letter *letter);

#endif
