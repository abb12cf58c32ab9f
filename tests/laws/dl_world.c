#include "tests/laws/dl_world.h"

#include <string.h>

enum { STEPS_MOST = 3000000 };

static const char *const signs[] = {"<", "<=", "!=", ">", ">=", "="};
static const char *const ops[] = {"+", "-", "*", "/", "%", "min", "max"};
static const char *const folds[] = {"count", "sum", "min", "max"};
enum { NOT_EQUAL = 2, SIGNS = 6, OPS = 7, FOLDS = 4 };
enum { PLUS, MINUS, TIMES, OVER, REST, LOWER, HIGHER };
enum { COUNT, SUM, LEAST, MOST };

int dl_world_pick(struct dl_world *w, int below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (int)(w->random % (uint64_t)below);
}

static bool chance(struct dl_world *w, int one_in)
{
    return dl_world_pick(w, one_in) == 0;
}

static int group_of(int rel)
{
    return rel / DL_WORLD_GROUP;
}

static int arity_of(const struct dl_world *w, const struct dl_world_atom *a)
{
    return w->relations[a->rel].arity;
}

/* --- the program --- */

static int some_constant(struct dl_world *w)
{
    return DL_WORLD_CONSTANT + dl_world_pick(w, w->constant_count);
}

/* A variable that has a value, or a constant. */
static int some_bound(struct dl_world *w, const bool *bound)
{
    int v = dl_world_pick(w, DL_WORLD_VARS);
    for (int i = 0; i < DL_WORLD_VARS; i++, v = (v + 1) % DL_WORLD_VARS)
        if (bound[v] && !chance(w, 4))
            return v;
    return some_constant(w);
}

/* The same, or one more than a variable. */
static int some_shifted(struct dl_world *w, const bool *bound)
{
    int term = some_bound(w, bound);
    return term < DL_WORLD_VARS && !w->symbols && chance(w, 6) ? DL_WORLD_NEXT + term : term;
}

static struct dl_world_atom positive(struct dl_world *w, int group, bool *bound)
{
    struct dl_world_atom a = {.rel = dl_world_pick(w, (group + 1) * DL_WORLD_GROUP)};
    bool before[DL_WORLD_VARS];
    memcpy(before, bound, sizeof(before));
    for (int i = 0; i < arity_of(w, &a); i++) {
        int kind = dl_world_pick(w, 10);
        a.args[i] = kind == 0   ? DL_WORLD_ANY
                    : kind == 1 ? some_constant(w)
                    : kind == 2 ? some_shifted(w, before)
                                : dl_world_pick(w, DL_WORLD_VARS);
        if (a.args[i] < DL_WORLD_VARS)
            bound[a.args[i]] = true;
    }
    return a;
}

static struct dl_world_atom over_lower(struct dl_world *w, int group, const bool *bound)
{
    struct dl_world_atom a = {.rel = dl_world_pick(w, group * DL_WORLD_GROUP)};
    for (int i = 0; i < arity_of(w, &a); i++)
        a.args[i] = chance(w, 3) ? DL_WORLD_ANY : some_shifted(w, bound);
    return a;
}

/* An aggregate's atom: some of its columns are the aggregate's own variables. */
static struct dl_world_atom over_inner(struct dl_world *w, int group, const bool *bound, bool *inner)
{
    struct dl_world_atom a = over_lower(w, group, bound);
    for (int i = 0; i < arity_of(w, &a); i++) {
        int own = dl_world_pick(w, 2);
        if (chance(w, 2))
            continue;
        a.args[i] = DL_WORLD_INNER + own;
        inner[own] = true;
    }
    return a;
}

static void some_fold(struct dl_world *w, struct dl_world_rule *r, int group, const bool *bound)
{
    bool inner[2] = {false, false};
    r->fold_count = 1 + chance(w, 3);
    for (int i = 0; i < r->fold_count; i++)
        r->folded[i] = over_inner(w, group, bound, inner);
    r->fold = COUNT;
    if (w->symbols || !(inner[0] || inner[1]))
        return;
    r->fold = dl_world_pick(w, FOLDS);
    r->target = DL_WORLD_INNER + !inner[0];
}

static struct dl_world_test some_test(struct dl_world *w, const struct dl_world_rule *r, const bool *bound)
{
    struct dl_world_test t = {.sign = dl_world_pick(w, SIGNS)};
    if (r->fold_count && (w->symbols || chance(w, 2)))
        return (struct dl_world_test){t.sign, DL_WORLD_FOLDED, DL_WORLD_LITERAL + dl_world_pick(w, 4)};
    t.a = some_bound(w, bound);
    t.b = some_shifted(w, bound);
    if (w->symbols)
        t.sign = chance(w, 3) ? SIGNS - 1 : NOT_EQUAL;
    return t;
}

static void some_made(struct dl_world *w, struct dl_world_rule *r, const bool *bound)
{
    r->has_made = true;
    r->made = (struct dl_world_test){.sign = dl_world_pick(w, OPS), .a = some_bound(w, bound)};
    /* What overflows or divides by nothing depends on the order of the goals: keep to what cannot. */
    bool any = r->made.sign != TIMES && r->made.sign != OVER && r->made.sign != REST;
    r->made.b = any && chance(w, 2) ? some_bound(w, bound) : DL_WORLD_LITERAL + 1 + dl_world_pick(w, 3);
}

/* New numbers out of the rule's own relation. */
static void some_counting(struct dl_world *w, struct dl_world_rule *r, const bool *bound)
{
    r->has_made = r->capped = true;
    r->made = (struct dl_world_test){.sign = chance(w, 2) ? PLUS : MINUS, .a = some_bound(w, bound)};
    r->made.b = DL_WORLD_LITERAL + 1 + dl_world_pick(w, 3);
}

static void some_head(struct dl_world *w, struct dl_world_rule *r, const bool *bound)
{
    for (int i = 0; i < arity_of(w, &r->head); i++) {
        r->head.args[i] = some_bound(w, bound);
        if (r->fold_count && !w->symbols && chance(w, 3))
            r->head.args[i] = DL_WORLD_FOLDED;
        if (r->has_made && chance(w, 2))
            r->head.args[i] = DL_WORLD_MADE;
    }
}

static struct dl_world_rule some_rule(struct dl_world *w)
{
    bool bound[DL_WORLD_VARS] = {false};
    struct dl_world_rule r = {.head.rel = dl_world_pick(w, DL_WORLD_RELATIONS)};
    int group = group_of(r.head.rel);
    /* New numbers are made out of what is complete, or there would be no end to them. */
    bool lower_only = group > 0 && chance(w, 3);
    r.body_count = 1 + dl_world_pick(w, DL_WORLD_ATOMS);
    for (int i = 0; i < r.body_count; i++)
        r.body[i] = positive(w, lower_only ? group - 1 : group, bound);
    if (group > 0 && chance(w, 3)) {
        r.has_absent = true;
        r.absent = over_lower(w, group, bound);
    }
    if (lower_only && chance(w, 2))
        some_fold(w, &r, group, bound);
    if (lower_only && !w->symbols && chance(w, 2))
        some_made(w, &r, bound);
    if (!lower_only && !w->symbols && chance(w, 5))
        some_counting(w, &r, bound);
    r.test_count = chance(w, 2) ? 1 + dl_world_pick(w, DL_WORLD_COMPARES) : 0;
    for (int i = 0; i < r.test_count; i++)
        r.tests[i] = some_test(w, &r, bound);
    some_head(w, &r, bound);
    return r;
}

/* Close together, around nothing, far apart, or some of each: stores pack them differently. */
static void some_constants(struct dl_world *w)
{
    int kind = dl_world_pick(w, 6);
    w->symbols = kind == 4;
    for (int i = 0; i < w->constant_count; i++) {
        int64_t far = (int64_t)dl_world_pick(w, 1 << 30) * (chance(w, 2) ? 16 : -16);
        bool near = w->symbols || kind < 2 || (kind == 3 && chance(w, 2));
        w->constants[i] = near ? i : kind == 2 ? i - w->constant_count / 2 : far;
    }
}

static bool put_in(struct dl_world *w, int rel, const int64_t *columns, int height, bool given)
{
    struct dl_world_relation *r = &w->relations[rel];
    struct dl_world_tuple *t = (struct dl_world_tuple *)(uintptr_t)dl_world_find(w, rel, columns);
    if (t && t->height <= height)
        return false;
    if (!t && r->count == DL_WORLD_TUPLES) {
        w->lost = true;
        return false;
    }
    if (!t)
        t = &r->tuples[r->count++];
    *t = (struct dl_world_tuple){.height = height, .given = given};
    memcpy(t->columns, columns, (size_t)r->arity * sizeof(*columns));
    return true;
}

void dl_world_make(struct dl_world *w, uint64_t seed)
{
    memset(w, 0, sizeof(*w));
    w->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    bool large = chance(w, 6);
    w->constant_count = large ? DL_WORLD_CONSTANTS : 4;
    w->fact_count = large ? 60 : 16;
    some_constants(w);
    for (int i = 0; i < DL_WORLD_RELATIONS; i++)
        w->relations[i].arity = dl_world_pick(w, DL_WORLD_COLUMNS + 1);
    for (int i = 0; i < DL_WORLD_RULES; i++)
        w->rules[i] = some_rule(w);
    for (int i = 0; i < w->fact_count; i++) {
        int64_t columns[DL_WORLD_COLUMNS];
        for (int k = 0; k < DL_WORLD_COLUMNS; k++)
            columns[k] = w->constants[dl_world_pick(w, w->constant_count)];
        (void)put_in(w, dl_world_pick(w, DL_WORLD_RELATIONS), columns, 0, chance(w, 2));
    }
}

/* --- its text --- */

void dl_world_put_value(const struct dl_world *w, struct buf *out, int64_t value)
{
    buf_putf(out, w->symbols ? "\"s%lld\"" : "%lld", (long long)value);
}

static void put_term(const struct dl_world *w, struct buf *out, int term)
{
    if (term == DL_WORLD_ANY)
        buf_put_char(out, '_');
    else if (term >= DL_WORLD_LITERAL)
        buf_putf(out, "%d", term - DL_WORLD_LITERAL);
    else if (term >= DL_WORLD_NEXT)
        buf_putf(out, "v%d + 1", term - DL_WORLD_NEXT);
    else if (term >= DL_WORLD_CONSTANT)
        dl_world_put_value(w, out, w->constants[term - DL_WORLD_CONSTANT]);
    else
        buf_putf(out, "v%d", term);
}

static void put_atom(const struct dl_world *w, struct buf *out, const struct dl_world_atom *a)
{
    buf_putf(out, "r%d(", a->rel);
    for (int i = 0; i < arity_of(w, a); i++) {
        buf_put(out, i ? SLICE(", ") : SLICE(""));
        put_term(w, out, a->args[i]);
    }
    buf_put_char(out, ')');
}

static void put_between(const struct dl_world *w, struct buf *out, const struct dl_world_test *t, const char *sign)
{
    put_term(w, out, t->a);
    buf_putf(out, " %s ", sign);
    put_term(w, out, t->b);
}

static void put_made(const struct dl_world *w, struct buf *out, const struct dl_world_test *made, bool capped)
{
    const char *op = ops[made->sign];
    bool functor = made->sign >= LOWER;
    buf_putf(out, ", v%d = %s", DL_WORLD_MADE, functor ? op : "");
    buf_put(out, functor ? SLICE("(") : SLICE(""));
    put_between(w, out, made, functor ? "," : op);
    buf_put(out, functor ? SLICE(")") : SLICE(""));
    if (capped)
        buf_putf(out, ", 0 < v%d, v%d < %d", DL_WORLD_MADE, DL_WORLD_MADE, DL_WORLD_CAP);
}

static void put_fold(const struct dl_world *w, struct buf *out, const struct dl_world_rule *r)
{
    buf_putf(out, ", v%d = %s ", DL_WORLD_FOLDED, folds[r->fold]);
    if (r->fold != COUNT)
        put_term(w, out, r->target);
    for (int i = 0; i < r->fold_count; i++) {
        buf_put(out, i ? SLICE(", ") : SLICE(" : { "));
        put_atom(w, out, &r->folded[i]);
    }
    buf_put(out, SLICE(" }"));
}

static void put_rule(const struct dl_world *w, struct buf *out, const struct dl_world_rule *r)
{
    put_atom(w, out, &r->head);
    buf_put(out, SLICE(" :- "));
    /* What needs values comes before what gives them: the order is the engine's to find. */
    for (int i = 0; i < r->test_count; i++) {
        put_between(w, out, &r->tests[i], signs[r->tests[i].sign]);
        buf_put(out, SLICE(", "));
    }
    if (r->has_absent) {
        buf_put_char(out, '!');
        put_atom(w, out, &r->absent);
        buf_put(out, SLICE(", "));
    }
    for (int i = 0; i < r->body_count; i++) {
        buf_put(out, i ? SLICE(", ") : SLICE(""));
        put_atom(w, out, &r->body[i]);
    }
    if (r->has_made)
        put_made(w, out, &r->made, r->capped);
    if (r->fold_count)
        put_fold(w, out, r);
    buf_put(out, SLICE(".\n"));
}

static void put_fact(const struct dl_world *w, struct buf *out, int rel, const struct dl_world_tuple *t)
{
    buf_putf(out, "r%d(", rel);
    for (int i = 0; i < w->relations[rel].arity; i++) {
        buf_put(out, i ? SLICE(", ") : SLICE(""));
        dl_world_put_value(w, out, t->columns[i]);
    }
    buf_put(out, SLICE(").\n"));
}

void dl_world_put(const struct dl_world *w, struct buf *out)
{
    for (int i = 0; i < DL_WORLD_RELATIONS; i++) {
        buf_putf(out, ".decl r%d(", i);
        for (int k = 0; k < w->relations[i].arity; k++)
            buf_putf(out, "%s%c:%s", k ? ", " : "", 'a' + k, w->symbols ? "symbol" : "number");
        buf_put(out, SLICE(")\n"));
    }
    for (int i = 0; i < DL_WORLD_RELATIONS; i++)
        for (int k = 0; k < w->relations[i].count; k++)
            if (!w->relations[i].tuples[k].given)
                put_fact(w, out, i, &w->relations[i].tuples[k]);
    for (int i = 0; i < DL_WORLD_RULES; i++)
        put_rule(w, out, &w->rules[i]);
}

/* --- what it means --- */

const struct dl_world_tuple *dl_world_find(const struct dl_world *w, int rel, const int64_t *columns)
{
    const struct dl_world_relation *r = &w->relations[rel];
    for (int i = 0; i < r->count; i++)
        if (memcmp(r->tuples[i].columns, columns, (size_t)r->arity * sizeof(*columns)) == 0)
            return &r->tuples[i];
    return NULL;
}

struct binding {
    int64_t value[DL_WORLD_SLOTS];
    bool set[DL_WORLD_SLOTS];
};

static int64_t value_of(const struct dl_world *w, const struct binding *b, int term)
{
    if (term >= DL_WORLD_LITERAL)
        return term - DL_WORLD_LITERAL;
    if (term >= DL_WORLD_NEXT)
        return b->value[term - DL_WORLD_NEXT] + 1;
    return term >= DL_WORLD_CONSTANT ? w->constants[term - DL_WORLD_CONSTANT] : b->value[term];
}

static bool match(struct dl_world *w, const struct dl_world_atom *a, const int64_t *columns, struct binding *b)
{
    w->lost |= ++w->steps > STEPS_MOST;
    for (int i = 0; i < arity_of(w, a); i++) {
        int term = a->args[i];
        if (term == DL_WORLD_ANY)
            continue;
        if ((term >= DL_WORLD_SLOTS || b->set[term]) && value_of(w, b, term) != columns[i])
            return false;
        if (term < DL_WORLD_SLOTS) {
            b->set[term] = true;
            b->value[term] = columns[i];
        }
    }
    return true;
}

static bool is_there(struct dl_world *w, const struct dl_world_atom *a, const struct binding *b)
{
    const struct dl_world_relation *r = &w->relations[a->rel];
    for (int i = 0; i < r->count; i++) {
        struct binding copy = *b;
        if (match(w, a, r->tuples[i].columns, &copy))
            return true;
    }
    return false;
}

struct tally {
    int64_t count, value;
};

static void tally(struct dl_world *w, const struct dl_world_rule *r, struct tally *t, const struct binding *b)
{
    int64_t value = r->fold == COUNT ? 0 : b->value[r->target];
    bool first = t->count++ == 0;
    if (r->fold == SUM)
        w->lost |= __builtin_add_overflow(t->value, value, &t->value);
    else if (first || (r->fold == LEAST ? value < t->value : value > t->value))
        t->value = value;
}

static void fold(struct dl_world *w, const struct dl_world_rule *r, int at, const struct binding *b, struct tally *t)
{
    if (at == r->fold_count) {
        tally(w, r, t, b);
        return;
    }
    const struct dl_world_relation *rel = &w->relations[r->folded[at].rel];
    for (int i = 0; i < rel->count && !w->lost; i++) {
        struct binding mine = *b;
        if (match(w, &r->folded[at], rel->tuples[i].columns, &mine))
            fold(w, r, at + 1, &mine, t);
    }
}

static bool compute(const struct dl_world *w, const struct dl_world_test *made, struct binding *b)
{
    int64_t x = value_of(w, b, made->a), y = value_of(w, b, made->b), *out = &b->value[DL_WORLD_MADE];
    switch (made->sign) {
    case PLUS:
        return !__builtin_add_overflow(x, y, out);
    case MINUS:
        return !__builtin_sub_overflow(x, y, out);
    case TIMES:
        return !__builtin_mul_overflow(x, y, out);
    case OVER:
        *out = x / y;
        return true;
    case REST:
        *out = x % y;
        return true;
    case LOWER:
        *out = x < y ? x : y;
        return true;
    default:
        *out = x > y ? x : y;
        return true;
    }
}

static bool holds(const struct dl_world *w, const struct dl_world_test *t, const struct binding *b)
{
    int64_t x = value_of(w, b, t->a), y = value_of(w, b, t->b);
    const bool answers[SIGNS] = {x<y, x <= y, x != y, x> y, x >= y, x == y};
    return answers[t->sign];
}

static bool conclude(struct dl_world *w, const struct dl_world_rule *r, struct binding *b, int height)
{
    struct tally t = {0, 0};
    if (r->has_absent && is_there(w, &r->absent, b))
        return false;
    if (r->fold_count)
        fold(w, r, 0, b, &t);
    if (r->fold_count && t.count == 0 && r->fold != COUNT && r->fold != SUM)
        return false;
    b->value[DL_WORLD_FOLDED] = r->fold == COUNT ? t.count : t.value;
    for (int i = 0; i < r->test_count; i++)
        if (!holds(w, &r->tests[i], b))
            return false;
    /* What cannot be computed ends the engine's run, where it comes to it. */
    if (r->has_made && !compute(w, &r->made, b)) {
        w->lost = true;
        return false;
    }
    if (r->capped && (b->value[DL_WORLD_MADE] <= 0 || b->value[DL_WORLD_MADE] >= DL_WORLD_CAP))
        return false;
    int64_t columns[DL_WORLD_COLUMNS] = {0};
    for (int i = 0; i < arity_of(w, &r->head); i++)
        columns[i] = value_of(w, b, r->head.args[i]);
    return put_in(w, r->head.rel, columns, height + 1, false);
}

static bool try_atoms(struct dl_world *w, const struct dl_world_rule *r, int at, const struct binding *b, int height)
{
    struct binding mine = *b;
    if (at == r->body_count)
        return conclude(w, r, &mine, height);
    const struct dl_world_relation *rel = &w->relations[r->body[at].rel];
    bool news = false;
    for (int i = 0; i < rel->count && !w->lost; i++) {
        mine = *b;
        int h = rel->tuples[i].height;
        if (match(w, &r->body[at], rel->tuples[i].columns, &mine))
            news |= try_atoms(w, r, at + 1, &mine, h > height ? h : height);
    }
    return news;
}

void dl_world_evaluate(struct dl_world *w)
{
    for (int group = 0; group <= group_of(DL_WORLD_RELATIONS - 1); group++) {
        bool news = true;
        while (news && !w->lost) {
            news = false;
            for (int i = 0; i < DL_WORLD_RULES; i++)
                if (group_of(w->rules[i].head.rel) == group)
                    news |= try_atoms(w, &w->rules[i], 0, &(struct binding){{0}, {0}}, 0);
        }
    }
}
