#ifndef WEFT_CONTRACTS_PB_PBWITNESS_H
#define WEFT_CONTRACTS_PB_PBWITNESS_H

/* pbwitness - a message that was misread as JSON for people and tools: who writes it, its bytes, its text, and what
 * was read.
 *
 *     {"writer":"consumer","message":"shop.v1.Order","encoding":"binary","bytes":"0802","text":"quantity: 2",
 *      "field":"quantity","written":"2","read":"absent"}
 *
 * When a call carries it, it is the whole message of a call, as long as that is misread too. */
#include "contracts/graph.h"
#include "contracts/pb/pbpair.h"
#include "contracts/pb/pbreach.h"

struct pbwitness {
    const struct contract *consumer;
    struct pbtype *types;  /* of both sides, the consumer's first */
    struct pbreach *reach; /* the same */
    struct pbpair *pair;
    struct arena *arena; /* for what is put */
};

struct slice pbwitness_message(struct pbwitness *w, int writer, const struct pbtry_found *found);
/* Two messages in one direction of a call, of which the other side expects one; empty: one is enough for both. */
struct slice pbwitness_stream(struct pbwitness *w, const struct graph_surface *surface);

#endif
