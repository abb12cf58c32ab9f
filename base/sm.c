#include "base/sm.h"

#include "base/check.h"

void sm_init(struct sm *m, const struct sm_row *rows, unsigned first)
{
    PRE(rows[first].flags & SM_FIRST);
    *m = (struct sm){.rows = rows, .at = first};
}

void sm_move(struct sm *m, unsigned next)
{
    PRE(next < 32);
    PRE(m->rows[m->at].to & SM_TO(next));
    m->at = next;
}

const char *sm_name(const struct sm *m)
{
    return m->rows[m->at].name;
}
