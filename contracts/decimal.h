#ifndef WEFT_CONTRACTS_DECIMAL_H
#define WEFT_CONTRACTS_DECIMAL_H

/* decimal - a little arithmetic on decimals as text, exact or not at all. */
#include "base/buf.h"

/* digits / 10^scale */
struct decimal {
    int64_t digits;
    unsigned scale;
};

/* false: no plain decimal, or too long for this. */
bool decimal_read(struct slice text, struct decimal *out);
void decimal_put(struct decimal d, struct buf *out);
/* false: too large. */
MUST_USE bool decimal_add(struct decimal a, struct decimal b, struct decimal *out);
MUST_USE bool decimal_times(struct decimal a, int64_t n, struct decimal *out);
/* 1: `a` is a whole number of times `b`; 0: it is not; -1: too long to say. */
int decimal_divides(struct slice a, struct slice b);
/* Both are above zero and `a` is a whole number of times `b`, or both are spelt alike. */
bool decimal_multiple(struct slice a, struct slice b);

#endif
