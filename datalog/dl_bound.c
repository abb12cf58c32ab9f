#include "datalog/dl_bound.h"

bool dl_bound_expr(const struct dl_expr *e, const bool *bound)
{
    if (e->kind == DL_EXPR_SLOT)
        return bound[e->slot];
    for (unsigned i = 0; i < e->count; i++)
        if (!dl_bound_expr(&e->args[i], bound))
            return false;
    return true;
}

static bool outer_bound(const struct dl_expr *e, unsigned first_local, const bool *bound)
{
    if (e->kind == DL_EXPR_SLOT)
        return e->slot >= first_local || bound[e->slot];
    for (unsigned i = 0; i < e->count; i++)
        if (!outer_bound(&e->args[i], first_local, bound))
            return false;
    return true;
}

static bool outer_goals_bound(const struct dl_goal *goals, unsigned count, unsigned first_local, const bool *bound)
{
    for (unsigned n = 0; n < count; n++) {
        const struct dl_goal *g = &goals[n];
        for (unsigned i = 0; i < g->count; i++)
            if (!outer_bound(&g->args[i], first_local, bound))
                return false;
        if (g->target && !outer_bound(g->target, first_local, bound))
            return false;
        if (!outer_goals_bound(g->body, g->body_count, first_local, bound))
            return false;
    }
    return true;
}

bool dl_bound_fold(const struct dl_goal *fold, const bool *bound)
{
    return (!fold->target || outer_bound(fold->target, fold->first_local, bound)) &&
           outer_goals_bound(fold->body, fold->body_count, fold->first_local, bound);
}

int dl_bound_let(const struct dl_goal *g, const bool *bound)
{
    if (g->kind != DL_GOAL_COMPARE || g->compare != DL_EQ)
        return -1;
    for (int side = 0; side < 2; side++) {
        const struct dl_expr *free_side = &g->args[side], *other = &g->args[1 - side];
        if (free_side->kind == DL_EXPR_SLOT && !bound[free_side->slot] && dl_bound_expr(other, bound))
            return side;
    }
    return -1;
}

bool dl_bound_each(const struct dl_goal *g, const bool *bound)
{
    if (g->kind != DL_GOAL_EACH)
        return false;
    for (unsigned i = 0; i < g->count; i++)
        if (!dl_bound_expr(&g->args[i], bound))
            return false;
    return true;
}

static bool mark(bool *bound, unsigned slot)
{
    bool news = !bound[slot];
    bound[slot] = true;
    return news;
}

static bool bind_goal(const struct dl_goal *g, dl_bound_fn *binds, const void *arg, bool *bound)
{
    bool news = false;
    int side = dl_bound_let(g, bound);
    if (side >= 0)
        return mark(bound, g->args[side].slot);
    if (dl_bound_each(g, bound) || (g->kind == DL_GOAL_FOLD && dl_bound_fold(g, bound)))
        return mark(bound, g->result.slot);
    if (g->kind == DL_GOAL_ATOM && binds(arg, g))
        for (unsigned i = 0; i < g->count; i++)
            if (g->args[i].kind == DL_EXPR_SLOT)
                news |= mark(bound, g->args[i].slot);
    return news;
}

void dl_bound_goals(const struct dl_goal *goals, unsigned count, dl_bound_fn *binds, const void *arg, bool *bound)
{
    bool news = true;
    while (news) {
        news = false;
        for (unsigned n = 0; n < count; n++)
            news |= bind_goal(&goals[n], binds, arg, bound);
    }
}
