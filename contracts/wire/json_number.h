#ifndef WEFT_CONTRACTS_WIRE_JSON_NUMBER_H
#define WEFT_CONTRACTS_WIRE_JSON_NUMBER_H

/* json_number - the exact whole number that a JSON number is, however it is spelled. */
#include "base/slice.h"

/* `text` is a JSON number.  1e2, 100.0 and 100 are the same.  ABSENT: it has a fraction or
 * does not fit; `*out` is untouched. */
MUST_USE enum err json_number_whole(struct slice text, int64_t *out);

#endif
