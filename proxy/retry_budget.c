#include "proxy/retry_budget.h"

#include "base/check.h"

enum { ONE = 1000, SAVED_S = 10, US_PER_MS = 1000, LEAST_CAP = 10 * ONE };

void retry_budget_init(struct retry_budget *b, uint32_t percent, uint32_t per_second, int64_t now_us)
{
    PRE(percent <= 100 && per_second <= 1000000);
    int64_t saved = (int64_t)per_second * SAVED_S * ONE;
    *b = (struct retry_budget){
        .milli = (int64_t)per_second * ONE,
        .milli_cap = saved > LEAST_CAP ? saved : LEAST_CAP,
        .milli_pay = percent * ONE / 100,
        .per_second = per_second,
        .at_us = now_us,
    };
}

static void add(struct retry_budget *b, int64_t milli)
{
    int64_t room = b->milli_cap - b->milli;
    b->milli += milli < room ? milli : room;
}

void retry_budget_earn(struct retry_budget *b)
{
    add(b, b->milli_pay);
}

enum err retry_budget_spend(struct retry_budget *b, int64_t now_us)
{
    int64_t passed_ms = (now_us - b->at_us) / US_PER_MS;
    int64_t most_ms = (int64_t)SAVED_S * 1000;
    if (passed_ms > 0) {
        b->at_us += passed_ms * US_PER_MS;
        add(b, (passed_ms < most_ms ? passed_ms : most_ms) * b->per_second);
    }
    if (b->milli < ONE)
        return ERR_FULL;
    b->milli -= ONE;
    return ERR_OK;
}
