#ifndef WEFT_BASE_UNITS_H
#define WEFT_BASE_UNITS_H

/* units - durations and sizes as people write them.
 *
 * "250us" "500ms" "2s" "5m" "1h" "7d"; "512" "64KiB" "1MiB" "2GiB".  A number
 * without a unit is refused for durations (2 what?) and means bytes for sizes. */
#include "base/buf.h"

/* Microseconds.  INPUT: not a duration, or over 10 years. */
MUST_USE enum err units_duration_us(struct slice s, int64_t *out);
/* Bytes.  INPUT: not a size, or over 2^62. */
MUST_USE enum err units_size(struct slice s, uint64_t *out);
/* The shortest exact spelling: 1500000 is "1500ms". */
void units_put_duration(struct buf *out, int64_t us);
void units_put_size(struct buf *out, uint64_t bytes);

#endif
