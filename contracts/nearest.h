#ifndef WEFT_CONTRACTS_NEAREST_H
#define WEFT_CONTRACTS_NEAREST_H

/* nearest - the names that somebody may have meant: by a slip of the finger, or by the words that they are made of.
 *
 * Lifetime: a plain value; begin with nothing but the word.  It keeps what is tried, which has to outlive it. */
#include "base/buf.h"

enum { NEAREST_MOST = 3 };

struct nearest {
    struct slice word;
    struct slice best[NEAREST_MOST]; /* nearer ones first */
    unsigned score[NEAREST_MOST];
    size_t count;
};

void nearest_try(struct nearest *n, struct slice candidate);
/* Puts "did you mean A, B or C?"; nothing, when nothing was near. */
void nearest_put(const struct nearest *n, struct buf *out);

#endif
