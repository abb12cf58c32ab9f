#ifndef WEFT_PROXY_BOARD_H
#define WEFT_PROXY_BOARD_H

/* board - who asks what, how often, how long it takes and how often it fails: what `weft top` shows.
 *
 * A row for each direction, peer and operation, with latencies in steps of a quarter of a power of two, from
 * 64 us to 18 min: finer than the metrics, and not for ever.  At most 512 rows; past them all is counted
 * under the operation "other" of the peer "other".
 *
 * Lifetime: caller's memory; keeps copies of names.
 * Threads:  belongs to one at a time. */
#include "base/arena.h"
#include "base/map.h"

enum { BOARD_ROWS = 512, BOARD_STEPS = 97 };

struct board_row {
    struct board_row *next;
    bool inbound;
    struct slice peer; /* the service called, or the identity of the caller */
    struct slice operation;
    uint64_t count, errors;
    uint32_t steps[BOARD_STEPS];
};

struct board {
    struct arena arena;
    struct map by_name;
    struct board_row *first, **last;
    struct board_row *other; /* once there are too many */
};

struct board_call {
    bool inbound, failed;
    struct slice peer, operation;
    int64_t duration_us;
};

void board_init(struct board *b);
void board_fini(struct board *b);
void board_add(struct board *b, const struct board_call *call);
/* The same in two steps, for who keeps the row: it lives as long as the board. */
struct board_row *board_row(struct board *b, bool inbound, struct slice peer, struct slice operation);
void board_count(struct board_row *row, bool failed, int64_t duration_us);
/* All of `from` into `sum`. */
void board_merge(struct board *sum, const struct board *from);

/* The step of a latency, and where a step ends. */
unsigned board_step(int64_t us);
int64_t board_step_us(unsigned step);

/* As JSON: an array of rows, each with `steps`: [until, how many] in microseconds, without the empty ones. */
struct json_out;
void board_put(const struct board *b, struct json_out *j);

#endif
