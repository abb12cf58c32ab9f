#ifndef WEFT_TESTS_KIT_CALLER_H
#define WEFT_TESTS_KIT_CALLER_H

/* caller - the peer of a server transit, played by the test: it asks, and writes down the answer.
 *
 *     caller_init(&c, loop, "POST", "/orders");
 *     relay_start(&env, RELAY_INBOUND, NULL, c.t);
 *     caller_head(&c, false);
 *     caller_say(&c, "{}");
 *     caller_end(&c);
 *
 * gone() follows by itself once both messages are whole, in a later turn.
 *
 * Lifetime: caller's memory; caller_fini, after the transit was freed by its owner. */
#include "base/loop.h"
#include "http/transit.h"

struct caller {
    struct transit *t; /* NULL once its owner has freed it */
    struct loop *loop;
    struct loop_task gone;
    unsigned heads, infos, resets;
    unsigned status, last_info;
    struct buf body;
    size_t credited;
    bool slow; /* takes nothing of the body until caller_take */
    bool ended, asked_whole;
    bool bare; /* the answer's head said that nothing follows it */
    enum transit_end how;
    struct buf fields; /* "name: value\n" of the answer's head, then of its trailers */
};

void caller_init(struct caller *c, struct loop *l, const char *method, const char *path);
void caller_fini(struct caller *c);
/* Before the head: a field of the request; both live on. */
void caller_field(struct caller *c, const char *name, const char *value);
/* `end`: and there is no body. */
void caller_head(struct caller *c, bool end);
void caller_say(struct caller *c, struct slice bytes);
void caller_end(struct caller *c);
/* The connection is lost. */
void caller_leave(struct caller *c);
/* It has the whole answer, and says no more of its request. */
void caller_stop(struct caller *c);
/* Takes up to `n` bytes of the answer. */
void caller_take(struct caller *c, size_t n);
/* Is this line among the fields of the answer? */
bool caller_heard(const struct caller *c, const char *line);

#endif
