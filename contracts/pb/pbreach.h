#ifndef WEFT_CONTRACTS_PB_PBREACH_H
#define WEFT_CONTRACTS_PB_PBREACH_H

/* pbreach - which calls a message stands in, and the way there from the outside.
 *
 * Sets of calls have a bit for each operation of the consumer.
 *
 * Lifetime: caller's memory; what is found lives in the arena. */
#include "contracts/pb/pbtype.h"

enum { PBREACH_HOLDERS = 64 };

struct pbreach_found {
    uint64_t *asked, *served; /* operations whose requests, and whose responses, may hold the message */
    bool is_asked, is_served; /* of either side */
    bool is_loose;            /* a message holds it, or it is one, that no operation holds */
    /* The fields from the nearest of them to the message, outermost first; a map's field and its value are two. */
    const struct pbtype_field **asked_way, **served_way;
    size_t asked_length, served_length;
    const struct pbtype_message *asked_root, *served_root; /* NULL: none does */
    struct slice holders[PBREACH_HOLDERS];                 /* messages that no other holds, as far as there is room */
    size_t holder_count;
};

struct pbreach {
    struct arena *arena;
    size_t operations;
    size_t words;     /* of a set */
    struct map known; /* by message */
    struct pbreach_visit *queue;
    size_t room;
    unsigned stamp;
    uint64_t left; /* visits that may still be made; without any, every call is taken to hold a message */
};

void pbreach_init(struct pbreach *r, size_t operations, struct arena *arena);
void pbreach_fini(struct pbreach *r);
const struct pbreach_found *pbreach(struct pbreach *r, struct pbtype_message *m);

#endif
