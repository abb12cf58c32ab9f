#ifndef WEFT_PROXY_TURNS_H
#define WEFT_PROXY_TURNS_H

/* turns - whose work is next: one piece of each peer in turn.
 *
 * However much one peer asks for, another waits for at most one piece of everybody
 * who waits, and for the one under way.
 *
 * Lifetime: caller's memory; a turn belongs to its owner and is in no list once it was
 *           taken out.  turns_fini: PRE: it is empty.
 * Threads:  belongs to one; pure. */
#include "base/err.h"
#include "base/list.h"
#include "base/map.h"

struct turn {
    struct list link;
};

struct turns {
    struct map lanes;     /* by peer */
    struct list rotation; /* of lanes with turns in them, the next first */
    size_t most;          /* that one peer may have waiting */
};

void turns_init(struct turns *t, size_t most);
void turns_fini(struct turns *t);
/* At the end of what the peer has waiting.  FULL: it has `most`. */
MUST_USE enum err turns_put(struct turns *t, struct slice peer, struct turn *turn);
/* The peer's turns: how many wait. */
size_t turns_waiting(const struct turns *t, struct slice peer);
/* Takes out the next; NULL: nobody waits. */
struct turn *turns_next(struct turns *t);

#endif
