#ifndef WEFT_BROKER_BLOB_TRAFFIC_H
#define WEFT_BROKER_BLOB_TRAFFIC_H

/* blob_traffic - how many blobs move at once in one direction, and how much of each may be on its way.
 *
 * All together have 24 MiB on their way at most, each 256 KiB to 2 MiB of it, so
 * memory is bounded whoever sends or does not read.  One session moves 32 at once and
 * all 96; the others wait, first come first served, and hold up no other session.
 *
 * Lifetime: caller's memory; empty when nothing moves.
 * Threads:  belongs to one; pure. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

enum {
    BLOB_TRAFFIC_ALL = 24 << 20,
    BLOB_TRAFFIC_LEAST = 256 << 10,
    BLOB_TRAFFIC_MOST = 2 << 20,
    BLOB_TRAFFIC_ACTIVE = BLOB_TRAFFIC_ALL / BLOB_TRAFFIC_LEAST,
    BLOB_TRAFFIC_SESSION = 32,
    BLOB_TRAFFIC_WAITING = 1000,
};

struct blob_traffic {
    size_t active, waiting;
    struct list line;
};

/* Both directions. */
struct blob_desk {
    struct blob_traffic puts, gets;
    uint64_t bytes_in, bytes_out;
};

/* One that moves, or waits to; in what moves. */
struct blob_traffic_seat {
    struct list link;
    size_t *of_session; /* how many of its session move */
    bool active;
};

void blob_traffic_init(struct blob_traffic *t);
/* At the end of the line; false: it is full. */
bool blob_traffic_line_up(struct blob_traffic *t, struct blob_traffic_seat *s, size_t *of_session);
/* The first that may move now, which then does; NULL: none. */
struct blob_traffic_seat *blob_traffic_next(struct blob_traffic *t);
/* It moves no more, or waits no more; harmless twice. */
void blob_traffic_leave(struct blob_traffic *t, struct blob_traffic_seat *s);
/* Bytes that each one may have on its way. */
size_t blob_traffic_share(const struct blob_traffic *t);

#endif
