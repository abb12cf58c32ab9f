#ifndef WEFT_CONTRACTS_SAMPLE_NUMBER_H
#define WEFT_CONTRACTS_SAMPLE_NUMBER_H

/* sample_number - numbers that are worth trying: around each bound on either side, and the ends of usual types. */
#include "contracts/sample_sink.h"

void sample_number(struct sample *s, const struct shape_type *t, const struct shape_position *p, struct sample_sink *k);

#endif
