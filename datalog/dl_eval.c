#include "datalog/dl_eval.h"

#include "datalog/dl_guard.h"
#include "datalog/dl_guess.h"

/* "compat.dl:41: overflow in `+`" */
static enum err explain_failure(struct datalog_run *r, const struct dl_rule *rule, enum err e)
{
    if (e != ERR_INPUT && e != ERR_LIMIT)
        return e;
    buf_clear(&r->why);
    buf_putf(&r->why, "%s:%u: %s", rule->file, rule->at.line, r->prim.why);
    if (e == ERR_LIMIT && rule->endless)
        buf_putf(&r->why, ": this rule makes new values of `%.*s` out of its own, and may never end",
                 SLICE_FMT(r->program->relations[rule->head]->name));
    return e;
}

static enum err run_plan(struct datalog_run *r, const struct dl_rule *rule, const struct dl_plan *plan, uint32_t height)
{
    struct dl_join j = {.run = r, .rule = rule, .height = height};
    return explain_failure(r, rule, dl_join_walk(&j, plan));
}

/* Most rules of a small run meet an empty relation: that is seen without any work. */
static bool is_hopeless(const struct datalog_run *r, const struct dl_rule *rule, int news)
{
    for (unsigned i = 0; i < rule->goal_count; i++) {
        const struct dl_rel *rel = &r->rels[rule->goals[i].rel];
        if (rule->goals[i].kind != DL_GOAL_ATOM)
            continue;
        uint32_t from = (int)i == news ? rel->old_end : 0;
        uint32_t to = !rel->in_rounds ? rel->tuples.count : (int)i < news ? rel->old_end : rel->new_end;
        if (from >= to)
            return true;
    }
    return false;
}

struct guessing {
    const struct datalog_run *run;
    unsigned group; /* of the rule that is planned */
};

/* A look costs more than it saves where there are few; and those that are still coming may be many. */
static uint32_t guess(const void *arg, const struct dl_goal *atom, uint32_t known)
{
    enum { FEW = 64, SOME = 4096 };
    const struct guessing *g = arg;
    const struct dl_rel *rel = &g->run->rels[atom->rel];
    if (g->run->program->relations[atom->rel]->group == g->group)
        return SOME;
    return rel->tuples.count < FEW ? rel->tuples.count >> __builtin_popcount(known) : dl_guess_matches(rel, known);
}

/* Made when it is first walked, since most rules of a small run never are; kept through a reset. */
static const struct dl_plan *plan_of(struct datalog_run *r, const struct dl_rule *rule, int news)
{
    const struct dl_plan ***plans = &r->planned[rule->number];
    if (!*plans)
        *plans = arena_array(&r->plans, (size_t)rule->goal_count + 1, sizeof(struct dl_plan *));
    const struct dl_plan **plan = &(*plans)[news + 1];
    if (*plan)
        return *plan;
    struct guessing guessing = {r, r->program->relations[rule->head]->group};
    struct dl_order order = dl_order_whole(rule);
    order.news = news;
    order.guess = guess;
    order.guess_arg = &guessing;
    return *plan = dl_order_plan(&r->plans, &order);
}

/* The other of two atoms, when there are just two and it has very many more tuples than the one the plan
 * begins with: walking it costs less than an index on it.  Else -1. */
static int larger_atom(const struct datalog_run *r, const struct dl_rule *rule, const struct dl_plan *plan)
{
    enum { MANY = 65536, TIMES = 4 };
    const struct dl_step *begin = plan->steps;
    int other = -1;
    unsigned atoms = 0;
    if (plan->count < 2 || begin->kind != DL_STEP_SCAN || begin->key_count > 0)
        return -1;
    for (unsigned i = 0; i < rule->goal_count; i++) {
        atoms += rule->goals[i].kind == DL_GOAL_ATOM;
        if (rule->goals[i].kind == DL_GOAL_ATOM && &rule->goals[i] != begin->goal)
            other = (int)i;
    }
    if (atoms != 2)
        return -1;
    uint32_t first = r->rels[begin->goal->rel].tuples.count, most = r->rels[rule->goals[other].rel].tuples.count;
    return most >= MANY && most / TIMES > first ? other : -1;
}

static enum err run_whole(struct datalog_run *r, const struct dl_rule *rule)
{
    if (is_hopeless(r, rule, -1))
        return ERR_OK;
    const struct dl_plan *plan = plan_of(r, rule, -1);
    struct dl_order order = dl_order_whole(rule);
    order.first = larger_atom(r, rule, plan);
    return run_plan(r, rule, order.first < 0 ? plan : dl_order_plan(&r->plans, &order), 0);
}

/* The rule once for every atom that has news, those before it held to what is old: no way twice. */
static enum err run_news(struct datalog_run *r, const struct dl_rule *rule, uint32_t height)
{
    for (unsigned i = 0; i < rule->goal_count; i++) {
        if (rule->goals[i].kind != DL_GOAL_ATOM || !r->rels[rule->goals[i].rel].in_rounds)
            continue;
        if (!is_hopeless(r, rule, (int)i))
            TRY(run_plan(r, rule, plan_of(r, rule, (int)i), height));
    }
    return ERR_OK;
}

static bool next_round(struct datalog_run *r, const struct dl_group *g)
{
    bool news = false;
    for (unsigned i = 0; i < g->relation_count; i++) {
        struct dl_rel *rel = &r->rels[g->relations[i]];
        rel->old_end = rel->new_end;
        rel->new_end = rel->tuples.count;
        news |= rel->old_end < rel->new_end;
    }
    return news;
}

static void set_rounds(struct datalog_run *r, const int *relations, unsigned count, bool in_rounds)
{
    for (unsigned i = 0; i < count; i++) {
        struct dl_rel *rel = &r->rels[relations[i]];
        rel->in_rounds = in_rounds;
        rel->old_end = rel->new_end = 0;
    }
}

static enum err run_recursive(struct datalog_run *r, const struct dl_group *g)
{
    while (next_round(r, g))
        for (unsigned i = 0; i < g->rule_count; i++)
            if (g->rules[i]->recursive)
                TRY(run_news(r, g->rules[i], 0));
    return ERR_OK;
}

static enum err run_group(struct datalog_run *r, const struct dl_group *g)
{
    struct dl_picked rules = dl_guard_pick(r, g);
    for (unsigned i = 0; i < rules.count; i++)
        if (!rules.v[i]->recursive)
            TRY(run_whole(r, rules.v[i]));
    if (!g->recursive)
        return ERR_OK;
    set_rounds(r, g->relations, g->relation_count, true);
    enum err e = run_recursive(r, g);
    set_rounds(r, g->relations, g->relation_count, false);
    return e;
}

static bool has_atom(const struct dl_rule *rule)
{
    for (unsigned i = 0; i < rule->goal_count; i++)
        if (rule->goals[i].kind == DL_GOAL_ATOM)
            return true;
    return false;
}

/* The news become what has height - 1; true while any tuple of this height or more is left to come. */
static bool next_height(struct datalog_run *r, const struct dl_group *g, uint32_t height)
{
    bool more = false;
    for (unsigned i = 0; i < g->meet_count; i++) {
        struct dl_rel *rel = &r->rels[g->meets[i]];
        rel->old_end = rel->new_end;
        while (rel->new_end < rel->tuples.count && rel->whys[rel->new_end].height < height)
            rel->new_end++;
        more |= rel->old_end < rel->tuples.count;
    }
    return more;
}

static enum err run_heights(struct datalog_run *r, const struct dl_group *g)
{
    struct dl_picked rules = dl_guard_pick(r, g);
    for (unsigned i = 0; i < rules.count; i++)
        if (!has_atom(rules.v[i]))
            TRY(run_plan(r, rules.v[i], plan_of(r, rules.v[i], -1), 1));
    for (uint32_t height = 1; next_height(r, g, height); height++)
        for (unsigned i = 0; i < rules.count; i++)
            TRY(run_news(r, rules.v[i], height));
    return ERR_OK;
}

static enum err run_group_by_height(struct datalog_run *r, const struct dl_group *g)
{
    if (g->rule_count == 0)
        return ERR_OK;
    set_rounds(r, g->meets, g->meet_count, true);
    enum err e = run_heights(r, g);
    set_rounds(r, g->meets, g->meet_count, false);
    return e;
}

enum err dl_eval_run(struct datalog_run *r)
{
    for (unsigned i = 0; i < r->program->group_count; i++) {
        const struct dl_group *g = &r->program->groups[i];
        TRY(r->limits.proofs ? run_group_by_height(r, g) : run_group(r, g));
    }
    return ERR_OK;
}
