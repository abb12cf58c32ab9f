#ifndef WEFT_CONTRACTS_WIRE_JSON_NUMBER_H
#define WEFT_CONTRACTS_WIRE_JSON_NUMBER_H

/* json_number - exact arithmetic on JSON numbers, however they are spelled. */
#include "base/buf.h"

/* `text` is a JSON number.  1e2, 100.0 and 100 are the same.  ABSENT: it has a fraction or
 * does not fit; `*out` is untouched. */
MUST_USE enum err json_number_whole(struct slice text, int64_t *out);
/* Adds times/per of the number to `out`, exactly, as a plain decimal.  Both are from 1 to 10^12.  ABSENT: it has no
 * end as a decimal, or is too long; nothing was added. */
MUST_USE enum err json_number_scale(struct slice text, uint64_t times, uint64_t per, struct buf *out);
/* A whole number spelled with nothing but digits and perhaps a minus. */
bool json_number_plain(struct slice text);

#endif
