#ifndef WEFT_BASE_NOW_H
#define WEFT_BASE_NOW_H

/* now - monotonic and wall time behind one pointer, so tests own the clock.
 *
 * Microseconds.  Deadlines and leases use the monotonic one, which never steps;
 * what people read uses the wall. */
#include <stdint.h>

struct now {
    int64_t (*mono_us)(void *arg); /* CLOCK_MONOTONIC */
    int64_t (*wall_us)(void *arg); /* since 1970-01-01T00:00:00Z */
    void *arg;
};

extern const struct now now_real;

static inline int64_t now_mono_us(const struct now *n)
{
    return n->mono_us(n->arg);
}

static inline int64_t now_wall_us(const struct now *n)
{
    return n->wall_us(n->arg);
}

/* A clock that moves only when told. */
struct now_hand {
    int64_t mono;
    int64_t wall;
};
struct now now_by_hand(struct now_hand *hand);

enum { NOW_US_PER_MS = 1000, NOW_US_PER_S = 1000000 };

/* RFC 3339 in UTC with milliseconds: "2026-11-23T23:31:11.042Z"; 25 bytes with NUL. */
void now_rfc3339(int64_t wall_us, char out[25]);

#endif
