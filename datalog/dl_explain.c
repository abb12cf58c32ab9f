#include "datalog/dl_explain.h"

#include "base/check.h"
#include "base/mem.h"
#include "datalog/dl_prose.h"
#include "datalog/dl_record.h"

/* A node whose derivation is still to be found. */
struct todo {
    struct datalog_proof *node;
    uint32_t row;
};

struct explaining {
    struct datalog_run *run;
    struct arena *arena;    /* of the proof */
    struct arena scratch;   /* of plans */
    struct dl_plan **plans; /* by rule */
    struct dl_rel *seen;    /* per relation, numbers of tuples explained already */
    struct todo *v;
    size_t count, cap;
    uint32_t *rows; /* by step of the plan walked */
};

static void push(struct explaining *x, struct datalog_proof *node, uint32_t row)
{
    if (x->count == x->cap) {
        x->cap = x->cap ? x->cap * 2 : 64;
        x->v = mem_resize(x->v, x->cap, sizeof(*x->v));
    }
    x->v[x->count++] = (struct todo){node, row};
}

/* The variables that a value gives away.  false: the expression has no such value. */
static bool bind_value(const struct datalog_run *r, const struct dl_expr *e, datalog_word w, bool *bound)
{
    if (e->kind == DL_EXPR_WORD)
        return e->word == w;
    if (e->kind == DL_EXPR_SLOT) {
        bool same = !bound[e->slot] || r->slots[e->slot] == w;
        r->slots[e->slot] = w;
        bound[e->slot] = true;
        return same;
    }
    if (e->kind != DL_EXPR_CALL || e->op != DL_MAKE)
        return true;
    struct slice text = dl_sym_text(&r->symbols, (uint32_t)w);
    if (!dl_record_is(text, e->branch))
        return false;
    for (unsigned i = 0; i < e->count; i++) {
        datalog_word field;
        if (dl_record_field(text, e->branch, i, &field) != ERR_OK || !bind_value(r, &e->args[i], field, bound))
            return false;
    }
    return true;
}

/* The same of a head.  false: it can be no such tuple. */
static bool bind_head(const struct datalog_run *r, const struct dl_rule *rule, const datalog_word *columns, bool *bound)
{
    for (unsigned i = 0; i < rule->arity; i++)
        if (columns[i] != DL_RULE_UNBOUND && !bind_value(r, &rule->args[i], columns[i], bound))
            return false;
    return true;
}

static struct dl_plan *plan_for(struct arena *arena, const struct dl_rule *rule, const bool *bound, bool as_written)
{
    struct dl_order order = {.goals = rule->goals,
                             .goal_count = rule->goal_count,
                             .slot_count = rule->slot_count,
                             .bound = bound,
                             .news = -1,
                             .first = -1,
                             .as_written = as_written};
    return dl_order_plan(arena, &order);
}

/* Is it another value each time? */
static bool varies(const struct dl_expr *e)
{
    bool any = e->kind == DL_EXPR_CALL && e->op == DL_AUTOINC;
    for (unsigned i = 0; i < e->count; i++)
        any |= varies(&e->args[i]);
    return any;
}

/* Does the body that holds give this very tuple? */
static enum err found_head(struct dl_join *j)
{
    const datalog_word *columns = j->arg;
    for (unsigned i = 0; i < j->rule->arity; i++) {
        datalog_word value;
        if (varies(&j->rule->args[i]))
            continue;
        enum err e = dl_prim_value(&j->run->prim, &j->rule->args[i], j->run->slots, &value);
        if (e != ERR_OK)
            return e == ERR_INPUT ? ERR_OK : e;
        if (columns[i] != DL_RULE_UNBOUND && value != columns[i])
            return ERR_OK;
    }
    return ERR_EXISTS;
}

static struct datalog_proof *new_node(struct explaining *x, struct datalog_proof ***end)
{
    struct datalog_proof *n = arena_new(x->arena, sizeof(*n));
    n->rel = -1;
    **end = n;
    *end = &n->next;
    return n;
}

static void add_absence(struct explaining *x, const struct dl_goal *g, struct datalog_proof *n)
{
    datalog_word *columns = arena_array(x->arena, g->count + 1, sizeof(*columns));
    for (unsigned i = 0; i < g->count; i++) {
        const struct dl_expr *e = &g->args[i];
        columns[i] = e->kind == DL_EXPR_SLOT   ? x->run->slots[e->slot]
                     : e->kind == DL_EXPR_WORD ? e->word
                                               : DL_RULE_UNBOUND;
    }
    n->rel = g->rel;
    n->columns = columns;
    n->negated = true;
}

/* `n = count : {...}` is an aggregate that fills a slot and an equation with it: the aggregate says it all. */
static bool says_nothing(const struct dl_rule *rule, const struct dl_goal *g)
{
    if (g->kind != DL_GOAL_COMPARE)
        return false;
    bool unnamed = false;
    for (unsigned i = 0; i < g->count; i++)
        unnamed |= g->args[i].kind == DL_EXPR_SLOT && rule->slot_names[g->args[i].slot].len == 0;
    return g->hidden || (g->compare == DL_EQ && unnamed);
}

static uint32_t row_of(const struct explaining *x, const struct dl_plan *plan, const struct dl_goal *g)
{
    for (unsigned i = 0; i < plan->count; i++)
        if (plan->steps[i].goal == g)
            return x->rows[i];
    return DL_REL_NONE;
}

/* Children in the order of the rule's literals; those that need their own derivation are pushed so
 * that the first is taken up first. */
static void add_children(struct explaining *x, const struct dl_rule *rule, const struct dl_plan *plan,
                         struct datalog_proof *parent)
{
    struct datalog_proof **end = &parent->first;
    size_t from = x->count;
    for (unsigned i = 0; i < rule->goal_count; i++) {
        const struct dl_goal *g = &rule->goals[i];
        if (says_nothing(rule, g))
            continue;
        struct datalog_proof *n = new_node(x, &end);
        if (g->kind == DL_GOAL_ABSENT) {
            add_absence(x, g, n);
        } else if (g->kind == DL_GOAL_ATOM) {
            n->rel = g->rel;
            push(x, n, row_of(x, plan, g));
        } else {
            n->check = dl_prose_goal(x->run, rule, g, x->run->slots, NULL, x->arena);
        }
    }
    for (size_t a = from, b = x->count; a + 1 < b; a++) {
        struct todo swap = x->v[a];
        x->v[a] = x->v[--b];
        x->v[b] = swap;
    }
}

static enum err find_derivation(struct explaining *x, const struct dl_rule *rule, const struct dl_origin *origin,
                                struct datalog_proof *node)
{
    struct dl_plan **plan = &x->plans[rule->number];
    bool *bound = mem_new((size_t)rule->slot_count + 1);
    POST(bind_head(x->run, rule, node->columns, bound));
    if (!*plan)
        *plan = plan_for(&x->scratch, rule, bound, false);
    mem_free(bound);
    struct dl_join j = {.run = x->run,
                        .rule = rule,
                        .found = found_head,
                        .arg = (void *)(uintptr_t)node->columns,
                        .below = origin->height,
                        .rows = x->rows,
                        .whole = true,
                        .lenient = true};
    enum err e = dl_join_walk(&j, *plan);
    POST(e != ERR_OK); /* the rule did give the tuple */
    if (e != ERR_EXISTS)
        return e;
    add_children(x, rule, *plan, node);
    return ERR_OK;
}

static enum err expand(struct explaining *x, struct todo todo)
{
    const struct dl_rel *rel = &x->run->rels[todo.node->rel];
    struct dl_origin origin = dl_rel_origin(rel, todo.row);
    datalog_word *columns = arena_array(x->arena, (size_t)rel->tuples.arity + 1, sizeof(*columns));
    dl_tuples_row(&rel->tuples, todo.row, columns);
    todo.node->columns = columns;
    if (origin.rule == DL_REL_NONE) {
        todo.node->file = origin.file;
        todo.node->line = origin.line;
        return ERR_OK;
    }
    const struct dl_rule *rule = x->run->program->rules[origin.rule];
    datalog_word row = (datalog_word)todo.row;
    todo.node->file = rule->file;
    todo.node->line = rule->at.line;
    todo.node->rule = rule->written;
    todo.node->above = !dl_rel_put(&x->seen[todo.node->rel], &row, NULL);
    return todo.node->above ? ERR_OK : find_derivation(x, rule, &origin, todo.node);
}

static void explaining_init(struct explaining *x, struct datalog_run *r, struct arena *arena)
{
    const struct datalog *p = r->program;
    unsigned most = 1;
    for (unsigned i = 0; i < p->rule_count; i++)
        most = p->rules[i]->goal_count > most ? p->rules[i]->goal_count : most;
    *x = (struct explaining){.run = r, .arena = arena};
    arena_init(&x->scratch, 0);
    x->plans = mem_array(p->rule_count + 1, sizeof(struct dl_plan *));
    x->seen = mem_array(p->relation_count + 1, sizeof(*x->seen));
    x->rows = mem_array(most, sizeof(*x->rows));
    for (unsigned i = 0; i < p->relation_count; i++)
        dl_rel_init(&x->seen[i], 1, 0, false);
    r->steps = 0;
}

static void explaining_fini(struct explaining *x)
{
    for (unsigned i = 0; i < x->run->program->relation_count; i++)
        dl_rel_fini(&x->seen[i]);
    mem_free(x->seen);
    mem_free(x->plans);
    mem_free(x->rows);
    mem_free(x->v);
    arena_fini(&x->scratch);
}

enum err dl_explain_proof(struct datalog_run *r, int rel, const datalog_word *columns, struct arena *arena,
                          struct datalog_proof **out)
{
    uint32_t row = dl_rel_find(&r->rels[rel], columns);
    if (row == DL_REL_NONE)
        return ERR_ABSENT;
    struct explaining x;
    explaining_init(&x, r, arena);
    struct datalog_proof *root = arena_new(arena, sizeof(*root));
    root->rel = rel;
    push(&x, root, row);
    enum err e = ERR_OK;
    while (e == ERR_OK && x.count > 0)
        e = expand(&x, x.v[--x.count]);
    explaining_fini(&x);
    if (e == ERR_OK)
        *out = root;
    return e;
}

/* Can the rule's head be this tuple at all? */
static bool head_fits(const struct datalog_run *r, const struct dl_rule *rule, const datalog_word *columns)
{
    bool *bound = mem_new((size_t)rule->slot_count + 1);
    bool fits = bind_head(r, rule, columns, bound);
    mem_free(bound);
    return fits;
}

/* What has a value when step `at` is reached. */
static void bind_steps(const struct dl_plan *plan, unsigned at, bool *bound)
{
    for (const struct dl_step *s = plan->steps; s < plan->steps + at; s++) {
        for (unsigned i = 0; i < s->bind_count; i++)
            bound[s->binds[i].expr->slot] = true;
        if (s->kind == DL_STEP_LET || s->kind == DL_STEP_FOLD || s->kind == DL_STEP_EACH)
            bound[s->slot] = true;
    }
}

static void describe(struct datalog_run *r, const struct dl_rule *rule, const struct dl_plan *plan,
                     const struct dl_reach *reach, bool *bound, struct arena *arena, struct datalog_why_not *w)
{
    *w = (struct datalog_why_not){.file = rule->file,
                                  .line = rule->at.line,
                                  .rule = rule->written,
                                  .of = rule->shown,
                                  .failed = SLICE("the head, whose value is another")};
    for (unsigned i = 0; i < reach->steps; i++)
        w->held += !plan->steps[i].goal->hidden;
    bind_steps(plan, reach->steps, bound);
    /* With every literal held, what fails is a functor in the head. */
    if (reach->steps < plan->count)
        w->failed = dl_prose_goal(r, rule, plan->steps[reach->steps].goal, reach->slots, bound, arena);
}

/* OK: the rule does not give it, and `w` says why. */
static enum err ask_rule(struct datalog_run *r, const struct dl_rule *rule, const datalog_word *columns,
                         struct arena *arena, struct datalog_why_not *w)
{
    struct arena scratch;
    arena_init(&scratch, 0);
    bool *bound = arena_new(&scratch, (size_t)rule->slot_count + 1);
    struct dl_reach reach = {.slots = arena_array(&scratch, rule->slot_count + 1, sizeof(datalog_word))};
    POST(bind_head(r, rule, columns, bound)); /* head_fits */
    const struct dl_plan *plan = plan_for(&scratch, rule, bound, true);
    struct dl_join j = {.run = r,
                        .rule = rule,
                        .found = found_head,
                        .arg = (void *)(uintptr_t)columns,
                        .reach = &reach,
                        .whole = true,
                        .lenient = true};
    enum err e = dl_join_walk(&j, plan);
    if (e == ERR_OK)
        describe(r, rule, plan, &reach, bound, arena, w);
    arena_fini(&scratch);
    return e;
}

/* Most literals held first; of equals the one with fewer missing, then the order of the program. */
static void insert_by_nearness(struct datalog_why_not **list, struct datalog_why_not *w)
{
    while (*list && ((*list)->held > w->held || ((*list)->held == w->held && (*list)->of <= w->of)))
        list = &(*list)->next;
    w->next = *list;
    *list = w;
}

static bool has_any(const struct datalog_run *r, int rel, const datalog_word *columns)
{
    const struct dl_tuples *have = &r->rels[rel].tuples;
    for (uint32_t row = 0; row < have->count; row++) {
        unsigned i = 0;
        while (i < have->arity && (columns[i] == DL_RULE_UNBOUND || columns[i] == dl_tuples_at(have, row, i)))
            i++;
        if (i == have->arity)
            return true;
    }
    return false;
}

enum err dl_explain_absence(struct datalog_run *r, int rel, const datalog_word *columns, struct arena *arena,
                            struct datalog_why_not **out)
{
    if (has_any(r, rel, columns))
        return ERR_EXISTS;
    struct datalog_why_not *list = NULL;
    r->steps = 0;
    for (unsigned i = 0; i < r->program->rule_count; i++) {
        const struct dl_rule *rule = r->program->rules[i];
        if (rule->head != rel || !head_fits(r, rule, columns))
            continue;
        struct datalog_why_not *w = arena_new(arena, sizeof(*w));
        TRY(ask_rule(r, rule, columns, arena, w));
        insert_by_nearness(&list, w);
    }
    *out = list;
    return ERR_OK;
}
