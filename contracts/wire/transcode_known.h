#ifndef WEFT_CONTRACTS_WIRE_TRANSCODE_KNOWN_H
#define WEFT_CONTRACTS_WIRE_TRANSCODE_KNOWN_H

/* transcode_known - the texts that protobuf's JSON has for times, durations and field masks, and for numbers.
 *
 * Threads: pure. */
#include "base/buf.h"
#include "contracts/pb/pbtype.h"

struct transcode_known_time {
    int64_t seconds;
    int32_t nanos;
};

/* "2001-02-03T04:05:06.789Z", from any zone; years 1 to 9999.  false: it is none. */
bool transcode_known_read_time(struct slice text, struct transcode_known_time *out);
bool transcode_known_put_time(const struct transcode_known_time *t, struct buf *out);
/* "-3.5s", 10000 years at most. */
bool transcode_known_read_duration(struct slice text, struct transcode_known_time *out);
bool transcode_known_put_duration(const struct transcode_known_time *t, struct buf *out);

/* One path of a mask, "user.displayName" and user.display_name.  false: it has no other form. */
bool transcode_known_read_path(struct slice text, struct buf *out);
bool transcode_known_put_path(struct slice path, struct buf *out);

/* As few digits as make the same number again; NaN and infinities as strings.  `bits` as pbvalue has them. */
void transcode_known_put_real(enum pbtype_kind kind, uint64_t bits, struct buf *out);
/* A JSON number, or the text of a string that is one or names NaN or an infinity.  false: it is none, or is more than
 * the kind holds. */
bool transcode_known_read_real(enum pbtype_kind kind, struct slice text, bool string, uint64_t *bits);
/* A whole number of the kind, however it is spelled: 100, 1e2, 100.0. */
bool transcode_known_read_whole(enum pbtype_kind kind, struct slice text, uint64_t *bits);

#endif
