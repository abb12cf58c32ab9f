#ifndef WEFT_PROXY_BALANCE_H
#define WEFT_PROXY_BALANCE_H

/* balance - how long one more request to an endpoint is likely to take.
 *
 * A moving average of its latency that follows a rise at once and a fall over 10 s,
 * times what is in flight there.  A new endpoint is thought to be as fast as the others,
 * the first ones to need 30 ms: it is neither flooded nor starved.  What nobody has measured for a while is forgotten
 * at the same pace, so that a slow endpoint is tried again.
 *
 * Lifetime: a plain value.
 * Threads:  pure. */
#include <stdbool.h>
#include <stdint.h>

enum { BALANCE_SEED_US = 30000, BALANCE_DECAY_US = 10 * 1000000 };

struct balance {
    double average_us;
    int64_t at_us; /* of the last sample */
    uint32_t in_flight;
};

/* `seed_us` 0: BALANCE_SEED_US. */
void balance_init(struct balance *b, double seed_us, int64_t now_us);
/* A request leaves for it. */
void balance_begin(struct balance *b);
/* Its answer's head is there, after so long. */
void balance_sample(struct balance *b, int64_t latency_us, int64_t now_us);
/* The exchange is over. */
void balance_end(struct balance *b);
double balance_cost(const struct balance *b, int64_t now_us);
/* Is `a` likely to answer sooner?  What is within a factor of two is as good, and the one with less in flight is
 * next: small differences are no reason to ask always the same one. */
bool balance_better(const struct balance *a, const struct balance *b, int64_t now_us);

#endif
