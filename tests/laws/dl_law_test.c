/* dl_law - the engine against the plainest evaluator there is, on many small random programs, and
 * against matrices on graphs that are large enough for every way to keep tuples.
 *
 * Both must give the same relations; every proof must be a least one; nothing that is there has a
 * reason why not; a run that was reset must answer as a fresh one.
 *
 * WEFT_LAW_PROGRAMS=N tries N programs instead of the usual number, WEFT_LAW_SEED=N begins at another. */
#include "tests/kit/t.h"

#include <stdio.h>
#include <stdlib.h>

#include "datalog/datalog.h"
#include "tests/laws/dl_world.h"

enum { PROGRAMS = 4000, PROVED = 20 };

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t n = otherwise;
    if (text)
        CHECK_ERR(ERR_OK, slice_u64(slice_str(text), UINT32_MAX, &n));
    return n;
}

/* --- values --- */

static struct slice symbol_text(int64_t value, char *room, size_t size)
{
    snprintf(room, size, "s%lld", (long long)value);
    return slice_str(room);
}

static datalog_word to_word(const struct dl_world *w, struct datalog_run *run, int64_t value)
{
    char room[32];
    return w->symbols ? datalog_symbol(run, symbol_text(value, room, sizeof(room))) : value;
}

static void to_words(const struct dl_world *w, struct datalog_run *run, int rel, const int64_t *columns,
                     datalog_word *out)
{
    for (int c = 0; c < w->relations[rel].arity; c++)
        out[c] = to_word(w, run, columns[c]);
}

static int64_t from_word(const struct dl_world *w, const struct datalog_run *run, datalog_word word)
{
    if (!w->symbols)
        return word;
    uint64_t n = 0;
    CHECK_ERR(ERR_OK, slice_u64(slice_from(datalog_symbol_text(run, word), 1), UINT32_MAX, &n));
    return (int64_t)n;
}

/* --- the comparison --- */

static void give_facts(const struct dl_world *w, struct datalog_run *run, int shift)
{
    for (int i = 0; i < DL_WORLD_RELATIONS; i++)
        for (int k = 0; k < w->relations[i].count; k++) {
            const struct dl_world_tuple *t = &w->relations[i].tuples[k];
            datalog_word columns[DL_WORLD_COLUMNS];
            for (int c = 0; c < w->relations[i].arity; c++)
                columns[c] = to_word(w, run, t->columns[c] + shift);
            if (t->given)
                datalog_fact(run, i, columns);
        }
}

static void check_same(const struct dl_world *w, struct datalog_run *run)
{
    for (int i = 0; i < DL_WORLD_RELATIONS; i++) {
        CHECK_INT(w->relations[i].count, datalog_count(run, i));
        for (int k = 0; k < w->relations[i].count; k++) {
            datalog_word columns[DL_WORLD_COLUMNS];
            to_words(w, run, i, w->relations[i].tuples[k].columns, columns);
            CHECK(datalog_has(run, i, columns));
        }
    }
}

static int height_of(const struct dl_world *w, const struct datalog_run *run, const struct datalog_proof *n)
{
    int64_t columns[DL_WORLD_COLUMNS];
    for (int c = 0; c < w->relations[n->rel].arity; c++)
        columns[c] = from_word(w, run, n->columns[c]);
    const struct dl_world_tuple *t = dl_world_find(w, n->rel, columns);
    CHECK(t != NULL);
    return t->height;
}

static bool fits(const struct dl_world *w, const struct datalog_run *run, const struct datalog_proof *n,
                 const struct dl_world_tuple *t)
{
    for (int c = 0; c < w->relations[n->rel].arity; c++)
        if (n->columns[c] != INT64_MIN && from_word(w, run, n->columns[c]) != t->columns[c])
            return false;
    return true;
}

static void check_absent(const struct dl_world *w, const struct datalog_run *run, const struct datalog_proof *n)
{
    const struct dl_world_relation *r = &w->relations[n->rel];
    for (int k = 0; k < r->count; k++)
        CHECK(!fits(w, run, n, &r->tuples[k]));
}

/* A proof is a least one when every step is one higher than its highest premise. */
static void check_proof(const struct dl_world *w, const struct datalog_run *run, const struct datalog_proof *n)
{
    if (n->rel < 0)
        return;
    if (n->negated) {
        check_absent(w, run, n);
        return;
    }
    int highest = 0;
    if (n->rule.len == 0)
        CHECK_INT(0, height_of(w, run, n));
    if (n->rule.len == 0 || n->above)
        return;
    for (const struct datalog_proof *c = n->first; c; c = c->next) {
        int h = c->rel >= 0 && !c->negated ? height_of(w, run, c) : 0;
        highest = h > highest ? h : highest;
        check_proof(w, run, c);
    }
    CHECK_INT(height_of(w, run, n), highest + 1);
}

static void check_proofs(const struct dl_world *w, struct datalog_run *run)
{
    struct arena arena;
    arena_init(&arena, 0);
    for (int i = 0; i < DL_WORLD_RELATIONS; i++)
        for (int k = 0; k < w->relations[i].count && k < PROVED; k++) {
            struct datalog_proof *proof;
            datalog_word columns[DL_WORLD_COLUMNS];
            to_words(w, run, i, w->relations[i].tuples[k].columns, columns);
            CHECK_ERR(ERR_OK, datalog_explain(run, i, columns, &arena, &proof));
            check_proof(w, run, proof);
        }
    arena_fini(&arena);
}

static void check_why_not(struct dl_world *w, struct datalog_run *run, int rel, struct arena *arena)
{
    int64_t values[DL_WORLD_COLUMNS];
    datalog_word columns[DL_WORLD_COLUMNS];
    struct datalog_why_not *why = NULL;
    for (int c = 0; c < DL_WORLD_COLUMNS; c++)
        values[c] = w->constants[dl_world_pick(w, w->constant_count)];
    to_words(w, run, rel, values, columns);
    bool there = dl_world_find(w, rel, values) != NULL;
    CHECK_ERR(there ? ERR_EXISTS : ERR_OK, datalog_why_not(run, rel, columns, arena, &why));
    for (; why; why = why->next) {
        CHECK(why->held <= why->of && why->failed.len > 0);
        CHECK(!why->next || why->held >= why->next->held);
    }
}

static void check_absences(struct dl_world *w, struct datalog_run *run)
{
    struct arena arena;
    arena_init(&arena, 0);
    for (int i = 0; i < DL_WORLD_RELATIONS; i++)
        check_why_not(w, run, i, &arena);
    arena_fini(&arena);
}

static struct datalog *load(const struct dl_world *w)
{
    struct buf text;
    struct diag diag;
    struct datalog *p = NULL;
    buf_init(&text, BUF_TEXT_BOUND);
    diag_init(&diag);
    dl_world_put(w, &text);
    enum err e = datalog_load(&(struct datalog_text){.file = "law.dl", .text = buf_slice(&text), .open_ended = true}, 1,
                              &diag, &p);
    if (e != ERR_OK) {
        diag_print(&diag, &text);
        print_error("%s\n", buf_text(&text));
    }
    CHECK_ERR(ERR_OK, e);
    diag_fini(&diag);
    buf_fini(&text);
    return p;
}

/* Other facts first: nothing of them may be left. */
static void check_run(const struct dl_world *given, struct dl_world *want, const struct datalog *p, bool proofs)
{
    struct datalog_limits limits = {.proofs = proofs};
    struct datalog_run *run = datalog_run_new(p, &limits);
    const char *why = "";
    give_facts(given, run, 1);
    CHECK_ERR(ERR_OK, datalog_run_eval(run, &why));
    datalog_run_reset(run);
    give_facts(given, run, 0);
    CHECK_ERR(ERR_OK, datalog_run_eval(run, &why));
    check_same(want, run);
    if (proofs) {
        check_proofs(want, run);
        check_absences(want, run);
    }
    datalog_run_free(&run);
}

static void say(const struct dl_world *w, uint64_t seed)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    dl_world_put(w, &text);
    print_message("seed %llu\n%s", (unsigned long long)seed, buf_text(&text));
    buf_fini(&text);
}

static bool try_seed(uint64_t seed)
{
    static struct dl_world given, want;
    dl_world_make(&given, seed);
    want = given;
    dl_world_evaluate(&want);
    if (want.lost)
        return false;
    if (getenv("WEFT_LAW_SAY"))
        say(&given, seed);
    struct datalog *p = load(&given);
    check_run(&given, &want, p, false);
    check_run(&given, &want, p, true);
    datalog_free(&p);
    return true;
}

TEST(random_programs_mean_what_the_plain_evaluator_says)
{
    uint64_t tried = 0, programs = setting("WEFT_LAW_PROGRAMS", PROGRAMS), first = setting("WEFT_LAW_SEED", 1);
    for (uint64_t seed = first; seed < first + programs; seed++)
        tried += try_seed(seed);
    CHECK(tried > programs * 9 / 10);
}

/* --- graphs --- */

enum { NODES = 160, LABELS = 7 };

static const char graph_rules[] = ".decl edge(a:number, b:number)  .decl label(a:number, l:number)\n"
                                  ".decl path(a:number, b:number)  .decl same(a:number, b:number)\n"
                                  ".decl cut(a:number, b:number)   .decl many(a:number, n:number)\n"
                                  ".decl three(a:number, b:number, c:number)\n"
                                  "path(a, b) :- edge(a, b).\n"
                                  "path(a, c) :- path(a, b), edge(b, c).\n"
                                  "same(a, b) :- edge(p, a), edge(p, b).\n"
                                  "same(a, b) :- edge(p, a), same(p, q), edge(q, b).\n"
                                  "cut(a, b) :- label(a, l), label(b, l), !path(a, b).\n"
                                  "many(a, n) :- label(a, _), n = count : { path(a, _) }.\n"
                                  "three(a, b, c) :- edge(a, b), edge(b, c), edge(c, a), a <= b, a <= c.\n";

struct graph {
    struct dl_world dice; /* for its random numbers */
    int nodes;
    int64_t value[NODES];
    int label[NODES];
    bool edge[NODES][NODES], path[NODES][NODES], same[NODES][NODES];
};

/* Close together; from somewhere on; far apart; far apart from the middle on. */
static int64_t node_value(int kind, int node, int nodes)
{
    int64_t far = (int64_t)node * 5000000011;
    if (kind == 1)
        return node - 1000;
    return kind == 2 || (kind == 3 && node > nodes / 2) ? far : node;
}

static void graph_make(struct graph *g, uint64_t seed)
{
    memset(g, 0, sizeof(*g));
    g->dice.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    g->nodes = 2 + dl_world_pick(&g->dice, NODES - 2);
    int edges = dl_world_pick(&g->dice, 4 * g->nodes);
    for (int i = 0; i < g->nodes; i++) {
        g->value[i] = node_value((int)(seed % 4), i, g->nodes);
        g->label[i] = dl_world_pick(&g->dice, LABELS);
    }
    for (int i = 0; i < edges; i++)
        g->edge[dl_world_pick(&g->dice, g->nodes)][dl_world_pick(&g->dice, g->nodes)] = true;
}

static void graph_paths(struct graph *g)
{
    memcpy(g->path, g->edge, sizeof(g->path));
    for (int k = 0; k < g->nodes; k++)
        for (int i = 0; i < g->nodes; i++)
            for (int j = 0; g->path[i][k] && j < g->nodes; j++)
                g->path[i][j] |= g->path[k][j];
}

static bool spread(struct graph *g, int p, int q)
{
    bool news = false;
    for (int a = 0; a < g->nodes; a++)
        for (int b = 0; g->edge[p][a] && b < g->nodes; b++)
            if (g->edge[q][b] && !g->same[a][b])
                news = g->same[a][b] = true;
    return news;
}

static void graph_generations(struct graph *g)
{
    bool news = true;
    while (news) {
        news = false;
        for (int p = 0; p < g->nodes; p++)
            for (int q = 0; q < g->nodes; q++)
                if (p == q || g->same[p][q])
                    news |= spread(g, p, q);
    }
}

static void check_pairs(const struct graph *g, const struct datalog_run *run, int rel, const bool want[NODES][NODES])
{
    int count = 0;
    for (int i = 0; i < g->nodes; i++)
        for (int j = 0; j < g->nodes; j++) {
            const datalog_word columns[] = {g->value[i], g->value[j]};
            CHECK_INT(want[i][j], datalog_has(run, rel, columns));
            count += want[i][j];
        }
    CHECK_INT(count, datalog_count(run, rel));
}

static void check_cuts(const struct graph *g, const struct datalog_run *run, int rel)
{
    static bool cut[NODES][NODES];
    for (int i = 0; i < g->nodes; i++)
        for (int j = 0; j < g->nodes; j++)
            cut[i][j] = g->label[i] == g->label[j] && !g->path[i][j];
    check_pairs(g, run, rel, (const bool(*)[NODES])cut);
}

static void check_many(const struct graph *g, const struct datalog_run *run, int rel)
{
    CHECK_INT(g->nodes, datalog_count(run, rel));
    for (int i = 0; i < g->nodes; i++) {
        datalog_word columns[] = {g->value[i], 0};
        for (int j = 0; j < g->nodes; j++)
            columns[1] += g->path[i][j];
        CHECK(datalog_has(run, rel, columns));
    }
}

static void check_threes(const struct graph *g, const struct datalog_run *run, int rel)
{
    int count = 0;
    for (int a = 0; a < g->nodes; a++)
        for (int b = a; b < g->nodes; b++)
            for (int c = a; g->edge[a][b] && c < g->nodes; c++) {
                const datalog_word columns[] = {g->value[a], g->value[b], g->value[c]};
                bool want = g->edge[b][c] && g->edge[c][a];
                CHECK_INT(want, datalog_has(run, rel, columns));
                count += want;
            }
    CHECK_INT(count, datalog_count(run, rel));
}

static void give_graph(const struct graph *g, const struct datalog *p, struct datalog_run *run)
{
    int edge = datalog_relation(p, SLICE("edge")), label = datalog_relation(p, SLICE("label"));
    for (int i = 0; i < g->nodes; i++) {
        datalog_fact(run, label, (const datalog_word[]){g->value[i], g->label[i]});
        for (int j = 0; j < g->nodes; j++)
            if (g->edge[i][j])
                datalog_fact(run, edge, (const datalog_word[]){g->value[i], g->value[j]});
    }
}

static void check_graph(struct graph *g, const struct datalog *p, struct datalog_run *run)
{
    const char *why = "";
    graph_paths(g);
    graph_generations(g);
    datalog_run_reset(run);
    give_graph(g, p, run);
    CHECK_ERR(ERR_OK, datalog_run_eval(run, &why));
    check_pairs(g, run, datalog_relation(p, SLICE("path")), (const bool(*)[NODES])g->path);
    check_pairs(g, run, datalog_relation(p, SLICE("same")), (const bool(*)[NODES])g->same);
    check_cuts(g, run, datalog_relation(p, SLICE("cut")));
    check_many(g, run, datalog_relation(p, SLICE("many")));
    check_threes(g, run, datalog_relation(p, SLICE("three")));
}

static void check_graphs(uint64_t count, bool proofs)
{
    static struct graph g;
    struct diag diag;
    struct datalog *p = NULL;
    struct datalog_limits limits = {.proofs = proofs};
    diag_init(&diag);
    CHECK_ERR(ERR_OK,
              datalog_load(&(struct datalog_text){.file = "g.dl", .text = slice_str(graph_rules)}, 1, &diag, &p));
    struct datalog_run *run = datalog_run_new(p, &limits);
    for (uint64_t seed = 1; seed <= count; seed++) {
        graph_make(&g, seed);
        check_graph(&g, p, run);
    }
    datalog_run_free(&run);
    datalog_free(&p);
    diag_fini(&diag);
}

TEST(graphs_mean_what_matrices_say)
{
    check_graphs(setting("WEFT_LAW_PROGRAMS", PROGRAMS) / 200, false);
    check_graphs(setting("WEFT_LAW_PROGRAMS", PROGRAMS) / 400, true);
}

TESTS_BEGIN()
TESTS_RUN(random_programs_mean_what_the_plain_evaluator_says)
TESTS_RUN(graphs_mean_what_matrices_say)
TESTS_END()
