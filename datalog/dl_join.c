#include "datalog/dl_join.h"

static enum err step(struct dl_join *j, const struct dl_plan *plan, unsigned at);

struct range {
    uint32_t from, to;
};

static struct range rows_of(const struct dl_join *j, const struct dl_rel *r, enum dl_rows rows)
{
    if (!r->in_rounds || j->whole)
        return (struct range){rows == DL_ROWS_NEW ? r->count : 0, r->count};
    switch (rows) {
    case DL_ROWS_NEW:
        return (struct range){r->old_end, r->new_end};
    case DL_ROWS_OLD:
        return (struct range){0, r->old_end};
    case DL_ROWS_ALL:
        break;
    }
    return (struct range){0, r->new_end};
}

static enum err count_step(struct dl_join *j)
{
    if (++j->run->steps <= j->run->limits.max_steps)
        return ERR_OK;
    j->run->prim.why = "too many steps";
    return ERR_LIMIT;
}

static datalog_word known(const struct dl_expr *e, const datalog_word *slots)
{
    return e->kind == DL_EXPR_WORD ? e->word : slots[e->slot];
}

static void fill_key(const struct dl_step *s, const datalog_word *slots, datalog_word *key)
{
    for (unsigned i = 0; i < s->key_count; i++)
        key[i] = known(s->keys[i].expr, slots);
}

/* Takes one tuple: its new columns into slots, then on with the plan if its repeated columns agree. */
static enum err take_row(struct dl_join *j, const struct dl_plan *plan, unsigned at, const struct dl_rel *r,
                         uint32_t row)
{
    const struct dl_step *s = &plan->steps[at];
    TRY(count_step(j));
    if (j->below && r->origins[row].height >= j->below)
        return ERR_OK;
    const datalog_word *columns = dl_rel_row(r, row);
    for (unsigned i = 0; i < s->bind_count; i++)
        j->run->slots[s->binds[i].expr->slot] = columns[s->binds[i].column];
    for (unsigned i = 0; i < s->same_count; i++)
        if (j->run->slots[s->sames[i].expr->slot] != columns[s->sames[i].column])
            return ERR_OK;
    if (j->rows)
        j->rows[at] = row;
    return step(j, plan, at + 1);
}

static enum err scan_all(struct dl_join *j, const struct dl_plan *plan, unsigned at, const struct dl_rel *r,
                         struct range range)
{
    for (uint32_t row = range.from; row < range.to; row++)
        TRY(take_row(j, plan, at, r, row));
    return ERR_OK;
}

static enum err scan(struct dl_join *j, const struct dl_plan *plan, unsigned at)
{
    const struct dl_step *s = &plan->steps[at];
    const struct dl_rel *r = &j->run->rels[s->goal->rel];
    struct range range = rows_of(j, r, s->rows);
    if (s->key_count == 0)
        return scan_all(j, plan, at, r, range);
    datalog_word key[DATALOG_COLUMNS];
    fill_key(s, j->run->slots, key);
    const struct dl_index *index = dl_rel_has_index(r, s->mask);
    uint32_t row = dl_rel_first(r, index, key, range.to);
    for (; row != DL_REL_NONE && row >= range.from; row = dl_rel_after(r, index, key, row))
        TRY(take_row(j, plan, at, r, row));
    return ERR_OK;
}

static enum err has(struct dl_join *j, const struct dl_plan *plan, unsigned at)
{
    const struct dl_step *s = &plan->steps[at];
    const struct dl_rel *r = &j->run->rels[s->goal->rel];
    struct range range = rows_of(j, r, s->rows);
    datalog_word key[DATALOG_COLUMNS];
    fill_key(s, j->run->slots, key);
    uint32_t row = dl_rel_find(r, key);
    if (row == DL_REL_NONE || row < range.from || row >= range.to)
        return count_step(j);
    return take_row(j, plan, at, r, row);
}

static bool is_absent(struct dl_join *j, const struct dl_step *s)
{
    const struct dl_rel *r = &j->run->rels[s->goal->rel];
    datalog_word key[DATALOG_COLUMNS];
    fill_key(s, j->run->slots, key);
    if (s->key_count == s->goal->count)
        return dl_rel_find(r, key) == DL_REL_NONE;
    if (s->key_count == 0)
        return r->count == 0;
    return dl_rel_first(r, dl_rel_has_index(r, s->mask), key, r->count) == DL_REL_NONE;
}

/* Another order than the evaluation's may meet values that it never met. */
static enum err forgiven(const struct dl_join *j, enum err e)
{
    return j->lenient && e == ERR_INPUT ? ERR_OK : e;
}

static enum err let(struct dl_join *j, const struct dl_plan *plan, unsigned at)
{
    const struct dl_step *s = &plan->steps[at];
    datalog_word value;
    enum err e = dl_prim_value(&j->run->prim, s->value, j->run->slots, &value);
    if (e != ERR_OK)
        return forgiven(j, e);
    j->run->slots[s->slot] = value;
    return step(j, plan, at + 1);
}

static enum err tally_found(struct dl_join *j)
{
    struct dl_tally *t = j->arg;
    datalog_word value = 0;
    if (t->target)
        TRY(dl_prim_value(&j->run->prim, t->target, j->run->slots, &value));
    return dl_prim_tally(&j->run->prim, t, value);
}

static enum err fold(struct dl_join *j, const struct dl_plan *plan, unsigned at)
{
    const struct dl_step *s = &plan->steps[at];
    const struct dl_goal *g = s->goal;
    struct dl_tally tally = {.fold = g->fold, .target = g->target};
    struct dl_join inner = {.run = j->run, .rule = j->rule, .found = tally_found, .arg = &tally, .whole = true};
    datalog_word value;
    tally.type = g->target ? (enum datalog_type)g->target->type : DATALOG_NUMBER;
    enum err e = step(&inner, g->plan, 0);
    if (e != ERR_OK)
        return forgiven(j, e);
    if (!dl_prim_tallied(&tally, &value) || (s->known && j->run->slots[s->slot] != value))
        return ERR_OK;
    j->run->slots[s->slot] = value;
    return step(j, plan, at + 1);
}

static enum err test(struct dl_join *j, const struct dl_plan *plan, unsigned at)
{
    bool holds = false;
    TRY(count_step(j));
    enum err e = dl_prim_holds(&j->run->prim, plan->steps[at].goal, j->run->slots, &holds);
    if (e != ERR_OK)
        return forgiven(j, e);
    return holds ? step(j, plan, at + 1) : ERR_OK;
}

static void note_reach(struct dl_join *j, unsigned at)
{
    if (at < j->reach->steps || (at == j->reach->steps && at > 0))
        return;
    j->reach->steps = at;
    memcpy(j->reach->slots, j->run->slots, j->rule->slot_count * sizeof(*j->run->slots));
}

static enum err step(struct dl_join *j, const struct dl_plan *plan, unsigned at)
{
    if (j->reach)
        note_reach(j, at);
    if (at == plan->count)
        return j->found(j);
    switch (plan->steps[at].kind) {
    case DL_STEP_SCAN:
        return scan(j, plan, at);
    case DL_STEP_HAS:
        return has(j, plan, at);
    case DL_STEP_TEST:
        return test(j, plan, at);
    case DL_STEP_LET:
        return let(j, plan, at);
    case DL_STEP_FOLD:
        return fold(j, plan, at);
    case DL_STEP_ABSENT:
        break;
    }
    TRY(count_step(j));
    return is_absent(j, &plan->steps[at]) ? step(j, plan, at + 1) : ERR_OK;
}

/* Indexes are brought up to date before a walk, so that none changes under it. */
static void prepare(struct datalog_run *r, const struct dl_plan *plan)
{
    for (const struct dl_step *s = plan->steps; s < plan->steps + plan->count; s++) {
        bool keyed = s->key_count > 0 && s->key_count < s->goal->count;
        if (s->kind == DL_STEP_FOLD)
            prepare(r, s->goal->plan);
        else if (keyed)
            (void)dl_rel_index(&r->rels[s->goal->rel], s->mask);
    }
}

/* Most rules of a small run meet an empty relation: that is seen without any work. */
static bool is_hopeless(const struct dl_join *j, const struct dl_plan *plan)
{
    for (const struct dl_step *s = plan->steps; s < plan->steps + plan->count; s++) {
        if (s->kind != DL_STEP_SCAN && s->kind != DL_STEP_HAS)
            continue;
        struct range range = rows_of(j, &j->run->rels[s->goal->rel], s->rows);
        if (range.from >= range.to)
            return true;
    }
    return false;
}

enum err dl_join_walk(struct dl_join *j, const struct dl_plan *plan)
{
    if (!j->reach && is_hopeless(j, plan))
        return ERR_OK;
    prepare(j->run, plan);
    return step(j, plan, 0);
}

enum err dl_join_put(struct datalog_run *r, int rel, const datalog_word *columns, const struct dl_origin *origin)
{
    struct dl_rel *to = &r->rels[rel];
    bool untouched = to->count == to->base;
    if (r->tuples >= r->limits.max_tuples) {
        if (dl_rel_find(to, columns) != DL_REL_NONE)
            return ERR_OK;
        r->prim.why = "too many tuples";
        return ERR_LIMIT;
    }
    if (!dl_rel_put(to, columns, origin))
        return ERR_OK;
    r->tuples++;
    if (untouched)
        r->touched[r->touched_count++] = rel;
    return ERR_OK;
}
