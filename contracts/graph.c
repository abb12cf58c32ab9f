#include "contracts/graph.h"

#include "base/check.h"
#include "contracts/rule_book.h"

static const char *const direction_names[] = {
    [VERDICT_REQUEST] = "request",
    [VERDICT_RESPONSE] = "response",
    [VERDICT_SURFACE] = "surface",
};

const char *graph_direction_name(enum verdict_direction d)
{
    return direction_names[d];
}

struct load {
    struct graph *g;
};

static struct slice text(const struct load *l, datalog_word word)
{
    return datalog_symbol_text(l->g->run, word);
}

static enum verdict_level level_of(struct slice name)
{
    if (slice_eq(name, SLICE("compatible")))
        return VERDICT_COMPATIBLE;
    return slice_eq(name, SLICE("breaking")) ? VERDICT_BREAKING : VERDICT_UNPROVEN;
}

static struct graph_node *node_at(struct graph *g, datalog_word direction, datalog_word writer, datalog_word reader)
{
    struct slice d = datalog_symbol_text(g->run, direction);
    struct slice w = datalog_symbol_text(g->run, writer), r = datalog_symbol_text(g->run, reader);
    datalog_word key[] = {direction, writer, reader};
    struct slice bytes = slice_of(key, sizeof(key));
    struct graph_node *n = map_get(&g->nodes, bytes);
    if (n)
        return n;
    n = arena_new(g->arena, sizeof(*n));
    *n = (struct graph_node){
        .direction = slice_eq(d, SLICE("request")) ? VERDICT_REQUEST : VERDICT_RESPONSE,
        .writer = w,
        .reader = r,
        .differs = datalog_has(g->run, g->incompat, key) || datalog_has(g->run, g->at_odds, key),
    };
    map_put(&g->nodes, arena_keep(g->arena, bytes), n);
    return n;
}

static enum graph_way way_of(struct slice name)
{
    static const char *const names[] = {
        [GRAPH_TYPE] = "type",   [GRAPH_MEMBER] = "member", [GRAPH_ITEM] = "item",
        [GRAPH_KEY] = "key",     [GRAPH_VALUE] = "value",   [GRAPH_BRANCH] = "branch",
        [GRAPH_MOVED] = "moved", [GRAPH_WRAP] = "wrap",     [GRAPH_HEAD] = "head",
    };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_eq(name, slice_str(names[i])))
            return (enum graph_way)i;
    bool known_way = false;
    POST(known_way);
    return GRAPH_TYPE;
}

static bool take_path(void *arg, const datalog_word *c)
{
    struct load *l = arg;
    struct graph_edge *e = arena_new(l->g->arena, sizeof(*e));
    struct graph_node *from = node_at(l->g, c[0], c[1], c[2]);
    *e = (struct graph_edge){
        .next = from->edges,
        .way = way_of(text(l, c[3])),
        .name = text(l, c[4]),
        .to = node_at(l->g, c[0], c[6], c[7]),
    };
    from->edges = e;
    return true;
}

static bool take_difference(void *arg, const datalog_word *c)
{
    struct load *l = arg;
    struct graph_difference *d = arena_new(l->g->arena, sizeof(*d));
    struct graph_node *n = node_at(l->g, c[0], c[3], c[4]);
    *d = (struct graph_difference){
        .next = n->differences,
        .node = n,
        .level = level_of(text(l, c[2])),
        .kind = text(l, c[1]),
        .from = text(l, c[5]),
        .to = text(l, c[6]),
        .sent = text(l, c[7]),
        .read = text(l, c[8]),
    };
    memcpy(d->columns, c, sizeof(d->columns));
    n->differences = d;
    return true;
}

static enum plan_op op_of(struct slice name)
{
    for (unsigned i = 0; i < PLAN_OP_COUNT; i++)
        if (slice_eq(name, slice_str(plan_op_name((enum plan_op)i))))
            return (enum plan_op)i;
    bool known_step = false;
    POST(known_step);
    return PLAN_DROP;
}

static bool take_step(void *arg, const datalog_word *c)
{
    struct load *l = arg;
    struct graph_step *s = arena_new(l->g->arena, sizeof(*s));
    *s = (struct graph_step){
        .op = op_of(text(l, c[6])),
        .name = text(l, c[7]),
        .becomes = text(l, c[8]),
        .value = text(l, c[9]),
        .why = text(l, c[10]),
    };
    for (struct graph_difference *d = node_at(l->g, c[0], c[2], c[3])->differences; d; d = d->next)
        if (slice_eq(d->kind, text(l, c[1])) && slice_eq(d->from, text(l, c[4])) && slice_eq(d->to, text(l, c[5])) &&
            !d->step)
            d->step = s;
    return true;
}

static bool take_widened(void *arg, const datalog_word *c)
{
    struct load *l = arg;
    node_at(l->g, c[0], c[1], c[2])->widened = text(l, c[3]);
    return true;
}

static bool take_root(void *arg, const datalog_word *c)
{
    struct load *l = arg;
    struct graph_root *r = arena_new(l->g->arena, sizeof(*r));
    *r = (struct graph_root){
        .operation = text(l, c[1]),
        .body = slice_eq(text(l, c[2]), SLICE("body")),
        .status = text(l, c[3]),
        .media = text(l, c[4]),
        .node = node_at(l->g, c[0], c[5], c[6]),
    };
    datalog_word columns[] = {c[0], c[1], c[5], c[6]};
    r->fits = datalog_has(l->g->run, l->g->fits, columns);
    r->next = map_put(&l->g->roots, r->operation, r);
    return true;
}

static bool take_surface(void *arg, const datalog_word *c)
{
    struct load *l = arg;
    struct graph_surface *s = arena_new(l->g->arena, sizeof(*s));
    *s = (struct graph_surface){
        .next = l->g->surfaces,
        .kind = text(l, c[0]),
        .level = level_of(text(l, c[1])),
        .operation = text(l, c[2]),
        .consumer = text(l, c[3]),
        .provider = text(l, c[4]),
        .was = text(l, c[5]),
        .now = text(l, c[6]),
        .witness = text(l, c[7]),
    };
    memcpy(s->columns, c, sizeof(s->columns));
    l->g->surfaces = s;
    return true;
}

static bool take_spanned(void *arg, const datalog_word *c)
{
    struct load *l = arg;
    for (struct graph_surface *s = l->g->surfaces; s; s = s->next)
        s->spanned = s->spanned || (s->columns[0] == c[0] && memcmp(&s->columns[2], &c[1], 5 * sizeof(*c)) == 0);
    return true;
}

static bool take_head(void *arg, const datalog_word *c)
{
    struct load *l = arg;
    struct graph_head *h = arena_new(l->g->arena, sizeof(*h));
    *h = (struct graph_head){
        .direction = slice_eq(text(l, c[0]), SLICE("request")) ? VERDICT_REQUEST : VERDICT_RESPONSE,
        .op = op_of(text(l, c[2])),
        .from = text(l, c[3]),
        .to = text(l, c[4]),
        .why = text(l, c[5]),
    };
    h->next = map_put(&l->g->heads, text(l, c[1]), h);
    return true;
}

/* --- What the rule book says of kinds. */

static struct slice place_of(struct graph *g, const struct slice *rule_direction_locus)
{
    const struct slice *c = rule_direction_locus;
    return arena_putf(g->arena, "%.*s %.*s %.*s", SLICE_FMT(c[0]), SLICE_FMT(c[1]), SLICE_FMT(c[2]));
}

static void read_names(struct graph *g, struct map *by_place)
{
    struct rule_book_row row;
    for (struct rule_book_cursor c = {0}; rule_book_next(&c, "equivalent", &row);) {
        struct slice place = place_of(g, row.column);
        struct graph_name *n = arena_new(g->arena, sizeof(*n));
        *n = (struct graph_name){.next = map_get(by_place, place), .name = row.column[3]};
        map_put(by_place, place, n);
    }
}

static void read_kinds(struct graph *g)
{
    struct rule_book_row row;
    struct map by_place = {0};
    read_names(g, &by_place);
    for (struct rule_book_cursor c = {0}; rule_book_next(&c, "kind", &row);) {
        struct graph_kind *k = arena_new(g->arena, sizeof(*k));
        struct slice place[] = {row.column[2], row.column[1], row.column[3]};
        *k = (struct graph_kind){.rule = row.column[2],
                                 .message = row.column[6],
                                 .fix = row.column[7],
                                 .names = map_get(&by_place, place_of(g, place))};
        map_put(&g->kinds, arena_putf(g->arena, "%.*s %.*s", SLICE_FMT(row.column[0]), SLICE_FMT(row.column[1])), k);
    }
    map_fini(&by_place);
}

static void put_name(struct graph *g, struct map *names, struct slice bytes, datalog_word name)
{
    struct slice text = datalog_symbol_text(g->run, name);
    struct graph_name *first = map_get(names, bytes);
    for (const struct graph_name *n = first; n; n = n->next)
        if (slice_eq(n->name, text))
            return;
    struct graph_name *n = arena_new(g->arena, sizeof(*n));
    *n = (struct graph_name){.next = first, .name = text};
    map_put(names, arena_keep(g->arena, bytes), n);
}

static bool take_name(void *arg, const datalog_word *c)
{
    struct load *l = arg;
    put_name(l->g, &l->g->names, slice_of(c, 3 * sizeof(*c)), c[3]);
    return true;
}

static bool take_called(void *arg, const datalog_word *c)
{
    struct load *l = arg;
    put_name(l->g, &l->g->called, slice_of(c, 4 * sizeof(*c)), c[4]);
    return true;
}

static bool take_served(void *arg, const datalog_word *c)
{
    struct load *l = arg;
    struct slice *provider = arena_new(l->g->arena, sizeof(*provider));
    *provider = text(l, c[1]);
    map_put(&l->g->served, text(l, c[0]), provider);
    return true;
}

static void each(struct graph *g, const char *relation, datalog_each_fn *fn)
{
    struct load l = {.g = g};
    int rel = datalog_relation(datalog_run_program(g->run), slice_str(relation));
    PRE(rel >= 0);
    datalog_each(g->run, rel, fn, &l);
}

void graph_init(struct graph *g, struct datalog_run *run, struct arena *arena, bool plans)
{
    *g = (struct graph){.run = run, .arena = arena};
    g->difference = datalog_relation(datalog_run_program(run), SLICE("difference"));
    g->fits = datalog_relation(datalog_run_program(run), SLICE("fits"));
    g->clash = datalog_relation(datalog_run_program(run), SLICE("clash"));
    g->surface = datalog_relation(datalog_run_program(run), SLICE("surface"));
    g->incompat = datalog_relation(datalog_run_program(run), SLICE("incompat"));
    g->unstable = datalog_relation(datalog_run_program(run), SLICE("unstable"));
    g->at_odds = datalog_relation(datalog_run_program(run), SLICE("at_odds"));
    read_kinds(g);
    each(g, "served", take_served);
    each(g, "path", take_path);
    each(g, "difference", take_difference);
    if (plans)
        each(g, "step", take_step);
    each(g, "widened", take_widened);
    each(g, "root", take_root);
    each(g, "surface", take_surface);
    if (plans)
        each(g, "spanned", take_spanned);
    if (plans)
        each(g, "head", take_head);
    each(g, "named", take_name);
    each(g, "named_surface", take_name);
    each(g, "named_kind", take_called);
}

void graph_fini(struct graph *g)
{
    map_fini(&g->nodes);
    map_fini(&g->roots);
    map_fini(&g->kinds);
    map_fini(&g->served);
    map_fini(&g->heads);
    map_fini(&g->names);
    map_fini(&g->called);
}

const struct graph_name *graph_names(const struct graph *g, const struct graph_difference *d)
{
    const datalog_word key[] = {d->columns[0], d->columns[3], d->columns[4]};
    const datalog_word of_kind[] = {d->columns[0], d->columns[1], d->columns[3], d->columns[4]};
    const struct graph_name *called = map_get(&g->called, slice_of(of_kind, sizeof(of_kind)));
    return called ? called : map_get(&g->names, slice_of(key, sizeof(key)));
}

const struct graph_name *graph_surface_names(const struct graph *g, const struct graph_surface *s)
{
    const datalog_word key[] = {s->columns[0], s->columns[3], s->columns[4]};
    return map_get(&g->names, slice_of(key, sizeof(key)));
}

const struct graph_kind *graph_kind(const struct graph *g, struct slice kind, enum verdict_direction direction)
{
    struct slice key = arena_putf(g->arena, "%.*s %s", SLICE_FMT(kind), graph_direction_name(direction));
    const struct graph_kind *k = map_get(&g->kinds, key);
    POST(k);
    return k;
}

struct slice graph_served(const struct graph *g, struct slice operation)
{
    const struct slice *provider = map_get(&g->served, operation);
    return provider ? *provider : (struct slice){0};
}

struct graph_root *graph_roots(const struct graph *g, struct slice operation)
{
    return map_get(&g->roots, operation);
}

const struct graph_head *graph_heads(const struct graph *g, struct slice operation)
{
    return map_get(&g->heads, operation);
}

bool graph_unstable(const struct graph *g, struct slice operation)
{
    datalog_word word;
    return datalog_symbol_find(g->run, operation, &word) == ERR_OK && datalog_has(g->run, g->unstable, &word);
}

bool graph_changed(const struct graph *g, struct slice operation)
{
    datalog_word word;
    if (datalog_symbol_find(g->run, operation, &word) != ERR_OK)
        return false;
    return datalog_has(g->run, datalog_relation(datalog_run_program(g->run), SLICE("changed")), &word);
}
