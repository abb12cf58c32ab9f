#ifndef WEFT_TESTS_KIT_PAIR_H
#define WEFT_TESTS_KIT_PAIR_H

/* pair - two streams joined in memory, with chosen chunking.
 *
 * What one end writes the other reads, in order; at most `chunk` bytes a call and
 * at most `room` bytes under way in each direction, so that every AGAIN can be had
 * at will.  Both ends are open; their STREAM_OPEN comes in the next turn.
 *
 * Lifetime: each end is closed by its owner; the wire goes with the second one.
 * Threads:  belongs to the loop. */
#include "base/stream.h"

struct pair_conf {
    size_t chunk; /* 0: 16 KiB */
    size_t room;  /* 0: 64 KiB */
};

/* `conf` may be NULL. */
void pair_new(struct loop *l, const struct pair_conf *conf, struct stream *ends[2]);

/* What stream_peer_id and stream_alpn of this end answer: both are kept, not copied. */
void pair_introduce(struct stream *end, const char *peer_id, const char *alpn);

/* The wire breaks: both ends read PEER once they have read what had arrived, and write IO. */
void pair_cut(struct stream *end);

#endif
