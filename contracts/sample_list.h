#ifndef WEFT_CONTRACTS_SAMPLE_LIST_H
#define WEFT_CONTRACTS_SAMPLE_LIST_H

/* sample_list - arrays that are worth trying: short and long, equal and different, each place varied. */
#include "contracts/sample_sink.h"

void sample_list(struct sample *s, const struct shape_type *t, const struct shape_position *p, struct sample_sink *k);

#endif
