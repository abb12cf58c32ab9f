#include "datalog/dl_clause.h"

#include "base/mem.h"
#include "datalog/dl_parse.h"
#include "datalog/dl_type.h"

/* Names of one level: a rule, or an aggregate inside it. */
struct level {
    const struct level *outer;
    struct slice *names;
    unsigned *slots;
    unsigned count, cap;
};

/* One rule in the making. */
struct making {
    struct dl_clause_scope *scope;
    struct arena *arena;
    struct dl_rule *rule;
    unsigned slot_cap;
    bool broken;
    bool in_head;
};

/* Goals in the making, of a rule or an aggregate. */
struct goals {
    struct dl_goal *v;
    unsigned count, cap;
};

static bool complain(struct making *m, struct dl_at at, const char *fix, const char *message)
{
    dl_lex_complain(m->scope->texts, DIAG_ERROR, at, fix, "%s", message);
    m->broken = true;
    return false;
}

void dl_clause_unknown(const struct dl_clause_scope *s, struct dl_at at, const char *what, struct slice name,
                       const char *nearest)
{
    struct slice fix = {0};
    if (nearest)
        fix = arena_putf(&s->program->arena, "did you mean `%s`?", nearest);
    dl_lex_complain(s->texts, DIAG_ERROR, at, nearest ? fix.at : NULL, "unknown %s `%.*s`", what, SLICE_FMT(name));
}

static const char *nearest_relation(const struct dl_clause_scope *s, struct slice name)
{
    const struct datalog *p = s->program;
    const char **names = mem_array(p->relation_count + 1, sizeof(*names));
    for (unsigned i = 0; i < p->relation_count; i++)
        names[i] = p->relations[i]->name.at;
    const char *nearest = diag_nearest(name, names, p->relation_count);
    mem_free(names);
    return nearest;
}

/* "old.inner." to "old."; false when nothing is left to leave. */
static bool outer_prefix(struct slice *prefix)
{
    size_t dot;
    if (prefix->len == 0)
        return false;
    prefix->len = slice_find_last(slice_to(*prefix, prefix->len - 1), '.', &dot) ? dot + 1 : 0;
    return true;
}

struct dl_relation *dl_clause_relation(const struct dl_clause_scope *s, struct slice name, struct dl_at at)
{
    struct datalog *p = s->program;
    struct slice prefix = s->prefix;
    do {
        struct slice full = name;
        if (prefix.len > 0)
            full = arena_putf(&p->arena, "%.*s%.*s", SLICE_FMT(prefix), SLICE_FMT(name));
        struct dl_relation *r = map_get(&p->by_name, full);
        if (r)
            return r;
    } while (outer_prefix(&prefix));
    dl_clause_unknown(s, at, "relation", name, nearest_relation(s, name));
    return NULL;
}

static unsigned new_slot(struct making *m, struct slice name, struct dl_at at)
{
    struct dl_rule *r = m->rule;
    if (r->slot_count == DL_RULE_SLOTS) {
        complain(m, at, "split the rule", "this rule has too many variables");
        return 0;
    }
    if (r->slot_count == m->slot_cap) {
        m->slot_cap = m->slot_cap ? m->slot_cap * 2 : 16;
        struct slice *names = arena_array(m->arena, m->slot_cap, sizeof(*names));
        if (r->slot_count)
            memcpy(names, r->slot_names, r->slot_count * sizeof(*names));
        r->slot_names = names;
    }
    r->slot_names[r->slot_count] = arena_keep(m->arena, name);
    return r->slot_count++;
}

static bool level_find(const struct level *l, struct slice name, unsigned *slot)
{
    for (; l; l = l->outer)
        for (unsigned i = 0; i < l->count; i++)
            if (slice_eq(l->names[i], name)) {
                *slot = l->slots[i];
                return true;
            }
    return false;
}

static void level_add(struct making *m, struct level *l, struct slice name, struct dl_at at)
{
    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 16;
        l->names = mem_resize(l->names, l->cap, sizeof(*l->names));
        l->slots = mem_resize(l->slots, l->cap, sizeof(*l->slots));
    }
    l->names[l->count] = name;
    l->slots[l->count++] = new_slot(m, name, at);
}

static void level_fini(struct level *l)
{
    mem_free(l->names);
    mem_free(l->slots);
}

/* The variables that stand outside of aggregates belong to this level. */
static void name_terms(struct making *m, struct level *l, const struct dl_term *t)
{
    unsigned slot;
    for (; t; t = t->next) {
        if (t->kind == DL_TERM_VAR && !level_find(l, t->text, &slot))
            level_add(m, l, t->text, t->at);
        if (t->kind == DL_TERM_CALL || t->kind == DL_TERM_AS || t->kind == DL_TERM_RECORD)
            name_terms(m, l, t->args);
    }
}

static void name_body(struct making *m, struct level *l, const struct dl_body *b)
{
    for (unsigned i = 0; b && i < b->count; i++)
        name_terms(m, l, b->v[i]->args);
}

static struct dl_goal *new_goal(struct making *m, struct goals *g, enum dl_goal_kind kind)
{
    if (g->count == g->cap) {
        g->cap = g->cap ? g->cap * 2 : 8;
        struct dl_goal *v = arena_array(m->arena, g->cap, sizeof(*v));
        if (g->count)
            memcpy(v, g->v, g->count * sizeof(*v));
        g->v = v;
    }
    struct dl_goal *goal = &g->v[g->count++];
    goal->kind = kind;
    return goal;
}

static struct dl_expr slot_expr(unsigned slot, const struct dl_term *t)
{
    return (struct dl_expr){.kind = DL_EXPR_SLOT, .type = DL_RULE_NO_TYPE, .slot = slot, .term = t};
}

static bool lower_body(struct making *m, struct level *l, struct goals *g, const struct dl_body *b);
static bool lower_term(struct making *m, struct level *l, struct goals *g, const struct dl_term *t,
                       struct dl_expr *out);

static bool lower_call(struct making *m, struct level *l, struct goals *g, const struct dl_term *t, struct dl_expr *out)
{
    if (t->op == DL_AUTOINC && !m->in_head)
        return complain(m, t->at, "make it a column of the head", "`autoinc()` counts the tuples of a head");
    *out = (struct dl_expr){.kind = DL_EXPR_CALL, .type = DL_RULE_NO_TYPE, .op = t->op, .term = t};
    for (const struct dl_term *a = t->args; a; a = a->next)
        out->count++;
    out->args = arena_array(m->arena, out->count, sizeof(*out->args));
    unsigned i = 0;
    for (const struct dl_term *a = t->args; a; a = a->next)
        if (!lower_term(m, l, g, a, &out->args[i++]))
            return false;
    return true;
}

static struct dl_expr make_record(struct making *m, const struct dl_term *t)
{
    struct dl_expr e = {.kind = DL_EXPR_CALL, .type = DL_RULE_NO_TYPE, .op = DL_MAKE, .term = t};
    e.branch = arena_keep(m->arena, t->text);
    for (const struct dl_term *a = t->args; a; a = a->next)
        e.count++;
    e.args = arena_array(m->arena, e.count, sizeof(*e.args));
    return e;
}

static void add_equation(struct making *m, struct goals *g, struct dl_expr a, struct dl_expr b, struct dl_at at)
{
    struct dl_expr *both = arena_array(m->arena, 2, sizeof(*both));
    both[0] = a;
    both[1] = b;
    struct dl_goal eq = {.kind = DL_GOAL_COMPARE, .hidden = true, .compare = DL_EQ, .args = both, .count = 2, .at = at};
    *new_goal(m, g, DL_GOAL_COMPARE) = eq;
}

/* In a body a record is a slot, made of its fields when they are known, and giving them when it is: whichever
 * the plan comes to first. */
static bool lower_pattern(struct making *m, struct level *l, struct goals *g, const struct dl_term *t,
                          struct dl_expr *out)
{
    struct dl_expr made = make_record(m, t);
    bool whole = true, ok = true;
    unsigned i = 0;
    *out = slot_expr(new_slot(m, SLICE(""), t->at), t);
    for (const struct dl_term *a = t->args; a; a = a->next, i++) {
        whole &= a->kind != DL_TERM_ANY;
        struct dl_expr field = {
            .kind = DL_EXPR_CALL, .type = DL_RULE_NO_TYPE, .op = DL_FIELD, .slot = i, .count = 1, .term = a};
        field.branch = made.branch;
        field.args = arena_new(m->arena, sizeof(*field.args));
        *field.args = *out;
        if (a->kind == DL_TERM_ANY)
            made.args[i] = slot_expr(new_slot(m, SLICE(""), a->at), a);
        else
            ok = lower_term(m, l, g, a, &made.args[i]) && ok;
        if (ok)
            add_equation(m, g, made.args[i], field, a->at);
    }
    if (whole && ok)
        add_equation(m, g, *out, made, t->at);
    return ok;
}

static bool lower_record(struct making *m, struct level *l, struct goals *g, const struct dl_term *t,
                         struct dl_expr *out)
{
    if (!m->in_head)
        return lower_pattern(m, l, g, t, out);
    *out = make_record(m, t);
    unsigned i = 0;
    for (const struct dl_term *a = t->args; a; a = a->next)
        if (!lower_term(m, l, g, a, &out->args[i++]))
            return false;
    return true;
}

/* What `x` is, but of the type that is said. */
static bool lower_cast(struct making *m, struct level *l, struct goals *g, const struct dl_term *t, struct dl_expr *out)
{
    int type = dl_types_find(&m->scope->program->types, m->scope->texts, t->text, t->at);
    if (type == DL_TYPES_UNKNOWN)
        m->broken = true;
    if (!lower_term(m, l, g, t->args, out))
        return false;
    out->cast = type + 1;
    return true;
}

/* range() becomes a goal that fills a slot with each of its values in turn. */
static bool lower_range(struct making *m, struct level *l, struct goals *g, const struct dl_term *t,
                        struct dl_expr *out)
{
    struct dl_expr call = {0};
    if (!lower_call(m, l, g, t, &call))
        return false;
    struct dl_goal each = {.kind = DL_GOAL_EACH, .hidden = true, .count = call.count, .args = call.args, .at = t->at};
    each.result = *out = slot_expr(new_slot(m, SLICE(""), t->at), t);
    *new_goal(m, g, DL_GOAL_EACH) = each;
    return true;
}

/* A target that is a plain variable is the aggregate's own, whatever stands outside. */
static void name_fold(struct making *m, struct level *inner, const struct dl_term *t)
{
    if (t->target && t->target->kind == DL_TERM_VAR)
        level_add(m, inner, t->target->text, t->target->at);
    name_terms(m, inner, t->target);
    name_body(m, inner, t->body);
}

static bool lower_fold_into(struct making *m, struct level *inner, const struct dl_term *t, struct dl_goal *fold)
{
    struct goals body = {0};
    if (!lower_body(m, inner, &body, t->body))
        return false;
    if (t->target) {
        fold->target = arena_new(m->arena, sizeof(*fold->target));
        if (!lower_term(m, inner, &body, t->target, fold->target))
            return false;
    }
    fold->body = body.v;
    fold->body_count = body.count;
    return true;
}

/* The aggregate becomes a goal that fills a slot, and that slot stands in its place. */
static bool lower_fold(struct making *m, struct level *l, struct goals *g, const struct dl_term *t, struct dl_expr *out)
{
    struct level inner = {.outer = l};
    struct dl_goal fold = {.kind = DL_GOAL_FOLD, .hidden = true, .fold = t->fold, .at = t->at};
    fold.first_local = m->rule->slot_count;
    name_fold(m, &inner, t);
    bool ok = lower_fold_into(m, &inner, t, &fold);
    level_fini(&inner);
    fold.written = dl_lex_one_line(m->arena, t->text);
    fold.result = *out = slot_expr(new_slot(m, SLICE(""), t->at), t);
    *new_goal(m, g, DL_GOAL_FOLD) = fold;
    return ok;
}

static bool lower_term(struct making *m, struct level *l, struct goals *g, const struct dl_term *t, struct dl_expr *out)
{
    unsigned slot = 0;
    switch (t->kind) {
    case DL_TERM_VAR:
        if (!level_find(l, t->text, &slot))
            return complain(m, t->at, NULL, "this variable is bound nowhere");
        *out = slot_expr(slot, t);
        return true;
    case DL_TERM_ANY:
        return complain(m, t->at, NULL, "`_` has no value here");
    case DL_TERM_CALL:
        return t->op == DL_RANGE ? lower_range(m, l, g, t, out) : lower_call(m, l, g, t, out);
    case DL_TERM_RECORD:
        return lower_record(m, l, g, t, out);
    case DL_TERM_AS:
        return lower_cast(m, l, g, t, out);
    case DL_TERM_FOLD:
        return lower_fold(m, l, g, t, out);
    case DL_TERM_NIL:
    case DL_TERM_NUMBER:
    case DL_TERM_UNSIGNED:
    case DL_TERM_FLOAT:
    case DL_TERM_TEXT:
        break;
    }
    *out = (struct dl_expr){.kind = DL_EXPR_WORD, .type = DL_RULE_NO_TYPE, .term = t};
    return true;
}

/* A functor among the columns of an atom becomes a slot and a comparison that people do not see. */
static bool lower_column(struct making *m, struct level *l, struct goals *g, const struct dl_term *t,
                         struct dl_expr *out)
{
    if (t->kind == DL_TERM_ANY) {
        *out = (struct dl_expr){.kind = DL_EXPR_ANY, .type = DL_RULE_NO_TYPE, .term = t};
        return true;
    }
    if (!lower_term(m, l, g, t, out))
        return false;
    if (out->kind != DL_EXPR_CALL)
        return true;
    struct dl_expr computed = *out;
    *out = slot_expr(new_slot(m, SLICE(""), t->at), t);
    add_equation(m, g, *out, computed, t->at);
    return true;
}

static bool wrong_arity(struct making *m, const struct dl_relation *r, struct dl_at at, unsigned here)
{
    dl_lex_complain(m->scope->texts, DIAG_ERROR, at, NULL, "`%.*s` has %u column%s, here are %u", SLICE_FMT(r->name),
                    r->arity, r->arity == 1 ? "" : "s", here);
    m->broken = true;
    return false;
}

static unsigned term_count(const struct dl_term *t)
{
    unsigned n = 0;
    for (; t; t = t->next)
        n++;
    return n;
}

static bool lower_atom(struct making *m, struct level *l, struct goals *g, const struct dl_literal *lit)
{
    struct dl_goal goal = {.kind = lit->negated ? DL_GOAL_ABSENT : DL_GOAL_ATOM, .at = lit->at};
    struct dl_relation *r = dl_clause_relation(m->scope, lit->name, lit->at);
    if (!r) {
        m->broken = true;
        return false;
    }
    r->asked = true;
    goal.rel = r->number;
    goal.count = term_count(lit->args);
    if (goal.count != r->arity)
        return wrong_arity(m, r, lit->at, goal.count);
    goal.args = arena_array(m->arena, goal.count, sizeof(*goal.args));
    goal.written = dl_lex_one_line(m->arena, lit->written);
    unsigned i = 0;
    bool ok = true;
    for (const struct dl_term *t = lit->args; t; t = t->next)
        ok &= lower_column(m, l, g, t, &goal.args[i++]);
    *new_goal(m, g, goal.kind) = goal;
    return ok;
}

static bool compile_pattern(struct making *m, struct dl_goal *goal, const struct dl_literal *lit)
{
    struct datalog *p = m->scope->program;
    char why[128] = "";
    size_t at = 0;
    if (lit->args->kind != DL_TERM_TEXT)
        return complain(m, lit->args->at, NULL, "the pattern of `match` is a string constant");
    if (regex_new(lit->args->text, &goal->regex, why, &at) != ERR_OK)
        return complain(m, lit->args->at, NULL, why);
    p->regexes = mem_resize(p->regexes, p->regex_count + 1, sizeof(struct regex *));
    p->regexes[p->regex_count++] = goal->regex;
    return true;
}

static bool lower_compare(struct making *m, struct level *l, struct goals *g, const struct dl_literal *lit)
{
    struct dl_goal goal = {.kind = DL_GOAL_COMPARE,
                           .compare = lit->compare,
                           .negated = lit->negated,
                           .count = 2,
                           .args = arena_array(m->arena, 2, sizeof(*goal.args)),
                           .at = lit->at};
    goal.written = dl_lex_one_line(m->arena, lit->written);
    if (lit->compare == DL_MATCH && !compile_pattern(m, &goal, lit))
        return false;
    bool ok = lower_term(m, l, g, lit->args, &goal.args[0]);
    ok &= lower_term(m, l, g, lit->args->next, &goal.args[1]);
    *new_goal(m, g, DL_GOAL_COMPARE) = goal;
    return ok;
}

static bool lower_body(struct making *m, struct level *l, struct goals *g, const struct dl_body *b)
{
    bool ok = true;
    for (unsigned i = 0; b && i < b->count; i++)
        ok &= b->v[i]->is_compare ? lower_compare(m, l, g, b->v[i]) : lower_atom(m, l, g, b->v[i]);
    return ok;
}

static bool lower_head(struct making *m, struct level *l, struct goals *g, const struct dl_literal *head)
{
    struct dl_relation *r = dl_clause_relation(m->scope, head->name, head->at);
    if (!r) {
        m->broken = true;
        return false;
    }
    m->rule->head = r->number;
    m->rule->arity = term_count(head->args);
    if (m->rule->arity != r->arity)
        return wrong_arity(m, r, head->at, m->rule->arity);
    m->rule->args = arena_array(m->arena, r->arity, sizeof(*m->rule->args));
    unsigned i = 0;
    bool ok = true;
    m->in_head = true;
    for (const struct dl_term *t = head->args; t; t = t->next)
        ok &= lower_term(m, l, g, t, &m->rule->args[i++]);
    m->in_head = false;
    return ok;
}

static void lower_rule(struct dl_clause_scope *s, const struct dl_clause *c, const struct dl_literal *head,
                       const struct dl_body *body)
{
    struct making m = {.scope = s, .arena = &s->program->arena};
    struct level l = {0};
    struct goals g = {0};
    struct dl_rule *rule = m.rule = arena_new(m.arena, sizeof(*rule));
    rule->at = c->at;
    rule->file = s->program->files[c->at.text];
    name_terms(&m, &l, head->args);
    name_body(&m, &l, body);
    bool ok = lower_body(&m, &l, &g, body);
    ok &= lower_head(&m, &l, &g, head);
    level_fini(&l);
    if (!ok || m.broken)
        return;
    rule->goals = g.v;
    rule->goal_count = g.count;
    for (unsigned i = 0; i < g.count; i++)
        rule->shown += !g.v[i].hidden;
    rule->written = dl_lex_one_line(m.arena, c->written);
    **s->last = rule;
    *s->last = &rule->next;
}

static void add_fact(struct dl_clause_scope *s, const struct dl_literal *head)
{
    struct datalog *p = s->program;
    struct making m = {.scope = s, .arena = &p->arena};
    const struct dl_relation *r = dl_clause_relation(s, head->name, head->at);
    unsigned count = term_count(head->args);
    if (!r)
        return;
    if (count != r->arity) {
        wrong_arity(&m, r, head->at, count);
        return;
    }
    datalog_word *columns = arena_array(&p->arena, count, sizeof(*columns));
    unsigned i = 0;
    for (const struct dl_term *t = head->args; t; t = t->next, i++)
        if (r->mistyped || !dl_type_constant(p, &p->symbols, s->texts, t, r->declared[i], &columns[i]))
            return;
    if (p->fact_count == p->fact_cap) {
        p->fact_cap = p->fact_cap ? p->fact_cap * 2 : 64;
        p->facts = mem_resize(p->facts, p->fact_cap, sizeof(*p->facts));
    }
    p->facts[p->fact_count++] =
        (struct dl_fact){.rel = r->number, .columns = columns, .file = p->files[head->at.text], .line = head->at.line};
}

/* What a clause without a body is: a fact, a rule that computes constants, or a mistake. */
static bool is_constant(const struct dl_term *t)
{
    for (const struct dl_term *a = t->args; t->kind == DL_TERM_RECORD && a; a = a->next)
        if (!is_constant(a))
            return false;
    return t->kind == DL_TERM_RECORD || t->kind == DL_TERM_NIL || t->kind == DL_TERM_NUMBER ||
           t->kind == DL_TERM_UNSIGNED || t->kind == DL_TERM_FLOAT || t->kind == DL_TERM_TEXT;
}

static const struct dl_term *first_open(const struct dl_term *t)
{
    for (; t; t = t->next) {
        if (t->kind == DL_TERM_VAR || t->kind == DL_TERM_ANY || t->kind == DL_TERM_FOLD ||
            (t->kind == DL_TERM_CALL && t->op == DL_AUTOINC))
            return t;
        const struct dl_term *inner = first_open(t->args);
        if (inner)
            return inner;
    }
    return NULL;
}

static void lower_fact(struct dl_clause_scope *s, const struct dl_clause *c, const struct dl_literal *head)
{
    const struct dl_term *open = first_open(head->args);
    if (open) {
        dl_lex_complain(s->texts, DIAG_ERROR, open->at, open->kind == DL_TERM_VAR ? "put text in quotes" : NULL,
                        "a fact holds constants only, here is %s",
                        open->kind == DL_TERM_VAR    ? "a variable"
                        : open->kind == DL_TERM_ANY  ? "`_`"
                        : open->kind == DL_TERM_CALL ? "`autoinc()`"
                                                     : "an aggregate");
        return;
    }
    const struct dl_term *computed = head->args;
    while (computed && is_constant(computed))
        computed = computed->next;
    if (!computed)
        add_fact(s, head);
    else if (s->texts->v[c->at.text].facts_only)
        dl_lex_complain(s->texts, DIAG_ERROR, computed->at, NULL, "expected a constant: this text holds facts only");
    else
        lower_rule(s, c, head, NULL);
}

struct lonely {
    struct dl_at at;
    unsigned count;
};

static void count_terms(struct map *seen, struct arena *arena, const struct dl_term *t);

static void count_literal(struct map *seen, struct arena *arena, struct dl_literal *l)
{
    if (!l->counted)
        count_terms(seen, arena, l->args);
    l->counted = true;
}

static void count_terms(struct map *seen, struct arena *arena, const struct dl_term *t)
{
    for (; t; t = t->next) {
        count_terms(seen, arena, t->args);
        count_terms(seen, arena, t->target);
        for (unsigned i = 0; t->body && i < t->body->count; i++)
            count_literal(seen, arena, t->body->v[i]);
        if (t->kind != DL_TERM_VAR || slice_starts(t->text, SLICE("_")))
            continue;
        struct lonely *v = map_get(seen, t->text);
        if (!v) {
            v = arena_new(arena, sizeof(*v));
            v->at = t->at;
            map_put(seen, t->text, v);
        }
        v->count++;
    }
}

/* A variable that stands once is often a misspelt one. */
static void warn_lonely(const struct dl_clause_scope *s, const struct dl_clause *c)
{
    if (!c->heads || c->heads->counted || s->texts->v[c->heads->at.text].no_warnings)
        return;
    struct map seen = {0};
    struct arena arena;
    arena_init(&arena, 0);
    for (struct dl_literal *h = c->heads; h; h = h->next)
        count_literal(&seen, &arena, h);
    for (const struct dl_body *b = c->bodies; b; b = b->next)
        for (unsigned i = 0; i < b->count; i++)
            count_literal(&seen, &arena, b->v[i]);
    size_t at = 0;
    for (const struct lonely *v = map_next(&seen, &at); v; v = map_next(&seen, &at))
        if (v->count == 1)
            dl_lex_complain(s->texts, DIAG_WARNING, v->at, "write `_` when that is meant",
                            "this variable occurs only once");
    map_fini(&seen);
    arena_fini(&arena);
}

void dl_clause_lower(struct dl_clause_scope *s, const struct dl_clause *c)
{
    if (c->bodies)
        warn_lonely(s, c);
    for (const struct dl_literal *h = c->heads; h; h = h->next) {
        if (!c->bodies)
            lower_fact(s, c, h);
        for (const struct dl_body *b = c->bodies; b; b = b->next)
            lower_rule(s, c, h, b);
    }
}
