#ifndef WEFT_DATALOG_DL_GUARD_H
#define WEFT_DATALOG_DL_GUARD_H

/* dl_guard - of very many rules the few that may hold, found by a constant that each asks for.
 *
 * `allow :- peer("a"), op("x").` needs the tuple peer("a"): of ten thousand such rules
 * a run with one peer looks at those of that peer.  A rule's guard is the constant
 * that the fewest others ask for, in a relation that is complete before the group is
 * computed.
 *
 * Lifetime: lives in the program's arena.
 * Threads:  immutable once made; picking belongs to the run. */
#include "datalog/dl_join.h"

struct dl_guard;

/* NULL: too few rules, or too few with constants, to be worth it. */
struct dl_guard *dl_guard_new(struct datalog *p, const struct dl_group *g);

struct dl_picked {
    struct dl_rule *const *v; /* in the order of the group */
    unsigned count;
};
/* Every rule of the group that can give a tuple in this run, and perhaps others; valid until the next pick. */
struct dl_picked dl_guard_pick(struct datalog_run *r, const struct dl_group *g);

#endif
