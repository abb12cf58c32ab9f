#include "datalog/dl_join.h"

static enum err step(struct dl_join *j, const struct dl_plan *plan, unsigned at);

struct range {
    uint32_t from, to;
};

/* A tuple, or what a pack kept of it. */
struct cells {
    const void *cells;
    bool wide;
    size_t at;
};

static struct range rows_of(const struct dl_join *j, const struct dl_rel *r, enum dl_rows rows)
{
    uint32_t count = r->tuples.count;
    if (!r->in_rounds || j->whole)
        return (struct range){rows == DL_ROWS_NEW ? count : 0, count};
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

static enum err count_steps(struct dl_join *j, uint64_t count)
{
    j->run->steps += count;
    if (j->run->steps <= j->run->limits.max_steps)
        return ERR_OK;
    j->run->prim.why = "too many steps";
    return ERR_LIMIT;
}

static enum err count_step(struct dl_join *j)
{
    return count_steps(j, 1);
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

/* Takes one tuple, or what a pack kept of it: its new columns into slots, then on with the plan if its
 * repeated columns agree. */
static inline enum err take(struct dl_join *j, const struct dl_plan *plan, unsigned at, const struct cells *from,
                            bool packed)
{
    const struct dl_step *s = &plan->steps[at];
    datalog_word *slots = j->run->slots;
    TRY(count_step(j));
    for (unsigned i = 0; i < s->bind_count; i++) {
        const struct dl_column_use *use = &s->binds[i];
        slots[use->expr->slot] = dl_tuples_cell(from->cells, from->wide, from->at + (packed ? use->kept : use->column));
    }
    for (unsigned i = 0; i < s->same_count; i++) {
        const struct dl_column_use *use = &s->sames[i];
        size_t cell = from->at + (packed ? use->kept : use->column);
        if (slots[use->expr->slot] != dl_tuples_cell(from->cells, from->wide, cell))
            return ERR_OK;
    }
    return step(j, plan, at + 1);
}

/* The tuples' cells may move while the plan goes on, so they are looked up for each row. */
static enum err take_row(struct dl_join *j, const struct dl_plan *plan, unsigned at, const struct dl_rel *r,
                         uint32_t row)
{
    if (j->below && r->whys[row].height >= j->below)
        return count_step(j);
    if (j->rows)
        j->rows[at] = row;
    struct cells from = {r->tuples.cells, r->tuples.wide, (size_t)row * r->tuples.arity};
    return take(j, plan, at, &from, false);
}

static enum err scan_all(struct dl_join *j, const struct dl_plan *plan, unsigned at, const struct dl_rel *r,
                         struct range range)
{
    for (uint32_t row = range.from; row < range.to; row++)
        TRY(take_row(j, plan, at, r, row));
    return ERR_OK;
}

/* The head's columns that are known before the last step; the one column that is not, or -1 when there are
 * more. */
static int fill_known(const struct dl_join *j, const struct dl_plan *plan, datalog_word *columns)
{
    const struct dl_rule *rule = j->rule;
    unsigned unknown = 0;
    int column = -1;
    for (unsigned c = 0; c < rule->arity; c++) {
        if (plan->gives[c] < 0) {
            columns[c] = known(&rule->args[c], j->run->slots);
            continue;
        }
        column = (int)c;
        unknown++;
    }
    return unknown == 1 ? column : -1;
}

/* The first of the entries whose tuple is new: most of a closure's are not. */
static uint32_t skip_seen(const struct dl_set *set, datalog_word *columns, unsigned column, const struct dl_index *i,
                          struct dl_pack_range range, unsigned kept)
{
    struct dl_set_row row;
    if (!dl_set_row(set, columns, column, &row))
        return range.from;
    while (range.from < range.to && dl_set_row_has(&row, dl_index_cell(i, range.from, kept)))
        range.from++;
    return range.from;
}

/* The last step of most rules: its cells make the head's tuples at once. */
static enum err give_pack(struct dl_join *j, const struct dl_plan *plan, const struct dl_index *i,
                          struct dl_pack_range range)
{
    const struct dl_rule *rule = j->rule;
    const struct dl_set *set = &j->run->rels[rule->head].set;
    struct dl_origin origin = {.rule = rule->number, .height = j->height};
    datalog_word columns[DATALOG_COLUMNS];
    int one = fill_known(j, plan, columns);
    TRY(count_steps(j, range.to - range.from));
    for (; range.from < range.to; range.from++) {
        if (one >= 0)
            range.from = skip_seen(set, columns, (unsigned)one, i, range, (unsigned)plan->gives[one]);
        if (range.from == range.to)
            break;
        for (unsigned c = 0; c < rule->arity; c++)
            if (plan->gives[c] >= 0)
                columns[c] = dl_index_cell(i, range.from, (unsigned)plan->gives[c]);
        TRY(dl_join_put(j->run, rule->head, columns, &origin));
    }
    return ERR_OK;
}

static enum err scan_pack(struct dl_join *j, const struct dl_plan *plan, unsigned at, const struct dl_index *i,
                          struct dl_pack_range range)
{
    if (!j->found && plan->gives && at + 1 == plan->count)
        return give_pack(j, plan, i, range);
    for (uint32_t entry = range.from; entry < range.to; entry++) {
        struct cells from = {i->cells, i->wide, (size_t)entry * i->width};
        TRY(take(j, plan, at, &from, true));
    }
    return ERR_OK;
}

static enum err scan_chain(struct dl_join *j, const struct dl_plan *plan, unsigned at, const struct dl_index *i,
                           const datalog_word *key)
{
    const struct dl_step *s = &plan->steps[at];
    const struct dl_rel *r = &j->run->rels[s->goal->rel];
    struct range range = rows_of(j, r, s->rows);
    uint32_t row = dl_index_first(i, &r->tuples, key, range.to);
    for (; row != DL_REL_NONE && row >= range.from; row = dl_index_after(i, &r->tuples, key, row))
        TRY(take_row(j, plan, at, r, row));
    return ERR_OK;
}

/* Proofs want to know the rows, and packs do not. */
static bool may_pack(const struct dl_join *j)
{
    return !j->rows && !j->below;
}

static enum err scan(struct dl_join *j, const struct dl_plan *plan, unsigned at)
{
    const struct dl_step *s = &plan->steps[at];
    const struct dl_rel *r = &j->run->rels[s->goal->rel];
    if (s->key_count == 0)
        return scan_all(j, plan, at, r, rows_of(j, r, s->rows));
    datalog_word key[DATALOG_COLUMNS];
    fill_key(s, j->run->slots, key);
    const struct dl_index *i = dl_rel_index(r, s->mask, s->need, may_pack(j));
    return i->packed ? scan_pack(j, plan, at, i, dl_index_pack(i, &r->tuples, key)) : scan_chain(j, plan, at, i, key);
}

/* Without proofs it does not matter whether a tuple is of this round or an earlier one: what follows from
 * it is true, and found once. */
static enum err has(struct dl_join *j, const struct dl_plan *plan, unsigned at)
{
    const struct dl_step *s = &plan->steps[at];
    const struct dl_rel *r = &j->run->rels[s->goal->rel];
    datalog_word key[DATALOG_COLUMNS];
    fill_key(s, j->run->slots, key);
    TRY(count_step(j));
    if (!r->with_origins)
        return dl_rel_has(r, key) ? step(j, plan, at + 1) : ERR_OK;
    struct range range = rows_of(j, r, s->rows);
    uint32_t row = dl_rel_find(r, key);
    return row == DL_REL_NONE || row < range.from || row >= range.to ? ERR_OK : take_row(j, plan, at, r, row);
}

static bool is_absent(struct dl_join *j, const struct dl_step *s)
{
    const struct dl_rel *r = &j->run->rels[s->goal->rel];
    datalog_word key[DATALOG_COLUMNS];
    fill_key(s, j->run->slots, key);
    if (s->key_count == s->goal->count)
        return !dl_rel_has(r, key);
    if (s->key_count == 0)
        return r->tuples.count == 0;
    const struct dl_index *i = dl_rel_index(r, s->mask, s->need, may_pack(j));
    if (!i->packed)
        return dl_index_first(i, &r->tuples, key, r->tuples.count) == DL_REL_NONE;
    struct dl_pack_range range = dl_index_pack(i, &r->tuples, key);
    return range.from == range.to;
}

/* Another order than the evaluation's may meet values that it never met. */
static enum err forgiven(const struct dl_join *j, enum err e)
{
    /* ABSENT: a record has no such field, so nothing equals it. */
    return e == ERR_ABSENT || (j->lenient && e == ERR_INPUT) ? ERR_OK : e;
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

static enum err each(struct dl_join *j, const struct dl_plan *plan, unsigned at)
{
    const struct dl_step *s = &plan->steps[at];
    struct dl_range range;
    datalog_word value, known_value = s->known ? j->run->slots[s->slot] : 0;
    enum err e = dl_prim_range(&j->run->prim, s->goal, j->run->slots, &range);
    if (e != ERR_OK)
        return forgiven(j, e);
    while (dl_prim_range_next(&range, &value)) {
        TRY(count_step(j));
        if (s->known && value != known_value)
            continue;
        j->run->slots[s->slot] = value;
        TRY(step(j, plan, at + 1));
    }
    return ERR_OK;
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

/* What every way to make a body hold turns into: the head's tuple. */
static enum err derive(struct dl_join *j)
{
    const struct dl_rule *rule = j->rule;
    struct dl_origin origin = {.rule = rule->number, .height = j->height};
    datalog_word columns[DATALOG_COLUMNS];
    for (unsigned i = 0; i < rule->arity; i++) {
        if (rule->args[i].kind == DL_EXPR_SLOT)
            columns[i] = j->run->slots[rule->args[i].slot];
        else
            TRY(dl_prim_value(&j->run->prim, &rule->args[i], j->run->slots, &columns[i]));
    }
    return dl_join_put(j->run, rule->head, columns, &origin);
}

static enum err step(struct dl_join *j, const struct dl_plan *plan, unsigned at)
{
    if (j->reach)
        note_reach(j, at);
    if (at == plan->count)
        return j->found ? j->found(j) : derive(j);
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
    case DL_STEP_EACH:
        return each(j, plan, at);
    case DL_STEP_ABSENT:
        break;
    }
    TRY(count_step(j));
    return is_absent(j, &plan->steps[at]) ? step(j, plan, at + 1) : ERR_OK;
}

/* Indexes are brought up to date before a walk, so that none changes under it. */
static void prepare(const struct dl_join *j, const struct dl_plan *plan)
{
    for (const struct dl_step *s = plan->steps; s < plan->steps + plan->count; s++) {
        if (s->kind == DL_STEP_FOLD)
            prepare(j, s->goal->plan);
        else if (s->key_count == 0 || s->key_count == s->goal->count)
            continue;
        else if (may_pack(j))
            dl_rel_pack(&j->run->rels[s->goal->rel], s->mask, s->need);
        else
            dl_rel_chain(&j->run->rels[s->goal->rel], s->mask);
    }
}

enum err dl_join_walk(struct dl_join *j, const struct dl_plan *plan)
{
    prepare(j, plan);
    return step(j, plan, 0);
}

enum err dl_join_put(struct datalog_run *r, int rel, const datalog_word *columns, const struct dl_origin *origin)
{
    struct dl_rel *to = &r->rels[rel];
    bool untouched = to->tuples.count == to->base;
    if (r->tuples >= r->limits.max_tuples) {
        if (dl_rel_has(to, columns))
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
