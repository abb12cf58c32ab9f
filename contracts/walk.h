#ifndef WEFT_CONTRACTS_WALK_H
#define WEFT_CONTRACTS_WALK_H

/* walk - what a body of an operation leads to, and the shortest way there.
 *
 * Lifetime: begin with a zeroed one; it may walk many times; walk_fini frees it. */
#include "contracts/graph.h"
#include "contracts/witness.h"

struct walk_visit {
    struct graph_node *node;
    size_t from; /* the visit that led here */
    enum graph_way way;
    struct slice name; /* of the member */
};

struct walk {
    struct walk_visit *queue; /* the root first, nearer ones before those further in */
    size_t count, room;
    unsigned stamp; /* of this walk, in the nodes that it came by */
};

void walk_fini(struct walk *w);
/* Forgets what was there.  One walk at a time may go over a graph. */
void walk_from(struct walk *w, const struct graph_root *root);
/* The steps from the root to a visit, the root's own first. */
struct witness_step *walk_way(const struct walk *w, size_t at, struct arena *arena, size_t *length);
/* Does the way there lead through a branch of a union? */
bool walk_through_branch(const struct walk *w, size_t at);
/* Is there a step for every difference? */
bool walk_all_bridged(const struct walk *w);

#endif
