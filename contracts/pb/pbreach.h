#ifndef WEFT_CONTRACTS_PB_PBREACH_H
#define WEFT_CONTRACTS_PB_PBREACH_H

/* pbreach - which calls a message stands in, and the way there from the outside.
 *
 * Lifetime: caller's memory; what is found lives in the arena. */
#include "contracts/pb/pbtype.h"

struct pbreach_found {
    /* Operations whose requests, and whose responses, may hold the message; in no order, each once. */
    struct slice *asked, *served;
    size_t asked_count, served_count;
    /* The fields from the nearest of them to the message, outermost first; a map's field and its value are two. */
    const struct pbtype_field **asked_way, **served_way;
    size_t asked_length, served_length;
    const struct pbtype_message *asked_root, *served_root; /* NULL: none does */
    struct slice *holders;                                 /* messages that no other holds, or the message itself */
    size_t holder_count;
    bool is_loose; /* a message holds it, or it is one, that no operation holds */
};

struct pbreach {
    struct arena *arena;
    struct map known; /* by message */
};

void pbreach_init(struct pbreach *r, struct arena *arena);
void pbreach_fini(struct pbreach *r);
const struct pbreach_found *pbreach(struct pbreach *r, const struct pbtype_message *m);

#endif
