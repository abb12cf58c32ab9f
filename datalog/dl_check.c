#include "datalog/dl_check.h"

#include "base/mem.h"
#include "datalog/dl_bound.h"

struct checking {
    struct datalog *program;
    const struct dl_texts *texts;
    const struct dl_rule *rule;
    bool *said; /* by slot: complained about already */
    bool bad;
};

static bool every_atom(const void *arg, const struct dl_goal *atom)
{
    (void)arg;
    (void)atom;
    return true;
}

static void require_bound(struct checking *c, const struct dl_expr *e, const bool *bound)
{
    for (unsigned i = 0; i < e->count; i++)
        require_bound(c, &e->args[i], bound);
    if (e->kind != DL_EXPR_SLOT || bound[e->slot])
        return;
    struct slice name = c->rule->slot_names[e->slot];
    c->bad = true;
    /* A slot without a name stands for a functor or aggregate; its own variables are named instead. */
    if (name.len > 0 && !c->said[e->slot])
        dl_lex_complain(c->texts, DIAG_ERROR, e->term->at, "an atom without `!` must give it values",
                        "variable `%.*s` is not bound", SLICE_FMT(name));
    if (name.len == 0 && !c->said[e->slot] && e->term && e->term->kind == DL_TERM_RECORD)
        dl_lex_complain(c->texts, DIAG_ERROR, e->term->at, "an atom without `!` must give it, or all its fields",
                        "this record is not bound");
    c->said[e->slot] = true;
}

/* `outer`: what has a value before these goals.  Gives what has one after them, to be freed. */
static bool *check_goals(struct checking *c, const struct dl_goal *goals, unsigned count, const bool *outer)
{
    bool *bound = mem_new((size_t)c->rule->slot_count + 1);
    memcpy(bound, outer, c->rule->slot_count);
    dl_bound_goals(goals, count, every_atom, NULL, bound);
    for (unsigned n = 0; n < count; n++) {
        const struct dl_goal *g = &goals[n];
        for (unsigned i = 0; i < g->count; i++)
            require_bound(c, &g->args[i], bound);
        if (g->kind != DL_GOAL_FOLD)
            continue;
        bool *inner = check_goals(c, g->body, g->body_count, bound);
        if (g->target)
            require_bound(c, g->target, inner);
        mem_free(inner);
    }
    return bound;
}

bool dl_check_bound(struct datalog *p, const struct dl_texts *texts, const struct dl_rule *r)
{
    struct checking c = {.program = p, .texts = texts, .rule = r};
    bool *none = mem_new((size_t)r->slot_count + 1);
    c.said = mem_new((size_t)r->slot_count + 1);
    bool *bound = check_goals(&c, r->goals, r->goal_count, none);
    for (unsigned i = 0; i < r->arity; i++)
        require_bound(&c, &r->args[i], bound);
    mem_free(bound);
    mem_free(none);
    mem_free(c.said);
    return !c.bad;
}

static bool other_group(const void *arg, const struct dl_goal *atom)
{
    const struct checking *c = arg;
    const struct datalog *p = c->program;
    return p->relations[atom->rel]->group != p->relations[c->rule->head]->group;
}

static void bind_columns(const struct dl_goal *g, bool *bound)
{
    for (unsigned i = 0; g->kind == DL_GOAL_ATOM && i < g->count; i++)
        if (g->args[i].kind == DL_EXPR_SLOT)
            bound[g->args[i].slot] = true;
}

/* Values that are copied, not made: out of atoms, and along equations between variables. */
static void mark_copied(const struct dl_rule *r, bool *bound)
{
    bool news = true;
    for (unsigned n = 0; n < r->goal_count; n++)
        bind_columns(&r->goals[n], bound);
    while (news) {
        news = false;
        for (unsigned n = 0; n < r->goal_count; n++) {
            const struct dl_goal *g = &r->goals[n];
            int side = dl_bound_let(g, bound);
            bool copies = side >= 0 && g->args[1 - side].kind != DL_EXPR_CALL;
            /* How many there are is bounded by what there is, whatever is counted. */
            bool counts = g->kind == DL_GOAL_FOLD && g->fold == DL_COUNT && !bound[g->result.slot];
            if (copies)
                bound[g->args[side].slot] = true;
            if (counts)
                bound[g->result.slot] = true;
            news |= copies || counts;
        }
    }
}

static bool made_ever_new(const struct dl_expr *e, const bool *fixed, const bool *copied)
{
    return e->kind == DL_EXPR_CALL ? !dl_bound_expr(e, fixed) : !dl_bound_expr(e, copied);
}

static bool counts(const struct dl_expr *e)
{
    bool any = e->kind == DL_EXPR_CALL && e->op == DL_AUTOINC;
    for (unsigned i = 0; i < e->count; i++)
        any |= counts(&e->args[i]);
    return any;
}

static void judge_column(struct checking *c, struct dl_rule *r, const struct dl_expr *e, bool endless)
{
    if (counts(e))
        dl_lex_complain(c->texts, DIAG_ERROR, e->term->at, "count in a rule that does not depend on its own relation",
                        "`autoinc()` in a recursive rule never ends");
    r->endless |= endless;
    if (endless && !c->texts->v[r->at.text].open_ended)
        dl_lex_complain(c->texts, DIAG_ERROR, e->term->at,
                        "take the value from a relation that does not depend on this one",
                        "a recursive rule makes new values of `%.*s` out of its own: it might never end",
                        SLICE_FMT(c->program->relations[r->head]->name));
}

void dl_check_ends(struct datalog *p, const struct dl_texts *texts, struct dl_rule *r)
{
    if (!r->recursive)
        return;
    struct checking c = {.program = p, .texts = texts, .rule = r};
    bool *fixed = mem_new((size_t)r->slot_count + 1), *copied = mem_new((size_t)r->slot_count + 1);
    dl_bound_goals(r->goals, r->goal_count, other_group, &c, fixed);
    memcpy(copied, fixed, r->slot_count);
    mark_copied(r, copied);
    for (unsigned i = 0; i < r->arity; i++)
        judge_column(&c, r, &r->args[i], made_ever_new(&r->args[i], fixed, copied));
    mem_free(fixed);
    mem_free(copied);
}
