#include "contracts/verdict.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "contracts/facts.h"
#include "contracts/finding.h"
#include "contracts/graph.h"
#include "contracts/planner.h"
#include "contracts/witness.h"

struct verdict {
    atomic_uint refs;
    struct arena arena;
    struct contract *consumer, *provider;
    enum verdict_level level;
    bool hit_limit;
    struct verdict_operation *operations;
    size_t operation_count;
    struct verdict_finding *findings;
    size_t finding_count;
};

/* A finding under way: the differences that are one edit, and the operations they reach. */
struct group {
    struct group *next;
    const struct graph_difference *difference; /* the first; NULL: a surface */
    const struct graph_surface *surface;
    enum verdict_level level;
    const char *no_plan; /* why steps could not be placed; NULL or empty: not said */
    bool request, response;
    bool looked;          /* for a witness */
    struct slice witness; /* a body */
    struct slice *operations;
    size_t operation_count, operation_room;
};

/* What is known of a difference, asked once however many operations reach it. */
struct known {
    bool asked, shown; /* is there a value that the reader refuses? */
    bool bodied;       /* and a body with it, that the writer may send */
    struct slice value;
    struct group *group[VERDICT_BREAKING + 1]; /* by the level it came out with */
};

struct computing {
    struct verdict *v;
    struct graph graph;
    struct arena scratch;
    struct map groups; /* by what makes an edit one */
    struct group *first, **last;
    size_t group_count;
    struct map known; /* difference to struct known */
    struct sample_work work;
    unsigned walk;
};

const char *verdict_level_name(enum verdict_level l)
{
    static const char *const names[] = {
        [VERDICT_SAME] = "same",         [VERDICT_COMPATIBLE] = "compatible", [VERDICT_ADAPTABLE] = "adaptable",
        [VERDICT_UNPROVEN] = "unproven", [VERDICT_BREAKING] = "breaking",
    };
    PRE(l <= VERDICT_BREAKING);
    return names[l];
}

static const struct shape *shape_of_writer(const struct computing *c, enum verdict_direction d)
{
    return contract_shape(d == VERDICT_REQUEST ? c->v->consumer : c->v->provider);
}

static const struct shape *shape_of_reader(const struct computing *c, enum verdict_direction d)
{
    return contract_shape(d == VERDICT_REQUEST ? c->v->provider : c->v->consumer);
}

/* --- Breaks are shown, not believed. */

static struct known *known_of(struct computing *c, const struct graph_difference *d)
{
    struct slice key = slice_of(&d, sizeof(const struct graph_difference *));
    struct known *k = map_get(&c->known, key);
    if (k)
        return k;
    k = arena_new(&c->scratch, sizeof(*k));
    map_put(&c->known, arena_keep(&c->scratch, key), k);
    return k;
}

static struct witness_pair pair_at(struct computing *c, enum verdict_direction direction, struct slice writer,
                                   struct slice reader)
{
    return (struct witness_pair){
        .writer = shape_of_writer(c, direction),
        .reader = shape_of_reader(c, direction),
        .from = writer,
        .to = reader,
        .direction = slice_str(graph_direction_name(direction)),
        .work = &c->work,
    };
}

/* Words that are compared as text only; a value may show that they differ. */
static bool is_word(const struct graph_difference *d)
{
    return slice_eq(d->kind, SLICE("pattern")) || slice_eq(d->kind, SLICE("not-understood"));
}

/* The pair in which a value has to show the difference. */
static struct witness_pair pair_of(struct computing *c, const struct graph_difference *d)
{
    bool branch = slice_eq(d->kind, SLICE("branch-unknown"));
    struct witness_pair pair = pair_at(c, d->node->direction, branch ? d->from : d->node->writer, d->node->reader);
    if (slice_eq(d->kind, SLICE("symbol-unknown")) || slice_eq(d->kind, SLICE("member-unknown")))
        pair.hint = d->sent;
    if (is_word(d)) {
        bool pattern = slice_eq(d->kind, SLICE("pattern"));
        pair.word = pattern ? d->kind : d->sent;
        pair.text = d->read;
    }
    return pair;
}

static bool show_break(struct computing *c, const struct graph_difference *d, struct known *k)
{
    if (k->asked)
        return k->shown;
    k->asked = true;
    struct witness_pair pair = pair_of(c, d);
    struct buf value;
    buf_init(&value, BUF_TEXT_BOUND);
    k->shown = witness_find(&pair, &value) == ERR_OK;
    k->value = arena_keep(&c->scratch, buf_slice(&value));
    buf_fini(&value);
    return k;
}

static enum verdict_level unbridged(struct computing *c, const struct graph_difference *d, struct known *k)
{
    bool word = d->level == VERDICT_UNPROVEN && is_word(d);
    if (d->level != VERDICT_BREAKING && !word)
        return d->level;
    return show_break(c, d, k) ? VERDICT_BREAKING : VERDICT_UNPROVEN;
}

/* --- Groups: one edit, one finding. */

static struct slice side_of(enum verdict_direction d, bool consumer, struct slice writer, struct slice reader)
{
    return (d == VERDICT_REQUEST) == consumer ? writer : reader;
}

static struct group *group_at(struct computing *c, struct slice key)
{
    struct group *g = map_get(&c->groups, key);
    if (g)
        return g;
    g = arena_new(&c->scratch, sizeof(*g));
    map_put(&c->groups, arena_keep(&c->scratch, key), g);
    *c->last = g;
    c->last = &g->next;
    c->group_count++;
    return g;
}

static struct slice key_of(struct computing *c, const struct graph_difference *d, enum verdict_level level)
{
    enum verdict_direction dir = d->node->direction;
    struct slice parts[] = {
        d->kind,
        side_of(dir, true, d->from, d->to),
        side_of(dir, false, d->from, d->to),
        side_of(dir, true, d->sent, d->read),
        side_of(dir, false, d->sent, d->read),
    };
    struct slice key = arena_putf(&c->scratch, "%u", (unsigned)level);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        key = arena_putf(&c->scratch, "%.*s %zu:%.*s", SLICE_FMT(key), parts[i].len, SLICE_FMT(parts[i]));
    return key;
}

static void add_operation(struct computing *c, struct group *g, struct slice operation)
{
    if (g->operation_count > 0 && slice_eq(g->operations[g->operation_count - 1], operation))
        return;
    if (g->operation_count == g->operation_room) {
        size_t room = g->operation_room ? g->operation_room * 2 : 4;
        struct slice *bigger = arena_array(&c->scratch, room, sizeof(*bigger));
        if (g->operation_count)
            memcpy(bigger, g->operations, g->operation_count * sizeof(*bigger));
        g->operations = bigger;
        g->operation_room = room;
    }
    g->operations[g->operation_count++] = operation;
}

/* --- Walks: what an operation's body leads to. */

struct visit {
    struct graph_node *node;
    size_t from; /* in the queue */
    enum graph_way way;
    struct slice name; /* of the member */
};

struct walk {
    struct visit *queue;
    size_t count, room;
};

static void enqueue(struct computing *c, struct walk *w, struct graph_node *n, const struct visit *visit)
{
    if (n->walk == c->walk)
        return;
    n->walk = c->walk;
    if (w->count == w->room) {
        w->room = w->room ? w->room * 2 : 64;
        w->queue = mem_resize(w->queue, w->room, sizeof(*w->queue));
    }
    w->queue[w->count] = *visit;
    w->queue[w->count++].node = n;
}

/* Breadth first, so that the way to each node is a shortest one. */
static void walk_from(struct computing *c, struct walk *w, const struct graph_root *root)
{
    c->walk++;
    w->count = 0;
    enqueue(c, w, root->node, &(struct visit){.way = GRAPH_TYPE});
    for (size_t i = 0; i < w->count; i++)
        for (const struct graph_edge *e = w->queue[i].node->edges; e; e = e->next)
            if (e->to->differs)
                enqueue(c, w, e->to, &(struct visit){.from = i, .way = e->way, .name = e->name});
}

static struct witness_step *way_to(struct computing *c, const struct walk *w, size_t at, size_t *length)
{
    size_t count = 1;
    for (size_t i = at; i != 0; i = w->queue[i].from)
        count++;
    struct witness_step *way = arena_array(&c->scratch, count, sizeof(*way));
    *length = count;
    for (size_t i = at, k = count; k-- > 0; i = w->queue[i].from) {
        way[k].position = w->queue[i].node->writer;
        way[k].name = w->queue[i].name;
        way[k].kind = w->queue[i].way == GRAPH_MEMBER  ? WITNESS_MEMBER
                      : w->queue[i].way == GRAPH_ITEM  ? WITNESS_ITEM
                      : w->queue[i].way == GRAPH_VALUE ? WITNESS_VALUE
                                                       : WITNESS_SAME;
    }
    return way;
}

/* The whole body around the value, or empty. */
static struct slice body_of(struct computing *c, const struct walk *w, size_t at, const struct witness_pair *pair,
                            struct slice value)
{
    size_t count;
    if (c->work.budget == 0)
        return (struct slice){0};
    struct witness_step *way = way_to(c, w, at, &count);
    struct buf body;
    buf_init(&body, BUF_TEXT_BOUND);
    struct slice kept = {0};
    if (witness_wrap(pair, way, count, value, &body) == ERR_OK)
        kept = arena_keep(&c->scratch, buf_slice(&body));
    c->work.budget -= kept.len < c->work.budget ? kept.len : c->work.budget;
    buf_fini(&body);
    return kept;
}

static bool through_branch(const struct walk *w, size_t at)
{
    for (; at != 0; at = w->queue[at].from)
        if (w->queue[at].way == GRAPH_BRANCH)
            return true;
    return false;
}

/* What one branch of a union refuses another may take, so there the body as a whole has to be refused.  Empty: none is.
 */
static struct slice refused_body(struct computing *c, const struct walk *w, size_t at, const struct graph_difference *d)
{
    const struct graph_node *root = w->queue[0].node;
    struct witness_pair body = pair_at(c, root->direction, root->writer, root->reader), pair = pair_of(c, d);
    pair.body = &body;
    pair.way = way_to(c, w, at, &pair.way_count);
    struct buf value;
    buf_init(&value, BUF_TEXT_BOUND);
    bool found = witness_find(&pair, &value) == ERR_OK;
    if (!found && body.writer->avro) {
        body.any_branch = true;
        found = witness_find(&pair, &value) == ERR_OK;
    }
    struct slice whole = found ? body_of(c, w, at, &pair, buf_slice(&value)) : (struct slice){0};
    buf_fini(&value);
    return whole;
}

/* A body or parameter of an operation, and what there is to do about it. */
struct judged {
    const struct graph_root *root;
    struct plan *plan;
    const char *no_plan; /* every difference has a step, but there is no plan: why */
};

static struct group *group_of(struct computing *c, const struct graph_difference *d, struct known *k,
                              enum verdict_level level, const struct judged *j)
{
    struct group *g = k->group[level];
    if (!g)
        g = k->group[level] = group_at(c, key_of(c, d, level));
    if (!g->difference) {
        g->difference = d;
        g->level = level;
        g->no_plan = d->step ? j->no_plan : NULL;
    }
    g->request = g->request || d->node->direction == VERDICT_REQUEST;
    g->response = g->response || d->node->direction == VERDICT_RESPONSE;
    return g;
}

static struct slice shown_body(struct computing *c, const struct walk *w, size_t at, const struct graph_difference *d,
                               struct known *k)
{
    struct witness_pair pair = pair_at(c, d->node->direction, d->node->writer, d->node->reader);
    return show_break(c, d, k) ? body_of(c, w, at, &pair, k->value) : (struct slice){0};
}

/* A break is one when a body shows it.  A body of one operation does for all that reach the difference, but where
 * branches may take what another refuses. */
static enum verdict_level bodied(struct computing *c, const struct walk *w, size_t at, const struct graph_difference *d,
                                 struct known *k, struct slice *body)
{
    if (k->bodied && !through_branch(w, at))
        return VERDICT_BREAKING;
    const struct graph_node *root = w->queue[0].node;
    struct witness_pair whole = pair_at(c, root->direction, root->writer, root->reader);
    *body = shown_body(c, w, at, d, k);
    if (body->len == 0 || !witness_refused(&whole, *body))
        *body = refused_body(c, w, at, d);
    k->bodied = k->bodied || body->len > 0;
    return body->len ? VERDICT_BREAKING : VERDICT_UNPROVEN;
}

static enum verdict_level report(struct computing *c, const struct walk *w, size_t at, const struct graph_difference *d,
                                 const struct judged *j)
{
    bool bridged = d->step && !j->no_plan;
    struct known *k = known_of(c, d);
    enum verdict_level level = bridged ? VERDICT_ADAPTABLE : unbridged(c, d, k);
    struct slice body = {0};
    if (level == VERDICT_BREAKING)
        level = bodied(c, w, at, d, k, &body);
    struct group *g = group_of(c, d, k, level, j);
    add_operation(c, g, j->root->operation);
    if (g->witness.len == 0 && (body.len || (bridged && !g->looked)))
        g->witness = body.len ? body : shown_body(c, w, at, d, k);
    g->looked = true;
    return level;
}

static void report_root(struct computing *c, struct walk *w, const struct judged *j, enum verdict_level *worst)
{
    /* What does not fit is never better than unproven or adaptable, whatever the walk finds. */
    if (!j->plan && *worst < VERDICT_UNPROVEN)
        *worst = VERDICT_UNPROVEN;
    walk_from(c, w, j->root);
    for (size_t i = 0; i < w->count; i++)
        for (const struct graph_difference *d = w->queue[i].node->differences; d; d = d->next) {
            enum verdict_level level = report(c, w, i, d, j);
            *worst = level > *worst ? level : *worst;
        }
}

static bool all_bridged(const struct walk *w)
{
    for (size_t i = 0; i < w->count; i++)
        for (const struct graph_difference *d = w->queue[i].node->differences; d; d = d->next)
            if (!d->step)
                return false;
    return true;
}

/* What may be the body of an error. */
static bool is_error(struct slice status)
{
    return status.len > 0 && (status.at[0] == '4' || status.at[0] == '5' || slice_eq(status, SLICE("default")));
}

static struct judged judge_root(struct computing *c, struct walk *w, struct graph_root *root)
{
    struct judged j = {.root = root};
    if (root->fits)
        return j;
    struct planner planner = {
        .writer = shape_of_writer(c, root->node->direction),
        .reader = shape_of_reader(c, root->node->direction),
        .arena = &c->scratch,
    };
    walk_from(c, w, root);
    if (!all_bridged(w))
        return j;
    if (is_error(root->status))
        j.no_plan = "bodies of errors are not rewritten";
    else if (planner_make(&planner, root, &j.plan, &j.no_plan) != ERR_OK)
        POST(j.no_plan);
    return j;
}

/* --- Operations. */

static bool same_plan(const struct plan *a, const struct plan *b)
{
    struct buf x, y;
    buf_init(&x, BUF_TEXT_BOUND);
    buf_init(&y, BUF_TEXT_BOUND);
    if (a)
        plan_put(a, &x);
    if (b)
        plan_put(b, &y);
    bool same = slice_eq(buf_slice(&x), buf_slice(&y));
    buf_fini(&x);
    buf_fini(&y);
    return same;
}

struct bodies {
    struct judged *v;
    size_t count;
};

/* One plan has to do for all bodies of one direction, since it is chosen before the body is seen. */
static void agree(struct bodies *b)
{
    const struct judged *first = NULL;
    bool differ = false;
    for (size_t i = 0; i < b->count; i++) {
        if (!b->v[i].root->body || is_error(b->v[i].root->status))
            continue;
        differ = differ || (first && !same_plan(first->plan, b->v[i].plan));
        first = first ? first : &b->v[i];
    }
    for (size_t i = 0; i < b->count && differ; i++) {
        if (b->v[i].plan)
            b->v[i].no_plan = "its bodies need different steps";
        plan_unref(&b->v[i].plan);
    }
}

static struct plan *take_plan(struct bodies *b)
{
    struct plan *taken = NULL;
    for (size_t i = 0; i < b->count; i++) {
        if (taken)
            plan_unref(&b->v[i].plan);
        else
            taken = b->v[i].plan;
        b->v[i].plan = NULL;
    }
    return taken;
}

static struct plan *judge_direction(struct computing *c, struct walk *w, struct graph_root *roots,
                                    enum verdict_direction direction, enum verdict_level *worst)
{
    size_t room = 0;
    for (const struct graph_root *r = roots; r; r = r->next)
        room++;
    struct bodies b = {.v = arena_array(&c->scratch, room + 1, sizeof(*b.v))};
    for (struct graph_root *r = roots; r; r = r->next)
        if (r->node->direction == direction)
            b.v[b.count++] = judge_root(c, w, r);
    agree(&b);
    for (size_t i = 0; i < b.count; i++)
        if (!b.v[i].root->fits)
            report_root(c, w, &b.v[i], worst);
    return take_plan(&b);
}

static void judge_operation(struct computing *c, struct walk *w, struct verdict_operation *op)
{
    op->provider_name = arena_keep(&c->v->arena, graph_served(&c->graph, op->name));
    bool same = slice_eq(op->name, op->provider_name) && !graph_changed(&c->graph, op->name);
    op->level = same ? VERDICT_SAME : VERDICT_COMPATIBLE;
    struct graph_root *roots = graph_roots(&c->graph, op->name);
    op->request = judge_direction(c, w, roots, VERDICT_REQUEST, &op->level);
    op->response = judge_direction(c, w, roots, VERDICT_RESPONSE, &op->level);
}

static void judge_surface(struct computing *c, const struct graph_surface *s)
{
    int i = contract_operation(c->v->consumer, s->operation);
    /* A contract as a whole is no operation. */
    POST(i >= 0 || s->operation.len == 0 || s->level == VERDICT_COMPATIBLE);
    if (i >= 0) {
        struct verdict_operation *op = &c->v->operations[i];
        op->level = s->level > op->level ? s->level : op->level;
    }
    struct group *g = arena_new(&c->scratch, sizeof(*g));
    *g = (struct group){.surface = s, .level = s->level};
    *c->last = g;
    c->last = &g->next;
    c->group_count++;
    if (i >= 0)
        add_operation(c, g, s->operation);
}

static void judge_operations(struct computing *c)
{
    struct walk w = {0};
    for (size_t i = 0; i < c->v->operation_count; i++)
        judge_operation(c, &w, &c->v->operations[i]);
    for (const struct graph_surface *s = c->graph.surfaces; s; s = s->next)
        judge_surface(c, s);
    mem_free(w.queue);
    /* A plan is used only where it makes everything right. */
    for (size_t i = 0; i < c->v->operation_count; i++) {
        struct verdict_operation *op = &c->v->operations[i];
        if (op->level == VERDICT_ADAPTABLE)
            continue;
        plan_unref(&op->request);
        plan_unref(&op->response);
    }
}

/* --- Findings. */

static struct slice *keep_all(struct arena *a, const struct slice *v, size_t count)
{
    struct slice *kept = arena_array(a, count + 1, sizeof(*kept));
    for (size_t i = 0; i < count; i++)
        kept[i] = arena_keep(a, v[i]);
    return kept;
}

static void finish(struct computing *c, const struct group *g, struct verdict_finding *f)
{
    struct arena *keep = &c->v->arena;
    struct finding_source source = {.graph = &c->graph,
                                    .consumer = c->v->consumer,
                                    .provider = c->v->provider,
                                    .keep = keep,
                                    .scratch = &c->scratch};
    if (g->surface)
        finding_of_surface(&source, g->surface, f);
    else
        finding_of_difference(&source, g->difference, f);
    f->level = g->level;
    f->both_directions = g->request && g->response;
    f->operations = keep_all(keep, g->operations, g->operation_count);
    f->operation_count = g->operation_count;
    f->operation = g->operation_count ? f->operations[0] : (struct slice){0};
    if (g->witness.len)
        f->witness = arena_keep(keep, g->witness);
    if (g->no_plan)
        f->message = arena_putf(keep, "%.*s; no plan: %s", SLICE_FMT(f->message), g->no_plan);
}

static int worst_first(const void *a, const void *b)
{
    const struct verdict_finding *x = a, *y = b;
    if (x->level != y->level)
        return x->level > y->level ? -1 : 1;
    int order = slice_cmp(x->where, y->where);
    return order ? order : slice_cmp(x->id, y->id);
}

/* More than anybody reads; two contracts that have nothing in common differ everywhere. */
enum { FINDINGS_MOST = 1000 };

static void say_more(struct computing *c, size_t count, enum verdict_level worst)
{
    struct verdict *v = c->v;
    struct slice *names = arena_array(&v->arena, v->operation_count + 1, sizeof(*names));
    for (size_t i = 0; i < v->operation_count; i++)
        names[i] = v->operations[i].name;
    v->findings[v->finding_count++] = (struct verdict_finding){
        .level = worst,
        .direction = VERDICT_SURFACE,
        .id = SLICE("ffffffffffffffff"),
        .rule = SLICE("more"),
        .operations = names,
        .operation_count = v->operation_count,
        .message = arena_putf(&v->arena, "%zu more findings are not shown", count),
        .fix = SLICE("mend these first"),
    };
}

static void finish_all(struct computing *c)
{
    struct verdict *v = c->v;
    size_t left = 0;
    enum verdict_level worst_left = VERDICT_SAME;
    v->findings = arena_array(&v->arena, FINDINGS_MOST + 1, sizeof(*v->findings));
    for (enum verdict_level level = VERDICT_BREAKING; level >= VERDICT_COMPATIBLE; level--)
        for (const struct group *g = c->first; g; g = g->next) {
            if (g->level != level)
                continue;
            if (v->finding_count < FINDINGS_MOST) {
                finish(c, g, &v->findings[v->finding_count++]);
                continue;
            }
            left++;
            worst_left = level > worst_left ? level : worst_left;
        }
    if (left)
        say_more(c, left, worst_left);
    if (v->finding_count)
        qsort(v->findings, v->finding_count, sizeof(*v->findings), worst_first);
}

/* --- The whole. */

enum { WITNESS_BYTES = 16 << 20 };
/* Enough for contracts at their bounds that are made by people; a run past them is stopped within a second or so. */
static const struct datalog_limits peer_limits = {
    .max_tuples = 2000000, .max_steps = 100000000, .max_bytes = 64 << 20, .proofs = true};
/* Files may be larger than what a peer may send, and whoever names them waits. */
static const struct datalog_limits file_limits = {
    .max_tuples = 30000000, .max_steps = 2000000000, .max_bytes = 1 << 30, .proofs = true};

static void undecided(struct verdict *v, const char *why)
{
    v->hit_limit = true;
    v->findings = arena_array(&v->arena, 1, sizeof(*v->findings));
    v->finding_count = 1;
    struct slice *names = arena_array(&v->arena, v->operation_count + 1, sizeof(*names));
    for (size_t i = 0; i < v->operation_count; i++) {
        v->operations[i].level = VERDICT_UNPROVEN;
        names[i] = v->operations[i].name;
    }
    v->findings[0] = (struct verdict_finding){
        .level = VERDICT_UNPROVEN,
        .direction = VERDICT_SURFACE,
        .id = SLICE("0000000000000000"),
        .rule = SLICE("limit"),
        .operations = names,
        .operation_count = v->operation_count,
        .where = arena_keep(&v->arena, contract_name(v->provider)),
        .message = arena_putf(&v->arena, "the comparison was stopped: %s", why ? why : "a limit"),
        .fix = SLICE("make the contracts smaller"),
    };
}

static void compute(struct verdict *v, const char *profile, const struct datalog_limits *limits)
{
    struct datalog_run *run = facts_run(v->consumer, v->provider, profile, limits);
    const char *why = NULL;
    if (datalog_run_eval(run, &why) != ERR_OK) {
        undecided(v, why);
        datalog_run_free(&run);
        return;
    }
    struct computing c = {.v = v};
    c.last = &c.first;
    sample_work_init(&c.work, WITNESS_BYTES);
    arena_init(&c.scratch, 0);
    graph_init(&c.graph, run, &c.scratch);
    judge_operations(&c);
    finish_all(&c);
    graph_fini(&c.graph);
    map_fini(&c.groups);
    map_fini(&c.known);
    sample_work_fini(&c.work);
    arena_fini(&c.scratch);
    datalog_run_free(&run);
}

static bool same_text(const struct verdict *v)
{
    return memcmp(contract_digest(v->consumer), contract_digest(v->provider), sizeof(struct hash_digest)) == 0;
}

static struct verdict *judge(struct contract *consumer, struct contract *provider, const char *profile,
                             const struct datalog_limits *limits)
{
    struct verdict *v = mem_new(sizeof(*v));
    atomic_init(&v->refs, 1);
    arena_init(&v->arena, 0);
    v->consumer = contract_ref(consumer);
    v->provider = contract_ref(provider);
    v->operation_count = contract_operation_count(consumer);
    v->operations = arena_array(&v->arena, v->operation_count + 1, sizeof(*v->operations));
    for (size_t i = 0; i < v->operation_count; i++) {
        struct slice name = contract_operation_name(consumer, i);
        v->operations[i] = (struct verdict_operation){.name = name, .provider_name = name};
    }
    if (!same_text(v))
        compute(v, profile, limits);
    for (size_t i = 0; i < v->operation_count; i++)
        v->level = v->operations[i].level > v->level ? v->operations[i].level : v->level;
    for (size_t i = 0; i < v->finding_count; i++)
        if (v->findings[i].operation_count == 0 && v->findings[i].level > v->level)
            v->level = v->findings[i].level;
    return v;
}

struct verdict *verdict_compute(struct contract *consumer, struct contract *provider)
{
    return judge(consumer, provider, "wire", &peer_limits);
}

struct verdict *verdict_compute_as(struct contract *consumer, struct contract *provider, const char *profile)
{
    return judge(consumer, provider, profile, &file_limits);
}

struct verdict *verdict_ref(struct verdict *v)
{
    atomic_fetch_add(&v->refs, 1);
    return v;
}

void verdict_unref(struct verdict **v)
{
    struct verdict *verdict = *v;
    *v = NULL;
    if (!verdict || atomic_fetch_sub(&verdict->refs, 1) != 1)
        return;
    for (size_t i = 0; i < verdict->operation_count; i++) {
        plan_unref(&verdict->operations[i].request);
        plan_unref(&verdict->operations[i].response);
    }
    contract_unref(&verdict->consumer);
    contract_unref(&verdict->provider);
    arena_fini(&verdict->arena);
    mem_free(verdict);
}

enum verdict_level verdict_level(const struct verdict *v)
{
    return v->level;
}

struct contract *verdict_consumer(const struct verdict *v)
{
    return v->consumer;
}

struct contract *verdict_provider(const struct verdict *v)
{
    return v->provider;
}

size_t verdict_operation_count(const struct verdict *v)
{
    return v->operation_count;
}

const struct verdict_operation *verdict_operation(const struct verdict *v, size_t i)
{
    PRE(i < v->operation_count);
    return &v->operations[i];
}

size_t verdict_finding_count(const struct verdict *v)
{
    return v->finding_count;
}

const struct verdict_finding *verdict_finding(const struct verdict *v, size_t i)
{
    PRE(i < v->finding_count);
    return &v->findings[i];
}

static bool touches(const struct verdict_finding *f, struct slice operation)
{
    for (size_t i = 0; i < f->operation_count; i++)
        if (slice_eq(f->operations[i], operation))
            return true;
    return false;
}

const struct verdict_finding *verdict_worst(const struct verdict *v, struct slice operation)
{
    for (size_t i = 0; i < v->finding_count; i++)
        if (touches(&v->findings[i], operation))
            return &v->findings[i];
    return NULL;
}

bool verdict_hit_limit(const struct verdict *v)
{
    return v->hit_limit;
}
