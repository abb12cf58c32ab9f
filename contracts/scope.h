#ifndef WEFT_CONTRACTS_SCOPE_H
#define WEFT_CONTRACTS_SCOPE_H

/* scope - which facts of a pair may tell of a difference.
 *
 * A type that stands alike on both sides, with everything that it leads to, fits itself: where it only meets itself
 * the rules need not see it.  What they must see: what is changed or leads to a change, and what may meet another
 * type than itself, with everything that it leads to: where a type was put in place of another, in unions, in tuples,
 * behind media ranges.
 *
 * Lifetime: caller's memory; the contracts must outlive it.
 * Threads:  belongs to one. */
#include "base/arena.h"
#include "contracts/contract.h"
#include "contracts/fact.h"

enum { SCOPE_CONSUMER, SCOPE_PROVIDER, SCOPE_SIDES };

struct scope_edge {
    uint32_t from, to;
    bool crosses; /* what is reached may meet another type */
};

struct scope {
    const struct contract *contract[SCOPE_SIDES];
    struct arena arena;
    uint32_t *types[SCOPE_SIDES];      /* by number: its node */
    uint32_t *operations[SCOPE_SIDES]; /* by number: its node */
    uint8_t *marks;                    /* by node */
    uint32_t node_count;
    uint32_t operation_nodes; /* the last so many nodes are operations */
    bool narrow;
    struct scope_edge *edges;
    size_t edge_count, edge_room;
    struct slice
        asked[SCOPE_SIDES]; /* the last subject, and its node: most facts are about the same as the one before */
    uint32_t found[SCOPE_SIDES];
    struct slice *positions; /* whose own facts differ */
    size_t position_count, position_room;
};

/* `narrow` false: everything is needed, and only operations whose own facts differ are changed. */
void scope_init(struct scope *s, const struct contract *consumer, const struct contract *provider, bool narrow);
void scope_fini(struct scope *s);
/* Must the rules see this fact of that side? */
bool scope_needs(struct scope *s, unsigned side, const struct fact *f);
/* Every operation and type that is changed or leads to a change, and every position that is changed, by name; some
 * come twice. */
typedef void scope_name_fn(void *arg, struct slice name);
void scope_each_changed(const struct scope *s, scope_name_fn *fn, void *arg);

#endif
