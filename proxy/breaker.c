#include "proxy/breaker.h"

enum { DOUBLINGS_MOST = 20 };

static const struct sm_row rows[BREAKER_STATES] = {
    [BREAKER_CLOSED] = {"closed", SM_TO(BREAKER_OPEN), SM_FIRST},
    [BREAKER_OPEN] = {"open", SM_TO(BREAKER_PROBING) | SM_TO(BREAKER_CLOSED), 0},
    [BREAKER_PROBING] = {"probing", SM_TO(BREAKER_OPEN) | SM_TO(BREAKER_CLOSED), 0},
};
const struct sm_table breaker_states = {"breaker", rows, BREAKER_STATES};

void breaker_init(struct breaker *b)
{
    *b = (struct breaker){0};
    sm_init(&b->sm, rows, BREAKER_CLOSED);
}

bool breaker_lets(const struct breaker *b, int64_t now_us)
{
    return b->sm.at == BREAKER_CLOSED || (b->sm.at == BREAKER_OPEN && now_us >= b->until_us);
}

void breaker_probe(struct breaker *b, int64_t now_us)
{
    if (b->sm.at == BREAKER_OPEN && now_us >= b->until_us)
        sm_move(&b->sm, BREAKER_PROBING);
}

void breaker_hurry(struct breaker *b, const struct breaker_conf *conf)
{
    if (b->sm.at == BREAKER_OPEN && b->until_us > b->opened_us + conf->open_us)
        b->until_us = b->opened_us + conf->open_us;
}

void breaker_untold(struct breaker *b)
{
    if (b->sm.at == BREAKER_PROBING)
        sm_move(&b->sm, BREAKER_OPEN); /* the next request is the probe */
}

static void count(struct breaker *b, const struct breaker_conf *conf, bool good, int64_t now_us)
{
    if (now_us >= b->window_ends_us) {
        b->good = b->bad = 0;
        b->window_ends_us = now_us + conf->window_us;
    }
    b->good += good;
    b->bad += !good;
    b->in_a_row = good ? 0 : b->in_a_row + 1;
}

static bool is_too_much(const struct breaker *b, const struct breaker_conf *conf)
{
    uint32_t all = b->good + b->bad;
    bool few_succeed = all >= conf->least && (uint64_t)b->good * 100 < (uint64_t)all * conf->success;
    return conf->failures > 0 && (b->in_a_row >= conf->failures || few_succeed);
}

static void open_for_a_while(struct breaker *b, const struct breaker_conf *conf, int64_t now_us)
{
    int64_t open_us = conf->open_us << b->doublings;
    if (b->doublings < DOUBLINGS_MOST)
        b->doublings++;
    b->opened_us = now_us;
    b->until_us = now_us + (open_us < conf->open_most_us ? open_us : conf->open_most_us);
    sm_move(&b->sm, BREAKER_OPEN);
}

void breaker_good(struct breaker *b, const struct breaker_conf *conf, int64_t now_us)
{
    count(b, conf, true, now_us);
    if (b->sm.at == BREAKER_CLOSED) {
        if (is_too_much(b, conf))
            open_for_a_while(b, conf, now_us);
        else if (b->good >= conf->least)
            b->doublings = 0; /* it has proved itself */
        return;
    }
    b->good = 1;
    b->bad = 0;
    sm_move(&b->sm, BREAKER_CLOSED);
}

void breaker_bad(struct breaker *b, const struct breaker_conf *conf, int64_t now_us)
{
    count(b, conf, false, now_us);
    bool probe_failed = b->sm.at == BREAKER_PROBING;
    if (probe_failed || (b->sm.at == BREAKER_CLOSED && is_too_much(b, conf)))
        open_for_a_while(b, conf, now_us);
}
