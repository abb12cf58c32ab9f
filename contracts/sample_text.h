#ifndef WEFT_CONTRACTS_SAMPLE_TEXT_H
#define WEFT_CONTRACTS_SAMPLE_TEXT_H

/* sample_text - texts, bytes and symbols that are worth trying. */
#include "contracts/sample_sink.h"

void sample_text(struct sample *s, const struct shape_position *p, struct sample_sink *k);
/* A text of so many letters. */
void sample_text_length(struct sample *s, struct sample_sink *k, uint64_t length);
void sample_text_bytes(struct sample *s, const struct shape_position *p, struct sample_sink *k);
void sample_text_symbols(struct sample *s, const struct shape_type *t, struct sample_sink *k);

#endif
