#ifndef WEFT_BUS_FRAME_H
#define WEFT_BUS_FRAME_H

/* frame - job frames to and from bytes (proto/weft/bus/v1/bus.proto).
 *
 * A frame has 1 to 256 records and at most ZSOCK_MESSAGE bytes. */
#include "base/buf.h"
#include "weft/bus/v1/bus.pb-c.h"

enum { FRAME_RECORDS = 256, FRAME_VERSION = 1 };

/* FULL: over 256 records or the buf's bound. */
MUST_USE enum err frame_pack(Weft__Bus__V1__Record **records, size_t count, struct buf *out);
/* PEER: not a frame, another version, no record, or too many.  Free with frame_free. */
MUST_USE enum err frame_unpack(struct slice bytes, Weft__Bus__V1__Frame **out);
void frame_free(Weft__Bus__V1__Frame **f);

#endif
