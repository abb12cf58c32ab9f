#include "proxy/limit.h"

#include "base/check.h"

/* Names of what is tuned, not of units. */
static const double TOLERANCE = 1.5, GRADIENT_LEAST = 0.5, SMOOTH = 0.2, USUAL_SHARE = 0.02, BACK_OFF = 0.9;

void limit_init(struct limit *l, uint32_t least, uint32_t most)
{
    PRE(least >= 1 && least <= most);
    *l = (struct limit){.most_now = most, .least = least, .most = most};
}

bool limit_enter(struct limit *l)
{
    if (l->in_flight >= (uint32_t)l->most_now)
        return false;
    l->in_flight++;
    if (l->in_flight > l->peak)
        l->peak = l->in_flight;
    return true;
}

static double between(double low, double x, double high)
{
    return x < low ? low : x > high ? high : x;
}

static void learn_usual(struct limit *l, double now_us)
{
    if (l->usual_us == 0 || l->usual_us > 2 * now_us)
        l->usual_us = now_us; /* nothing yet, or a slow time is over */
    else
        l->usual_us += (now_us - l->usual_us) * USUAL_SHARE;
}

static void close_window(struct limit *l)
{
    double now_us = (double)(l->sum_us > 0 ? l->sum_us : 1) / l->samples;
    learn_usual(l, now_us);
    double gradient = between(GRADIENT_LEAST, TOLERANCE * l->usual_us / now_us, 1);
    double room = 4 + l->most_now / 16; /* of waiting that is no harm */
    double next =
        l->overloaded ? l->most_now * BACK_OFF : l->most_now + (l->most_now * gradient + room - l->most_now) * SMOOTH;
    if (l->overloaded || l->peak * 2.0 >= l->most_now)
        l->most_now = between(l->least, next, l->most);
}

void limit_leave(struct limit *l, int64_t latency_us, bool overloaded, int64_t now_us)
{
    PRE(l->in_flight > 0);
    l->in_flight--;
    l->overloaded = l->overloaded || overloaded;
    if (latency_us >= 0) {
        l->sum_us += latency_us;
        l->samples++;
    }
    if (now_us < l->window_ends_us || l->samples < LIMIT_SAMPLES)
        return;
    close_window(l);
    l->window_ends_us = now_us + LIMIT_WINDOW_US;
    l->sum_us = 0;
    l->samples = 0;
    l->overloaded = false;
    l->peak = l->in_flight;
}
