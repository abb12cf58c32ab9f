/* dl_law - the engine against the plainest evaluator there is, on many small random programs.
 *
 * The plain one knows nothing of orders, indexes, rounds or heights: it tries all tuples for all
 * atoms until nothing changes.  Both must give the same relations; every proof must be a least one;
 * a run that was reset must answer as a fresh one. */
#include "tests/kit/t.h"

#include <stdio.h>
#include <stdlib.h>

#include "datalog/datalog.h"

enum {
    PROGRAMS = 4000,
    RELATIONS = 6,
    RELATIONS_OF_GROUP = 2,
    COLUMNS = 3,
    ATOMS = 3,
    RULES = 8,
    VARIABLES = 5,
    CONSTANTS = 4,
    TUPLES = 2048,
    ANY = -1,
    FIRST_CONSTANT = 100,
};

struct atom {
    int rel;
    int args[COLUMNS]; /* a variable, ANY, or FIRST_CONSTANT + value */
};

struct rule {
    struct atom head;
    struct atom body[ATOMS];
    int body_count;
    struct atom absent;
    bool has_absent;
    int less, than; /* terms; ANY: no comparison */
    struct atom counted;
    bool has_count; /* variable VARIABLES is how many tuples `counted` matches */
    int sum_of;     /* variable VARIABLES + 1 is this term and 1; ANY: no such variable */
};

struct tuple {
    int columns[COLUMNS];
    int height;
    bool given; /* by datalog_fact, not in the text */
};

struct relation {
    int arity;
    struct tuple tuples[TUPLES];
    int count;
};

struct world {
    uint64_t random;
    struct relation relations[RELATIONS];
    struct rule rules[RULES];
    bool overflow; /* a relation outgrew TUPLES: the program proves nothing */
};

static int pick(struct world *w, int below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (int)(w->random % (uint64_t)below);
}

static int group_of(int rel)
{
    return rel / RELATIONS_OF_GROUP;
}

static struct tuple *find(struct relation *r, const int *columns)
{
    for (int i = 0; i < r->count; i++)
        if (memcmp(r->tuples[i].columns, columns, (size_t)r->arity * sizeof(int)) == 0)
            return &r->tuples[i];
    return NULL;
}

/* true: it is new, or lower than it was. */
static bool add(struct world *w, int rel, const int *columns, int height, bool given)
{
    struct relation *r = &w->relations[rel];
    struct tuple *t = find(r, columns);
    if (t && t->height <= height)
        return false;
    if (!t && r->count == TUPLES) {
        w->overflow = true;
        return false;
    }
    if (!t)
        t = &r->tuples[r->count++];
    memcpy(t->columns, columns, (size_t)r->arity * sizeof(int));
    t->height = height;
    t->given = given;
    return true;
}

/* The programs. */

static int some_bound(struct world *w, const bool *bound)
{
    int v = pick(w, VARIABLES);
    for (int i = 0; i < VARIABLES; i++, v = (v + 1) % VARIABLES)
        if (bound[v] && pick(w, 4) > 0)
            return v;
    return FIRST_CONSTANT + pick(w, CONSTANTS);
}

static struct atom positive(struct world *w, int group, bool *bound)
{
    struct atom a = {.rel = pick(w, (group + 1) * RELATIONS_OF_GROUP)};
    for (int i = 0; i < w->relations[a.rel].arity; i++) {
        int kind = pick(w, 8);
        a.args[i] = kind == 0 ? ANY : kind == 1 ? FIRST_CONSTANT + pick(w, CONSTANTS) : pick(w, VARIABLES);
        if (a.args[i] >= 0 && a.args[i] < VARIABLES)
            bound[a.args[i]] = true;
    }
    return a;
}

static struct atom over_lower(struct world *w, int group, const bool *bound)
{
    struct atom a = {.rel = pick(w, group * RELATIONS_OF_GROUP)};
    for (int i = 0; i < w->relations[a.rel].arity; i++)
        a.args[i] = pick(w, 3) == 0 ? ANY : some_bound(w, bound);
    return a;
}

static struct rule some_rule(struct world *w)
{
    bool bound[VARIABLES] = {0};
    struct rule r = {.less = ANY, .sum_of = ANY};
    r.head.rel = pick(w, RELATIONS);
    int group = group_of(r.head.rel);
    bool lower_only = group > 0 && pick(w, 3) == 0;
    r.body_count = 1 + pick(w, ATOMS);
    for (int i = 0; i < r.body_count; i++)
        r.body[i] = positive(w, lower_only ? group - 1 : group, bound);
    if (group > 0 && pick(w, 3) == 0) {
        r.has_absent = true;
        r.absent = over_lower(w, group, bound);
    }
    if (group > 0 && pick(w, 4) == 0) {
        r.has_count = true;
        r.counted = over_lower(w, group, bound);
    }
    if (pick(w, 3) == 0) {
        r.less = some_bound(w, bound);
        r.than = some_bound(w, bound);
    }
    if (lower_only && pick(w, 3) == 0)
        r.sum_of = some_bound(w, bound);
    for (int i = 0; i < w->relations[r.head.rel].arity; i++) {
        r.head.args[i] = some_bound(w, bound);
        if (r.has_count && pick(w, 3) == 0)
            r.head.args[i] = VARIABLES;
        if (r.sum_of != ANY && pick(w, 3) == 0)
            r.head.args[i] = VARIABLES + 1;
    }
    return r;
}

static void some_world(struct world *w, uint64_t seed)
{
    memset(w, 0, sizeof(*w));
    w->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (int i = 0; i < RELATIONS; i++)
        w->relations[i].arity = pick(w, COLUMNS + 1);
    for (int i = 0; i < RULES; i++)
        w->rules[i] = some_rule(w);
    for (int i = 0; i < 16; i++) {
        int columns[COLUMNS];
        for (int k = 0; k < COLUMNS; k++)
            columns[k] = pick(w, CONSTANTS);
        (void)add(w, pick(w, RELATIONS), columns, 0, pick(w, 2) == 0);
    }
}

static void put_term(struct buf *out, int term)
{
    if (term == ANY)
        buf_put_char(out, '_');
    else if (term >= FIRST_CONSTANT)
        buf_putf(out, "%d", term - FIRST_CONSTANT);
    else
        buf_putf(out, "v%d", term);
}

static void put_atom(const struct world *w, struct buf *out, const struct atom *a)
{
    buf_putf(out, "r%d(", a->rel);
    for (int i = 0; i < w->relations[a->rel].arity; i++) {
        buf_put(out, i ? SLICE(", ") : SLICE(""));
        put_term(out, a->args[i]);
    }
    buf_put(out, SLICE(")"));
}

static void put_rule(const struct world *w, struct buf *out, const struct rule *r)
{
    put_atom(w, out, &r->head);
    buf_put(out, SLICE(" :- "));
    if (r->has_absent) {
        buf_put(out, SLICE("!"));
        put_atom(w, out, &r->absent);
        buf_put(out, SLICE(", "));
    }
    if (r->less != ANY) {
        put_term(out, r->less);
        buf_put(out, SLICE(" < "));
        put_term(out, r->than);
        buf_put(out, SLICE(", "));
    }
    if (r->sum_of != ANY) {
        buf_putf(out, "v%d = ", VARIABLES + 1);
        put_term(out, r->sum_of);
        buf_put(out, SLICE(" + 1, "));
    }
    for (int i = 0; i < r->body_count; i++) {
        buf_put(out, i ? SLICE(", ") : SLICE(""));
        put_atom(w, out, &r->body[i]);
    }
    if (r->has_count) {
        buf_putf(out, ", v%d = count : { ", VARIABLES);
        put_atom(w, out, &r->counted);
        buf_put(out, SLICE(" }"));
    }
    buf_put(out, SLICE(".\n"));
}

static void put_world(const struct world *w, struct buf *out)
{
    static const char *const columns[] = {"", "a:number", "a:number, b:number", "a:number, b:number, c:number"};
    for (int i = 0; i < RELATIONS; i++)
        buf_putf(out, ".decl r%d(%s)\n", i, columns[w->relations[i].arity]);
    for (int i = 0; i < RELATIONS; i++)
        for (int k = 0; k < w->relations[i].count; k++) {
            const struct tuple *t = &w->relations[i].tuples[k];
            struct atom a = {.rel = i};
            for (int c = 0; c < COLUMNS; c++)
                a.args[c] = FIRST_CONSTANT + t->columns[c];
            if (!t->given) {
                put_atom(w, out, &a);
                buf_put(out, SLICE(".\n"));
            }
        }
    for (int i = 0; i < RULES; i++)
        put_rule(w, out, &w->rules[i]);
}

/* The plain evaluator. */

struct binding {
    int value[VARIABLES + 2];
    bool set[VARIABLES + 2];
};

static bool match(const struct atom *a, int arity, const int *columns, struct binding *b)
{
    for (int i = 0; i < arity; i++) {
        int term = a->args[i];
        if (term == ANY)
            continue;
        if (term >= FIRST_CONSTANT ? term - FIRST_CONSTANT != columns[i] : b->set[term] && b->value[term] != columns[i])
            return false;
        if (term < FIRST_CONSTANT) {
            b->set[term] = true;
            b->value[term] = columns[i];
        }
    }
    return true;
}

static int matches(struct world *w, const struct atom *a, const struct binding *b)
{
    const struct relation *r = &w->relations[a->rel];
    int n = 0;
    for (int i = 0; i < r->count; i++) {
        struct binding copy = *b;
        n += match(a, r->arity, r->tuples[i].columns, &copy);
    }
    return n;
}

static int value_of(const struct binding *b, int term)
{
    return term >= FIRST_CONSTANT ? term - FIRST_CONSTANT : b->value[term];
}

static bool conclude(struct world *w, const struct rule *r, struct binding *b, int height)
{
    if (r->has_absent && matches(w, &r->absent, b) > 0)
        return false;
    if (r->less != ANY && value_of(b, r->less) >= value_of(b, r->than))
        return false;
    if (r->has_count)
        b->value[VARIABLES] = matches(w, &r->counted, b);
    if (r->sum_of != ANY)
        b->value[VARIABLES + 1] = value_of(b, r->sum_of) + 1;
    int columns[COLUMNS] = {0};
    for (int i = 0; i < w->relations[r->head.rel].arity; i++)
        columns[i] = value_of(b, r->head.args[i]);
    return add(w, r->head.rel, columns, height + 1, false);
}

static bool try_atoms(struct world *w, const struct rule *r, int at, const struct binding *b, int height)
{
    struct binding mine = *b;
    if (at == r->body_count)
        return conclude(w, r, &mine, height);
    const struct relation *rel = &w->relations[r->body[at].rel];
    bool news = false;
    for (int i = 0; i < rel->count; i++) {
        mine = *b;
        int h = rel->tuples[i].height;
        if (match(&r->body[at], rel->arity, rel->tuples[i].columns, &mine))
            news |= try_atoms(w, r, at + 1, &mine, h > height ? h : height);
    }
    return news;
}

static void evaluate(struct world *w)
{
    for (int group = 0; group <= group_of(RELATIONS - 1); group++) {
        bool news = true;
        while (news && !w->overflow) {
            news = false;
            for (int i = 0; i < RULES; i++)
                if (group_of(w->rules[i].head.rel) == group)
                    news |= try_atoms(w, &w->rules[i], 0, &(struct binding){0}, 0);
        }
    }
}

/* The comparison. */

static void give_facts(const struct world *w, struct datalog_run *run, int shift)
{
    for (int i = 0; i < RELATIONS; i++)
        for (int k = 0; k < w->relations[i].count; k++) {
            const struct tuple *t = &w->relations[i].tuples[k];
            datalog_word columns[COLUMNS];
            for (int c = 0; c < COLUMNS; c++)
                columns[c] = t->columns[c] + shift;
            if (t->given)
                datalog_fact(run, i, columns);
        }
}

static void check_same(struct world *w, const struct datalog_run *run)
{
    for (int i = 0; i < RELATIONS; i++) {
        CHECK_INT(w->relations[i].count, datalog_count(run, i));
        for (int k = 0; k < w->relations[i].count; k++) {
            datalog_word columns[COLUMNS];
            for (int c = 0; c < COLUMNS; c++)
                columns[c] = w->relations[i].tuples[k].columns[c];
            CHECK(datalog_has(run, i, columns));
        }
    }
}

static int height_of(struct world *w, const struct datalog_proof *n)
{
    int columns[COLUMNS];
    for (int c = 0; c < w->relations[n->rel].arity; c++)
        columns[c] = (int)n->columns[c];
    const struct tuple *t = find(&w->relations[n->rel], columns);
    CHECK(t != NULL);
    return t->height;
}

static void check_absent(struct world *w, const struct datalog_proof *n)
{
    struct atom a = {.rel = n->rel};
    for (int c = 0; c < w->relations[n->rel].arity; c++)
        a.args[c] = n->columns[c] == INT64_MIN ? ANY : FIRST_CONSTANT + (int)n->columns[c];
    CHECK_INT(0, matches(w, &a, &(struct binding){0}));
}

/* A proof is a least one when every step is one higher than its highest premise. */
static void check_proof(struct world *w, const struct datalog_proof *n)
{
    if (n->rel < 0)
        return;
    if (n->negated) {
        check_absent(w, n);
        return;
    }
    int highest = 0;
    if (n->rule.len == 0)
        CHECK_INT(0, height_of(w, n));
    if (n->rule.len == 0 || n->above)
        return;
    for (const struct datalog_proof *c = n->first; c; c = c->next) {
        int h = c->rel >= 0 && !c->negated ? height_of(w, c) : 0;
        highest = h > highest ? h : highest;
        check_proof(w, c);
    }
    CHECK_INT(height_of(w, n), highest + 1);
}

static void check_proofs(struct world *w, struct datalog_run *run)
{
    struct arena arena;
    arena_init(&arena, 0);
    for (int i = 0; i < RELATIONS; i++)
        for (int k = 0; k < w->relations[i].count && k < 20; k++) {
            struct datalog_proof *proof;
            datalog_word columns[COLUMNS];
            for (int c = 0; c < COLUMNS; c++)
                columns[c] = w->relations[i].tuples[k].columns[c];
            CHECK_ERR(ERR_OK, datalog_explain(run, i, columns, &arena, &proof));
            check_proof(w, proof);
        }
    arena_fini(&arena);
}

static struct datalog *load(const struct world *w)
{
    struct buf text;
    struct diag diag;
    struct datalog *p = NULL;
    buf_init(&text, BUF_TEXT_BOUND);
    diag_init(&diag);
    put_world(w, &text);
    enum err e = datalog_load(&(struct datalog_text){.file = "law.dl", .text = buf_slice(&text)}, 1, &diag, &p);
    if (e != ERR_OK) {
        diag_print(&diag, &text);
        print_error("%s\n", buf_text(&text));
    }
    CHECK_ERR(ERR_OK, e);
    diag_fini(&diag);
    buf_fini(&text);
    return p;
}

static void check_run(struct world *given, struct world *want, const struct datalog *p, bool proofs)
{
    struct datalog_limits limits = {.proofs = proofs};
    struct datalog_run *run = datalog_run_new(p, &limits);
    const char *why = "";
    /* Other facts first: nothing of them may be left. */
    give_facts(given, run, 1);
    CHECK_ERR(ERR_OK, datalog_run_eval(run, &why));
    datalog_run_reset(run);
    give_facts(given, run, 0);
    CHECK_ERR(ERR_OK, datalog_run_eval(run, &why));
    check_same(want, run);
    if (proofs)
        check_proofs(want, run);
    datalog_run_free(&run);
}

static bool try_seed(uint64_t seed)
{
    static struct world given, want;
    some_world(&given, seed);
    want = given;
    evaluate(&want);
    if (want.overflow)
        return false;
    struct datalog *p = load(&given);
    check_run(&given, &want, p, false);
    check_run(&given, &want, p, true);
    datalog_free(&p);
    return true;
}

TEST(random_programs_mean_what_the_plain_evaluator_says)
{
    int tried = 0;
    for (uint64_t seed = 1; seed <= PROGRAMS; seed++)
        tried += try_seed(seed);
    CHECK(tried > PROGRAMS * 9 / 10);
}

TESTS_BEGIN()
TESTS_RUN(random_programs_mean_what_the_plain_evaluator_says)
TESTS_END()
