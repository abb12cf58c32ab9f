#ifndef WEFT_PROXY_RETRY_BUDGET_H
#define WEFT_PROXY_RETRY_BUDGET_H

/* retry_budget - how many retries recent traffic has paid for.
 *
 * Every first attempt pays in a share of a retry, time pays a few a second, and every
 * retry costs a whole one.  When an upstream fails, retries stay a fixed share of the
 * traffic instead of multiplying it.
 *
 * Lifetime: a plain value.
 * Threads:  pure. */
#include <stdint.h>

#include "base/err.h"

struct retry_budget {
    int64_t milli;      /* in hand, thousandths of a retry */
    int64_t milli_cap;  /* most that quiet times save up */
    uint32_t milli_pay; /* earned by one first attempt */
    uint32_t per_second;
    int64_t at_us;
};

/* `percent` (0..100) of traffic may be retries, and `per_second` (0..1000000) besides; what ten seconds of quiet
 * pay is the most that is saved up.  Starts with one second's pay. */
void retry_budget_init(struct retry_budget *b, uint32_t percent, uint32_t per_second, int64_t now_us);
/* A first attempt has left for an upstream. */
void retry_budget_earn(struct retry_budget *b);
/* OK: one retry is paid, send it.  FULL: answer with what you already have. */
MUST_USE enum err retry_budget_spend(struct retry_budget *b, int64_t now_us);

#endif
