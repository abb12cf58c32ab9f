#ifndef WEFT_CONTRACTS_SAMPLE_OBJECT_H
#define WEFT_CONTRACTS_SAMPLE_OBJECT_H

/* sample_object - objects that are worth trying: the least and the fullest, one member more, fewer or another. */
#include "contracts/sample_sink.h"

void sample_object(struct sample *s, const struct shape_type *t, const struct shape_position *p, struct sample_sink *k);
/* Of a type with values by name. */
void sample_object_map(struct sample *s, const struct shape_type *t, const struct shape_position *p,
                       struct sample_sink *k);
/* An object with one member; nothing when either is empty.  `key` is JSON. */
void sample_object_entry(struct sample *s, struct sample_sink *k, struct slice key, struct slice value);

#endif
