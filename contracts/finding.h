#ifndef WEFT_CONTRACTS_FINDING_H
#define WEFT_CONTRACTS_FINDING_H

/* finding - a difference in words: where, what, how to mend it, by what it is known, and its proof. */
#include "contracts/graph.h"

struct finding_source {
    const struct graph *graph;
    const struct contract *consumer, *provider;
    struct arena *keep; /* what the finding points to */
    struct arena *scratch;
    size_t bridged_proofs; /* so many of what a plan bridges, or nobody minds, get one */
    bool unproven;         /* the proof is left out */
};

/* Sets everything but level, operations and both_directions; a witness is set for a surface only. */
void finding_of_difference(const struct finding_source *s, const struct graph_difference *d,
                           struct verdict_finding *out);
void finding_of_surface(const struct finding_source *s, const struct graph_surface *d, struct verdict_finding *out);

#endif
