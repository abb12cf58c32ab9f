#include "datalog/dl_subtype.h"

#include "base/mem.h"

/* By slot: which types its values may be of, as far as is known, and which were said. */
struct judging {
    const struct datalog *p;
    const struct dl_texts *texts;
    const struct dl_rule *rule;
    bool *may; /* slot x type */
    int *said; /* by slot: the first type that an atom said, or -1 */
    bool bad;
};

static bool *of_slot(const struct judging *j, unsigned slot)
{
    return j->may + (size_t)slot * j->p->types.count;
}

static void complain_nothing(struct judging *j, const struct dl_expr *e, int type)
{
    struct slice name = j->rule->slot_names[e->slot];
    j->bad = true;
    dl_lex_complain(j->texts, DIAG_ERROR, e->term->at, NULL, "no value is both of `%s` and of `%s`, as `%.*s` would be",
                    dl_types_name(&j->p->types, j->said[e->slot]), dl_types_name(&j->p->types, type),
                    SLICE_FMT(name.len ? name : SLICE("this")));
}

static void narrow(struct judging *j, const struct dl_expr *e, int type)
{
    if (e->kind != DL_EXPR_SLOT || e->cast || type == DL_TYPES_UNKNOWN)
        return;
    bool *may = of_slot(j, e->slot), any = false, had = false;
    for (unsigned t = 0; t < j->p->types.count; t++) {
        had |= may[t];
        may[t] = may[t] && dl_types_part(&j->p->types, (int)t, type);
        any |= may[t];
    }
    if (had && !any)
        complain_nothing(j, e, type);
    if (j->said[e->slot] < 0)
        j->said[e->slot] = type;
}

static void narrow_goals(struct judging *j, const struct dl_goal *goals, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        const struct dl_goal *g = &goals[n];
        narrow_goals(j, g->body, g->body_count);
        for (unsigned i = 0; g->kind == DL_GOAL_ATOM && i < g->count; i++)
            narrow(j, &g->args[i], j->p->relations[g->rel]->declared[i]);
    }
}

/* What is equal is of the same types.  true: something was learnt. */
static bool share(struct judging *j, const struct dl_goal *g)
{
    if (g->kind != DL_GOAL_COMPARE || g->compare != DL_EQ)
        return false;
    const struct dl_expr *a = &g->args[0], *b = &g->args[1];
    if (a->kind != DL_EXPR_SLOT || b->kind != DL_EXPR_SLOT || a->cast || b->cast)
        return false;
    bool *x = of_slot(j, a->slot), *y = of_slot(j, b->slot), news = false;
    for (unsigned t = 0; t < j->p->types.count; t++) {
        news |= x[t] != y[t];
        x[t] = y[t] = x[t] && y[t];
    }
    int said = j->said[a->slot] >= 0 ? j->said[a->slot] : j->said[b->slot];
    j->said[a->slot] = j->said[a->slot] >= 0 ? j->said[a->slot] : said;
    j->said[b->slot] = j->said[b->slot] >= 0 ? j->said[b->slot] : said;
    return news;
}

static void share_all(struct judging *j)
{
    bool news = true;
    while (news) {
        news = false;
        for (unsigned n = 0; n < j->rule->goal_count; n++)
            news |= share(j, &j->rule->goals[n]);
    }
}

/* A type that the slot's values may be of, and that is no part of `type`; UNKNOWN: there is none. */
static int outside(const struct judging *j, unsigned slot, int type)
{
    const bool *may = of_slot(j, slot);
    int said = j->said[slot];
    if (said >= 0 && may[said])
        return dl_types_part(&j->p->types, said, type) ? DL_TYPES_UNKNOWN : said;
    for (unsigned t = 0; t < j->p->types.count; t++)
        if (may[t] && !dl_types_part(&j->p->types, (int)t, type))
            return (int)t;
    return DL_TYPES_UNKNOWN;
}

static void judge_head(struct judging *j, const struct dl_expr *e, int type)
{
    int wrong = DL_TYPES_UNKNOWN;
    if (e->cast)
        wrong = dl_types_part(&j->p->types, e->cast - 1, type) ? DL_TYPES_UNKNOWN : e->cast - 1;
    else if (e->kind == DL_EXPR_SLOT && j->said[e->slot] >= 0)
        wrong = outside(j, e->slot, type);
    if (wrong == DL_TYPES_UNKNOWN || type == DL_TYPES_UNKNOWN)
        return;
    j->bad = true;
    dl_lex_complain(j->texts, DIAG_ERROR, e->term->at, "`as(x, Type)` holds a value to be of a type",
                    "`%s` is no subtype of `%s`, which stands here", dl_types_name(&j->p->types, wrong),
                    dl_types_name(&j->p->types, type));
}

bool dl_subtype_check(struct datalog *p, const struct dl_texts *texts, const struct dl_rule *r)
{
    struct judging j = {.p = p, .texts = texts, .rule = r};
    if (p->types.count == DL_TYPES_BASE)
        return true;
    size_t cells = (size_t)r->slot_count * p->types.count;
    j.may = mem_new(cells + 1);
    j.said = mem_array((size_t)r->slot_count + 1, sizeof(*j.said));
    memset(j.may, true, cells);
    for (unsigned i = 0; i < r->slot_count; i++)
        j.said[i] = DL_TYPES_UNKNOWN;
    narrow_goals(&j, r->goals, r->goal_count);
    share_all(&j);
    for (unsigned i = 0; i < r->arity && !j.bad; i++)
        judge_head(&j, &r->args[i], p->relations[r->head]->declared[i]);
    mem_free(j.may);
    mem_free(j.said);
    return !j.bad;
}
