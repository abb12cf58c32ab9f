#include "datalog/dl_guard.h"

#include <stdlib.h>

#include "base/mem.h"

enum { LEAST_RULES = 32, TUPLES_SHARE = 4 };

/* The rules behind one constant; their numbers stand in the guard's `rules`. */
struct place {
    datalog_word word;
    uint32_t first, count; /* count 0: a free place */
};

/* All constants of one column. */
struct column {
    int rel;
    unsigned column;
    uint32_t cap; /* a power of two, at most half of it in use */
    struct place *places;
};

struct dl_guard {
    struct column *columns;
    unsigned column_count;
    uint32_t *rules;
    uint32_t *always; /* rules without a constant to go by, ascending */
    uint32_t always_count;
};

/* A constant that a rule asks for. */
struct wish {
    int rel;
    unsigned column;
    datalog_word word;
    uint32_t rule;   /* its place in the group */
    uint32_t rivals; /* rules that ask for the same */
};

struct wishes {
    struct wish *v;
    size_t count, cap;
};

static void add_wish(struct wishes *w, struct wish wish)
{
    if (w->count == w->cap) {
        w->cap = w->cap ? w->cap * 2 : 256;
        w->v = mem_resize(w->v, w->cap, sizeof(*w->v));
    }
    w->v[w->count++] = wish;
}

/* Only of a relation that is complete by then, and only where equal words are equal values. */
static void add_wishes(const struct datalog *p, const struct dl_group *g, uint32_t rule, struct wishes *w)
{
    const struct dl_rule *r = g->rules[rule];
    unsigned own = p->relations[r->head]->group;
    for (unsigned i = 0; i < r->goal_count; i++) {
        const struct dl_goal *goal = &r->goals[i];
        if (goal->kind != DL_GOAL_ATOM || p->relations[goal->rel]->group == own)
            continue;
        for (unsigned c = 0; c < goal->count; c++)
            if (goal->args[c].kind == DL_EXPR_WORD && p->relations[goal->rel]->types[c] != DATALOG_FLOAT)
                add_wish(w, (struct wish){.rel = goal->rel, .column = c, .word = goal->args[c].word, .rule = rule});
    }
}

static int by_constant(const void *a, const void *b)
{
    const struct wish *x = a, *y = b;
    if (x->rel != y->rel)
        return x->rel < y->rel ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    if (x->word != y->word)
        return x->word < y->word ? -1 : 1;
    return x->rule < y->rule ? -1 : x->rule > y->rule;
}

static int by_rule(const void *a, const void *b)
{
    const struct wish *x = a, *y = b;
    if (x->rule != y->rule)
        return x->rule < y->rule ? -1 : 1;
    return x->rivals < y->rivals ? -1 : x->rivals > y->rivals;
}

static bool same_constant(const struct wish *a, const struct wish *b)
{
    return a->rel == b->rel && a->column == b->column && a->word == b->word;
}

static size_t end_of_run(const struct wishes *w, size_t from)
{
    size_t end = from + 1;
    while (end < w->count && same_constant(&w->v[from], &w->v[end]))
        end++;
    return end;
}

/* Keeps for every rule the constant with the fewest rivals, sorted by constant. */
static void choose(struct wishes *w)
{
    size_t kept = 0;
    qsort(w->v, w->count, sizeof(*w->v), by_constant);
    for (size_t from = 0, end; from < w->count; from = end) {
        end = end_of_run(w, from);
        for (size_t i = from; i < end; i++)
            w->v[i].rivals = (uint32_t)(end - from);
    }
    qsort(w->v, w->count, sizeof(*w->v), by_rule);
    for (size_t i = 0; i < w->count; i++)
        if (kept == 0 || w->v[kept - 1].rule != w->v[i].rule)
            w->v[kept++] = w->v[i];
    w->count = kept;
    qsort(w->v, w->count, sizeof(*w->v), by_constant);
}

/* Fibonacci hashing: symbols are numbered in a row. */
static struct place *place_of(const struct column *c, datalog_word word)
{
    uint32_t at = (uint32_t)(((uint64_t)word * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (c->cap - 1);
    while (c->places[at].count > 0 && c->places[at].word != word)
        at = (at + 1) & (c->cap - 1);
    return &c->places[at];
}

/* The wishes [from, to) are of one column. */
static void add_column(struct arena *arena, struct dl_guard *guard, const struct wishes *w, size_t from, size_t to)
{
    struct column *c = &guard->columns[guard->column_count++];
    *c = (struct column){.rel = w->v[from].rel, .column = w->v[from].column, .cap = 4};
    while (c->cap < 2 * (to - from))
        c->cap *= 2;
    c->places = arena_array(arena, c->cap, sizeof(*c->places));
    for (size_t i = from; i < to; i++) {
        struct place *place = place_of(c, w->v[i].word);
        if (place->count++ == 0) {
            place->word = w->v[i].word;
            place->first = (uint32_t)i;
        }
        guard->rules[i] = w->v[i].rule;
    }
}

static size_t end_of_column(const struct wishes *w, size_t from)
{
    size_t end = from + 1;
    while (end < w->count && w->v[end].rel == w->v[from].rel && w->v[end].column == w->v[from].column)
        end++;
    return end;
}

static void add_columns(struct arena *arena, struct dl_guard *guard, const struct wishes *w)
{
    unsigned columns = 0;
    for (size_t from = 0; from < w->count; from = end_of_column(w, from))
        columns++;
    guard->columns = arena_array(arena, columns + 1, sizeof(*guard->columns));
    guard->rules = arena_array(arena, w->count + 1, sizeof(*guard->rules));
    for (size_t from = 0, end; from < w->count; from = end) {
        end = end_of_column(w, from);
        add_column(arena, guard, w, from, end);
    }
}

static void add_always(struct arena *arena, struct dl_guard *guard, const struct dl_group *g, const struct wishes *w)
{
    bool *guarded = mem_array(g->rule_count, sizeof(*guarded));
    for (size_t i = 0; i < w->count; i++)
        guarded[w->v[i].rule] = true;
    guard->always = arena_array(arena, g->rule_count + 1, sizeof(*guard->always));
    for (uint32_t i = 0; i < g->rule_count; i++)
        if (!guarded[i])
            guard->always[guard->always_count++] = i;
    mem_free(guarded);
}

struct dl_guard *dl_guard_new(struct datalog *p, const struct dl_group *g)
{
    struct wishes w = {0};
    struct dl_guard *guard = NULL;
    if (g->rule_count < LEAST_RULES)
        return NULL;
    for (uint32_t i = 0; i < g->rule_count; i++)
        add_wishes(p, g, i, &w);
    if (w.count >= LEAST_RULES)
        choose(&w);
    if (w.count >= LEAST_RULES) {
        guard = arena_new(&p->arena, sizeof(*guard));
        add_columns(&p->arena, guard, &w);
        add_always(&p->arena, guard, g, &w);
    }
    mem_free(w.v);
    return guard;
}

/* ---- picking ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The rules that some tuple calls for, each once, ascending. */
static unsigned find_called(struct datalog_run *r, const struct dl_group *g)
{
    const struct dl_guard *guard = g->guard;
    unsigned count = 0, kept = 0;
    for (unsigned i = 0; i < guard->column_count; i++) {
        const struct column *c = &guard->columns[i];
        const struct dl_tuples *tuples = &r->rels[c->rel].tuples;
        for (uint32_t row = 0; row < tuples->count; row++) {
            const struct place *place = place_of(c, dl_tuples_at(tuples, row, c->column));
            for (uint32_t k = 0; k < place->count && count < g->rule_count; k++)
                r->called[count++] = guard->rules[place->first + k];
        }
    }
    if (count > 1)
        qsort(r->called, count, sizeof(*r->called), by_number);
    for (unsigned i = 0; i < count; i++)
        if (kept == 0 || r->called[kept - 1] != r->called[i])
            r->called[kept++] = r->called[i];
    return kept;
}

/* Two tuples may call for one rule again and again; then there is no room for all, and no use in picking. */
static bool is_worth_it(const struct datalog_run *r, const struct dl_group *g)
{
    uint64_t calls = 0;
    for (unsigned i = 0; i < g->guard->column_count; i++) {
        const struct column *c = &g->guard->columns[i];
        const struct dl_tuples *tuples = &r->rels[c->rel].tuples;
        if (tuples->count > g->rule_count / TUPLES_SHARE)
            return false;
        for (uint32_t row = 0; row < tuples->count; row++)
            calls += place_of(c, dl_tuples_at(tuples, row, c->column))->count;
    }
    return calls <= g->rule_count;
}

struct dl_picked dl_guard_pick(struct datalog_run *r, const struct dl_group *g)
{
    const struct dl_guard *guard = g->guard;
    struct dl_picked all = {.v = g->rules, .count = g->rule_count};
    if (!guard || !is_worth_it(r, g))
        return all;
    unsigned called = find_called(r, g), taken = 0, at = 0;
    for (uint32_t i = 0; i < called || at < guard->always_count;) {
        bool first = at == guard->always_count || (i < called && r->called[i] < guard->always[at]);
        r->picked[taken++] = g->rules[first ? r->called[i++] : guard->always[at++]];
    }
    return (struct dl_picked){.v = r->picked, .count = taken};
}
