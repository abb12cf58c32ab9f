#ifndef WEFT_PROXY_LIMIT_H
#define WEFT_PROXY_LIMIT_H

/* limit - how many requests at once are good for a function, found out by watching it.
 *
 * The answers of a window are compared with those of a longer time: while they take no
 * longer the limit grows, when they begin to queue inside it shrinks in proportion, and
 * at words of overload at once.  It moves only while it is used for half.
 *
 * Lifetime: a plain value.
 * Threads:  pure. */
#include <stdbool.h>
#include <stdint.h>

enum { LIMIT_WINDOW_US = 100000, LIMIT_SAMPLES = 10 };

struct limit {
    double most_now; /* the limit itself */
    double usual_us; /* latency over a long time; 0: none yet */
    uint32_t least, most;
    uint32_t in_flight, peak; /* of the window */
    uint32_t samples;
    int64_t sum_us, window_ends_us;
    bool overloaded; /* in this window */
};

/* `least` (1..) to `most`; starts at the most. */
void limit_init(struct limit *l, uint32_t least, uint32_t most);
/* false: it is at its limit. */
bool limit_enter(struct limit *l);
/* One that has entered is answered, after so long; < 0: nobody knows.  `overloaded`: with words of overload. */
void limit_leave(struct limit *l, int64_t latency_us, bool overloaded, int64_t now_us);

#endif
