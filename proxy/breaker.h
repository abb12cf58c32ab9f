#ifndef WEFT_PROXY_BREAKER_H
#define WEFT_PROXY_BREAKER_H

/* breaker - when is an endpoint left alone, and when is it tried again?
 *
 *     closed   it is asked
 *     open     it is not: so many failures in a row, or too few successes in a window
 *     probing  it was, for 1 s and then twice as long each time; now one real request tells
 *
 * Lifetime: a plain value.
 * Threads:  pure. */
#include <stdbool.h>

#include "base/sm.h"

enum { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_PROBING, BREAKER_STATES };
extern const struct sm_table breaker_states;

struct breaker_conf {
    uint32_t failures; /* in a row that open it; 0: it never opens */
    uint32_t success;  /* percent of a window under which it opens; 0: not by this */
    uint32_t least;    /* answers in a window that say anything */
    int64_t window_us, open_us, open_most_us;
};

struct breaker {
    struct sm sm;
    uint32_t in_a_row, good, bad;
    int64_t window_ends_us;
    int64_t opened_us, until_us; /* OPEN: left alone until then */
    unsigned doublings;
};

void breaker_init(struct breaker *b);
/* May it be asked now?  When that is a probe, breaker_probe says that it has begun. */
bool breaker_lets(const struct breaker *b, int64_t now_us);
void breaker_probe(struct breaker *b, int64_t now_us);
/* There is nobody else to ask: it is due as soon as it has been left alone for the shortest time. */
void breaker_hurry(struct breaker *b, const struct breaker_conf *conf);
/* A probe has ended and told nothing. */
void breaker_untold(struct breaker *b);
void breaker_good(struct breaker *b, const struct breaker_conf *conf, int64_t now_us);
void breaker_bad(struct breaker *b, const struct breaker_conf *conf, int64_t now_us);

#endif
