#include "proxy/balance.h"

#include "base/check.h"

void balance_init(struct balance *b, double seed_us, int64_t now_us)
{
    *b = (struct balance){.average_us = seed_us > 0 ? seed_us : BALANCE_SEED_US, .at_us = now_us};
}

/* What is left of old news: e^-x by the beginning of its series, which is near enough and never 0. */
static double left_after(int64_t passed_us)
{
    double x = (double)(passed_us > 0 ? passed_us : 0) / BALANCE_DECAY_US;
    return 1 / (1 + x * (1 + x / 2 * (1 + x / 3)));
}

void balance_begin(struct balance *b)
{
    b->in_flight++;
}

void balance_sample(struct balance *b, int64_t latency_us, int64_t now_us)
{
    double sample = (double)latency_us, left = left_after(now_us - b->at_us);
    b->average_us = sample > b->average_us ? sample : b->average_us * left + sample * (1 - left);
    b->at_us = now_us;
}

void balance_end(struct balance *b)
{
    PRE(b->in_flight > 0);
    b->in_flight--;
}

double balance_cost(const struct balance *b, int64_t now_us)
{
    return b->average_us * left_after(now_us - b->at_us) * (b->in_flight + 1);
}

bool balance_better(const struct balance *a, const struct balance *b, int64_t now_us)
{
    double a_cost = balance_cost(a, now_us), b_cost = balance_cost(b, now_us);
    if (a_cost * 2 < b_cost || b_cost * 2 < a_cost)
        return a_cost < b_cost;
    return a->in_flight < b->in_flight;
}
