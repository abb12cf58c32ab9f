#include "proxy/commons.h"

#include "base/check.h"

void commons_init(struct commons *c, unsigned workers)
{
    PRE(workers >= 1 && workers <= GATE_MOST);
    *c = (struct commons){.workers = workers, .guard = guard_new(), .log = guard_new()};
    gate_yard_init(&c->yard);
    rate_init(&c->rate);
    svid_share_init(&c->svids);
    job_shelf_init(&c->jobs);
}

void commons_fini(struct commons *c)
{
    if (!c->guard)
        return;
    job_shelf_fini(&c->jobs);
    svid_share_fini(&c->svids);
    rate_fini(&c->rate);
    gate_yard_fini(&c->yard);
    guard_free(&c->log);
    guard_free(&c->guard);
}

enum err commons_rate_ask(struct commons *c, struct slice identity, uint64_t all, uint64_t each, int64_t now_us)
{
    guard_enter(c->guard);
    enum err e = rate_ask(&c->rate, identity, all, each, now_us);
    guard_leave(c->guard);
    return e;
}

unsigned commons_choose(struct commons *c, enum commons_side side, unsigned index)
{
    unsigned best = index;
    for (unsigned i = 0; i < c->workers; i++)
        if (atomic_load(&c->taken[side][i]) < atomic_load(&c->taken[side][best]))
            best = i;
    atomic_fetch_add(&c->taken[side][best], 1);
    return best;
}

void commons_kept(struct commons *c, enum commons_side side, unsigned index)
{
    atomic_fetch_add(&c->taken[side][index], 1);
}

void commons_left(struct commons *c, enum commons_side side, unsigned index)
{
    atomic_fetch_sub(&c->taken[side][index], 1);
}

uint32_t commons_share(uint32_t n, unsigned index, unsigned workers)
{
    return workers > 1 ? n / workers + (index < n % workers) : n;
}

uint32_t commons_share_some(uint32_t n, unsigned index, unsigned workers)
{
    uint32_t share = commons_share(n, index, workers);
    return share ? share : 1;
}
