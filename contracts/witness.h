#ifndef WEFT_CONTRACTS_WITNESS_H
#define WEFT_CONTRACTS_WITNESS_H

/* witness - a value that a writer may send and a reader refuses.
 *
 * Values of the writer's position are made until one surely satisfies the writer and surely
 * not the reader; both are checked, so a witness never lies.  Between two Avro schemas the
 * reader's side is schema resolution.  Around the value stands a small body that has it. */
#include "contracts/sample.h"

/* A way into a body: from a position to the one the finding is about, from outside in. */
struct witness_step {
    enum { WITNESS_MEMBER, WITNESS_ITEM, WITNESS_VALUE, WITNESS_SAME } kind;
    struct slice position; /* of the writer, to which the step leads */
    struct slice name;     /* of the member */
};

/* The ends of one comparison; each is a position or a type. */
struct witness_pair {
    const struct shape *writer, *reader;
    struct slice from, to;
    struct slice direction;   /* request or response */
    struct slice hint;        /* a string that is tried first, or empty */
    struct slice word, text;  /* the reader's word that the value offends; empty: any.  As for conforms_question */
    struct sample_work *work; /* nothing more is found when its budget is spent */
    /* The way into a body, and the ends of that body, which is to be refused too; NULL: the value alone is. */
    const struct witness_step *way;
    size_t way_count;
    const struct witness_pair *body;
    bool any_branch; /* of Avro: it is refused as one of the writer's branches that fit it, if not as all of them */
};

/* Puts the refused value alone.  ABSENT: none was found. */
MUST_USE enum err witness_find(const struct witness_pair *pair, struct buf *out);
/* Puts the body with `value` at the end of the way.  ABSENT: none that the writer surely may send, and that the reader
 * refuses when the pair has the ends of the body. */
MUST_USE enum err witness_wrap(const struct witness_pair *pair, const struct witness_step *way, size_t count,
                               struct slice value, struct buf *out);
/* Does the reader surely refuse the body? */
bool witness_refused(const struct witness_pair *pair, struct slice body);

#endif
