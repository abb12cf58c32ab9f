#include "datalog/dl_order.h"

#include "base/check.h"
#include "base/mem.h"
#include "datalog/dl_bound.h"

struct ordering {
    struct arena *arena;
    const struct dl_order *order;
    struct dl_plan *plan;
    bool *bound;
    bool *done;
};

static bool column_known(const struct dl_expr *e, const bool *bound)
{
    return e->kind == DL_EXPR_WORD || (e->kind == DL_EXPR_SLOT && bound[e->slot]);
}

static uint32_t known_mask(const struct dl_goal *g, const bool *bound)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < g->count; i++)
        mask |= (uint32_t)column_known(&g->args[i], bound) << i;
    return mask;
}

static bool all_bound(const struct dl_goal *g, const bool *bound)
{
    for (unsigned i = 0; i < g->count; i++)
        if (!dl_bound_expr(&g->args[i], bound))
            return false;
    return true;
}

static bool is_test(const struct dl_goal *g, const bool *bound)
{
    switch (g->kind) {
    case DL_GOAL_ATOM:
        return (unsigned)__builtin_popcount(known_mask(g, bound)) == g->count;
    case DL_GOAL_ABSENT:
    case DL_GOAL_COMPARE:
        return all_bound(g, bound);
    case DL_GOAL_FOLD:
    case DL_GOAL_EACH:
        break;
    }
    return false;
}

/* Does a variable that has a value tie it to what stands before? */
static bool is_tied(const struct dl_goal *g, const bool *bound)
{
    for (unsigned i = 0; i < g->count; i++)
        if (g->args[i].kind == DL_EXPR_SLOT && bound[g->args[i].slot])
            return true;
    return false;
}

enum { RANK_TEST, RANK_LET, RANK_FOLD, RANK_ATOM, RANK_NOT_YET = 1000 };

/* Atoms by what is known of them.  Constants alone come last: what they pick meets every tuple so far. */
static uint64_t rank_atom(const struct ordering *o, const struct dl_goal *g)
{
    uint32_t known = known_mask(g, o->bound);
    uint64_t rank = RANK_ATOM + DATALOG_COLUMNS - (unsigned)__builtin_popcount(known);
    if (!is_tied(g, o->bound))
        rank += DATALOG_COLUMNS + 1;
    if (o->order->guess)
        rank += (uint64_t)o->order->guess(o->order->guess_arg, g, known) << 32;
    return rank;
}

/* Less is earlier: tests, equations, aggregates, then atoms. */
static uint64_t rank(const struct ordering *o, const struct dl_goal *g)
{
    if (is_test(g, o->bound))
        return RANK_TEST;
    if (dl_bound_let(g, o->bound) >= 0)
        return RANK_LET;
    if (dl_bound_each(g, o->bound) || (g->kind == DL_GOAL_FOLD && dl_bound_fold(g, o->bound)))
        return RANK_FOLD;
    return g->kind == DL_GOAL_ATOM ? rank_atom(o, g) : RANK_NOT_YET;
}

static unsigned pick(const struct ordering *o)
{
    unsigned best = 0;
    uint64_t best_rank = UINT64_MAX;
    for (unsigned i = 0; i < o->order->goal_count; i++) {
        if (o->done[i])
            continue;
        uint64_t r = rank(o, &o->order->goals[i]);
        if (o->order->as_written && r != RANK_NOT_YET)
            return i;
        if (r != RANK_NOT_YET && r < best_rank) {
            best = i;
            best_rank = r;
        }
    }
    POST(best_rank != UINT64_MAX); /* dl_check_bound has found an order */
    return best;
}

static void use(struct dl_column_use *into, unsigned *count, unsigned column, const struct dl_expr *e)
{
    into[(*count)++] = (struct dl_column_use){.column = column, .expr = e};
}

static void place_kept(struct dl_step *s, struct dl_column_use *uses, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        uses[i].kept = (unsigned)__builtin_popcount(s->need & ((UINT32_C(1) << uses[i].column) - 1));
}

static void plan_columns(struct ordering *o, struct dl_step *s)
{
    const struct dl_goal *g = s->goal;
    struct dl_column_use *all = arena_array(o->arena, 3 * (size_t)g->count, sizeof(*all));
    bool *before = mem_new((size_t)o->order->slot_count + 1);
    memcpy(before, o->bound, o->order->slot_count);
    s->keys = all;
    s->binds = all + g->count;
    s->sames = all + 2 * (size_t)g->count;
    for (unsigned i = 0; i < g->count; i++) {
        const struct dl_expr *e = &g->args[i];
        if (e->kind == DL_EXPR_ANY && o->order->counted)
            s->need |= UINT32_C(1) << i;
        if (e->kind == DL_EXPR_ANY)
            continue;
        if (column_known(e, before)) {
            use(s->keys, &s->key_count, i, e);
            s->mask |= UINT32_C(1) << i;
        } else if (o->bound[e->slot]) {
            use(s->sames, &s->same_count, i, e);
            s->need |= UINT32_C(1) << i;
        } else {
            use(s->binds, &s->bind_count, i, e);
            s->need |= UINT32_C(1) << i;
            o->bound[e->slot] = true;
        }
    }
    place_kept(s, s->binds, s->bind_count);
    place_kept(s, s->sames, s->same_count);
    mem_free(before);
}

static void plan_atom(struct ordering *o, struct dl_step *s, unsigned goal)
{
    plan_columns(o, s);
    if (s->goal->kind == DL_GOAL_ABSENT) {
        s->kind = DL_STEP_ABSENT;
        return;
    }
    bool is_news = (int)goal == o->order->news;
    s->kind = s->key_count == s->goal->count ? DL_STEP_HAS : DL_STEP_SCAN;
    s->rows = is_news ? DL_ROWS_NEW : (int)goal < o->order->news ? DL_ROWS_OLD : DL_ROWS_ALL;
}

static void plan_compare(struct ordering *o, struct dl_step *s)
{
    int side = dl_bound_let(s->goal, o->bound);
    s->kind = DL_STEP_TEST;
    if (side < 0)
        return;
    s->kind = DL_STEP_LET;
    s->slot = s->goal->args[side].slot;
    s->value = &s->goal->args[1 - side];
    o->bound[s->slot] = true;
}

static void plan_goal(struct ordering *o, unsigned goal)
{
    struct dl_step *s = &o->plan->steps[o->plan->count++];
    s->goal = &o->order->goals[goal];
    o->done[goal] = true;
    switch (s->goal->kind) {
    case DL_GOAL_ATOM:
    case DL_GOAL_ABSENT:
        plan_atom(o, s, goal);
        break;
    case DL_GOAL_COMPARE:
        plan_compare(o, s);
        break;
    case DL_GOAL_FOLD:
    case DL_GOAL_EACH:
        s->kind = s->goal->kind == DL_GOAL_FOLD ? DL_STEP_FOLD : DL_STEP_EACH;
        s->slot = s->goal->result.slot;
        s->known = o->bound[s->slot];
        o->bound[s->slot] = true;
        break;
    }
}

static int kept_place(const struct dl_step *s, unsigned slot)
{
    for (unsigned i = 0; i < s->bind_count; i++)
        if (s->binds[i].expr->slot == slot)
            return (int)s->binds[i].kept;
    return -1;
}

static const int *plan_gives(struct arena *arena, const struct dl_order *order, const struct dl_plan *plan)
{
    const struct dl_step *last = plan->count ? &plan->steps[plan->count - 1] : NULL;
    if (!last || last->kind != DL_STEP_SCAN || last->same_count || order->head_count == 0)
        return NULL;
    int *gives = arena_array(arena, order->head_count, sizeof(*gives));
    for (unsigned i = 0; i < order->head_count; i++) {
        const struct dl_expr *e = &order->head[i];
        if (e->kind != DL_EXPR_SLOT && e->kind != DL_EXPR_WORD)
            return NULL;
        gives[i] = e->kind == DL_EXPR_SLOT ? kept_place(last, e->slot) : -1;
    }
    return gives;
}

struct dl_plan *dl_order_plan(struct arena *arena, const struct dl_order *order)
{
    struct ordering o = {.arena = arena, .order = order};
    o.plan = arena_new(arena, sizeof(*o.plan));
    o.plan->steps = arena_array(arena, order->goal_count + 1, sizeof(*o.plan->steps));
    o.bound = mem_new((size_t)order->slot_count + 1);
    o.done = mem_new((size_t)order->goal_count + 1);
    if (order->bound)
        memcpy(o.bound, order->bound, order->slot_count);
    if (order->news >= 0 || order->first >= 0)
        plan_goal(&o, (unsigned)(order->news >= 0 ? order->news : order->first));
    while (o.plan->count < order->goal_count)
        plan_goal(&o, pick(&o));
    o.plan->gives = plan_gives(arena, order, o.plan);
    mem_free(o.bound);
    mem_free(o.done);
    return o.plan;
}

/* Where an aggregate is reached, all it takes from outside has a value. */
static void plan_folds(struct arena *arena, const struct dl_rule *rule, struct dl_goal *goals, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        struct dl_goal *g = &goals[n];
        if (g->kind != DL_GOAL_FOLD)
            continue;
        bool *bound = mem_new((size_t)rule->slot_count + 1);
        memset(bound, true, g->first_local);
        g->plan = dl_order_plan(arena, &(struct dl_order){.goals = g->body,
                                                          .goal_count = g->body_count,
                                                          .slot_count = rule->slot_count,
                                                          .bound = bound,
                                                          .news = -1,
                                                          .first = -1,
                                                          .counted = true});
        mem_free(bound);
        plan_folds(arena, rule, g->body, g->body_count);
    }
}

struct dl_order dl_order_whole(const struct dl_rule *rule)
{
    return (struct dl_order){.goals = rule->goals,
                             .goal_count = rule->goal_count,
                             .slot_count = rule->slot_count,
                             .head = rule->args,
                             .head_count = rule->arity,
                             .news = -1,
                             .first = -1};
}

void dl_order_folds(struct arena *arena, const struct dl_rule *rule)
{
    plan_folds(arena, rule, rule->goals, rule->goal_count);
}
