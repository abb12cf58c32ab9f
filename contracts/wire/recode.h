#ifndef WEFT_CONTRACTS_WIRE_RECODE_H
#define WEFT_CONTRACTS_WIRE_RECODE_H

/* recode - one value in another writing: base64 and text, seconds and date-times.
 *
 * What has two writings comes back as it was: encode and decode, date and epoch undo each other.  Pure. */
#include "contracts/wire/plan.h"

/* `out` gets at most so many times the text's bytes, and these more. */
enum { RECODE_TIMES = 6, RECODE_MORE = 64 };

/* What encode, decode, date or epoch makes of `text`, a string's characters or a number's spelling, added to `out` as
 * JSON.  NULL, or half a sentence that says what is expected; then `out` may have got a part. */
const char *recode(const struct plan_step *s, struct slice text, struct buf *out);

#endif
