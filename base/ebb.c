#include "base/ebb.h"

#include "base/check.h"
#include "base/mem.h"

enum { AFTER_US = 2 * NOW_US_PER_S };

static void give(struct due *due)
{
    struct ebb *e = (struct ebb *)(void *)((char *)due - offsetof(struct ebb, due));

    if (e->most - e->there < EBB_LEAST)
        return; /* others have come */
    mem_give_back();
    e->most = e->there;
    e->given++;
}

void ebb_init(struct ebb *e, struct due_clock *clock)
{
    *e = (struct ebb){.clock = clock};
    due_init(&e->due, give);
}

void ebb_fini(struct ebb *e)
{
    due_cancel(e->clock, &e->due);
}

void ebb_came(struct ebb *e)
{
    if (++e->there > e->most)
        e->most = e->there;
}

void ebb_went(struct ebb *e)
{
    PRE(e->there > 0);
    if (e->most - --e->there >= EBB_LEAST && !due_waits(&e->due))
        due_in(e->clock, &e->due, AFTER_US);
}
