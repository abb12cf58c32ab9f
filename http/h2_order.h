#ifndef WEFT_HTTP_H2_ORDER_H
#define WEFT_HTTP_H2_ORDER_H

/* h2_order - do a client's frames come in an order that HTTP/2 allows?
 *
 * A session forgets a stream when it is over.  This remembers, for the last 1024 that
 * a client could have begun, which it did begin and which it has ended itself: nothing
 * may follow an END_STREAM or RST_STREAM of its own, and no stream begins below
 * another (RFC 9113 sections 5.1 and 5.1.1).  What follows an end of ours is in order:
 * it may have been under way.
 *
 * Lifetime: a plain value.
 * Threads:  pure. */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum h2_order_verdict {
    H2_ORDER_FINE,
    H2_ORDER_BROKEN, /* PROTOCOL_ERROR */
    H2_ORDER_CLOSED, /* STREAM_CLOSED */
};

enum { H2_ORDER_STREAMS = 1024, H2_ORDER_LOOK_MOST = 13 };

struct h2_order {
    uint32_t skip; /* bytes of the preface or of a payload that are still to come */
    uint32_t last; /* the highest stream that was begun; 0: none */
    uint8_t have;
    uint8_t head[H2_ORDER_LOOK_MOST]; /* a frame's head, and for PRIORITY whom it depends on */
    uint64_t begun[H2_ORDER_STREAMS / 64];
    uint64_t ended[H2_ORDER_STREAMS / 64];
};

/* The client's preface comes first. */
void h2_order_init(struct h2_order *o);
/* The next bytes, cut anywhere.  `*good`: how many of them come before the frame that breaks the order. */
enum h2_order_verdict h2_order_look(struct h2_order *o, struct slice bytes, size_t *good);

#endif
