#ifndef WEFT_CONTRACTS_WIRE_HELD_H
#define WEFT_CONTRACTS_WIRE_HELD_H

/* held - the bytes of a body between coming in and going out: given on, dropped, or
 * kept back until it is known which.
 *
 * Everything before `done` has been given or dropped.  What the reader leaves open at
 * the end of a chunk goes by `flow`; only then are bytes copied into `kept`.
 *
 * Lifetime: caller's memory.  Chunk and `out` are borrowed from held_begin to held_end.
 * Threads:  belongs to one. */
#include "base/buf.h"

enum held_flow { HELD_GIVE, HELD_KEEP, HELD_DROP };

struct held {
    enum held_flow flow;
    uint64_t done;     /* offset in the body */
    uint64_t chunk_at; /* offset of the chunk's first byte; `kept` ends here */
    struct slice chunk;
    struct buf kept; /* from `done` to `chunk_at`, while done is before it */
    struct buf *out;
};

/* Keeps at most `most` bytes. */
void held_init(struct held *h, size_t most);
void held_fini(struct held *h);

void held_begin(struct held *h, struct slice chunk, struct buf *out);
/* FULL: too much to keep, or `out` is at its bound. */
MUST_USE enum err held_end(struct held *h);

/* Up to an offset within the chunk; before `done` it does nothing.  FULL: as above. */
MUST_USE enum err held_give(struct held *h, uint64_t to);
void held_drop(struct held *h, uint64_t to);
/* Gives or drops as the flow says; nothing when it says keep. */
MUST_USE enum err held_settle(struct held *h, uint64_t to);
/* Bytes that were not in the body, after what was given so far. */
MUST_USE enum err held_add(struct held *h, struct slice bytes);
/* FULL: from `done` to here is more than may be kept, however it was cut into chunks. */
MUST_USE enum err held_check(const struct held *h, uint64_t to);

#endif
