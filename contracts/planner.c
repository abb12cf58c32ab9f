#include "contracts/planner.h"

#include "base/check.h"
#include "base/json_out.h"
#include "contracts/wire/rewrite_records.h"

/* Where a walk stands: steps on an object say `path`, steps on a value say its holder's path and its name there. */
struct spot {
    struct slice path;
    struct slice holder, name;
    bool outermost;
};

struct layout {
    const struct planner *planner;
    struct plan *plan;
    const char *why;
    unsigned depth, visits;
};

/* Deeper than a body may be, and more ways than a plan may have steps. */
enum { DEEPEST = 256, VISITS = 1 << 16 };

static enum err give_up(struct layout *l, const char *why)
{
    l->why = why;
    return ERR_ABSENT;
}

/* What a whole type reaches, cut to what a plan can say. */
static void set_range(const struct planner *p, struct slice type, struct plan_step *s)
{
    const struct shape_type *t = shape_type(p->reader, type);
    s->low = INT64_MIN;
    s->high = INT64_MAX;
    if (!t || t->least.len == 0)
        return;
    uint64_t n;
    bool minus = slice_starts(t->least, SLICE("-"));
    if (slice_u64(slice_from(t->least, minus), INT64_MAX, &n) == ERR_OK)
        s->low = minus ? -(int64_t)n : (int64_t)n;
    if (slice_u64(t->most, INT64_MAX, &n) == ERR_OK)
        s->high = (int64_t)n;
}

/* A reader of whole numbers takes nothing else, and no more than its type reaches. */
static void set_whole(const struct planner *p, const struct graph_difference *d, struct plan_step *s)
{
    const struct shape_position *at = shape_position(p->reader, d->node->reader);
    const struct shape_type *base = at ? shape_base(at->type) : NULL;
    s->whole = base && base->kind == SHAPE_WHOLE;
    if (!s->whole)
        return;
    set_range(p, base->name, s);
    s->law = PLAN_PARTIAL;
}

/* "1000" or "1/1000". */
static void set_factor(struct slice factor, struct plan_step *s)
{
    size_t slash = factor.len;
    uint64_t times = 1, per = 1;
    slice_find(factor, '/', &slash);
    bool fine =
        slice_u64(slice_to(factor, slash), (uint64_t)PLAN_FACTOR_MOST, &times) == ERR_OK &&
        (slash == factor.len || slice_u64(slice_from(factor, slash + 1), (uint64_t)PLAN_FACTOR_MOST, &per) == ERR_OK);
    PRE(fine);
    s->times = (int64_t)times;
    s->per = (int64_t)per;
}

/* Scale, text and number stand on the value, and say nothing of another name. */
static void set_turn(const struct planner *p, const struct graph_difference *d, struct plan_step *s)
{
    s->to = (struct slice){0};
    s->value = (struct slice){0};
    if (s->op == PLAN_SCALE)
        set_factor(d->step->value, s);
    if (s->op != PLAN_TEXT)
        set_whole(p, d, s);
}

static bool knows(const struct shape_type *t, struct slice symbol)
{
    for (size_t i = 0; i < t->symbol_count; i++)
        if (slice_eq(t->symbols[i]->text[1], symbol))
            return true;
    return false;
}

/* Symbols that both have stay, the writer's others become the reader's fallback, and so does all that is unknown. */
static void set_table(const struct planner *p, const struct graph_difference *d, struct plan_step *s)
{
    const struct shape_type *reader = shape_type(p->reader, d->node->reader);
    const struct shape_position *at = shape_position(p->reader, d->node->reader);
    reader = shape_base(reader && reader->kind == SHAPE_ENUM ? reader : at ? at->type : NULL);
    const struct shape_type *writer = shape_type(p->writer, d->node->writer);
    PRE(reader && reader->kind == SHAPE_ENUM);
    size_t extra = writer && writer->kind == SHAPE_ENUM ? writer->symbol_count : 0;
    struct slice *table = arena_array(p->arena, (reader->symbol_count + extra) * 2 + 1, sizeof(*table));
    for (size_t i = 0; i < reader->symbol_count; i++, s->table_count++)
        table[2 * s->table_count] = table[2 * s->table_count + 1] = reader->symbols[i]->text[1];
    for (size_t i = 0; i < extra; i++) {
        if (knows(reader, writer->symbols[i]->text[1]))
            continue;
        table[2 * s->table_count] = writer->symbols[i]->text[1];
        table[2 * s->table_count++ + 1] = d->step->value;
    }
    s->table = table;
}

static struct slice quoted(const struct planner *p, struct slice text)
{
    struct buf b;
    struct json_out j;
    buf_init(&b, BUF_TEXT_BOUND);
    json_out_init(&j, &b, 0);
    json_out_slice(&j, text);
    struct slice kept = arena_keep(p->arena, buf_slice(&b));
    buf_fini(&b);
    return kept;
}

static enum err put(struct layout *l, const struct plan_step *step)
{
    if (plan_count(l->plan) == PLANNER_STEPS)
        return give_up(l, "it would need too many steps");
    plan_add(l->plan, step);
    return ERR_OK;
}

static enum err put_step(struct layout *l, const struct graph_difference *d, const struct spot *spot)
{
    const struct graph_step *g = d->step;
    bool on_object = g->op == PLAN_RENAME || g->op == PLAN_DEFAULT || g->op == PLAN_DROP;
    if (!on_object && spot->outermost)
        return give_up(l, "the body itself would have to change");
    struct plan_step s = {
        .op = g->op, .law = plan_op_law(g->op), .path = on_object ? spot->path : spot->holder, .why = g->why};
    s.from = on_object ? g->name : spot->name;
    s.to = g->becomes;
    s.value = g->value;
    if (g->op == PLAN_NARROW) {
        set_range(l->planner, g->becomes, &s);
        s.text = arena_putf(l->planner->arena, "%.*s -> %.*s", SLICE_FMT(g->name), SLICE_FMT(g->becomes));
        s.to = (struct slice){0};
    } else if (g->op == PLAN_ENUM) {
        set_table(l->planner, d, &s);
        s.value = quoted(l->planner, g->value);
        s.to = (struct slice){0};
    }
    if (g->op == PLAN_SCALE || g->op == PLAN_TEXT || g->op == PLAN_NUMBER)
        set_turn(l->planner, d, &s);
    return put(l, &s);
}

/* Several differences may be bridged by one step: a member that is renamed and optional, symbols of one enum. */
static bool same_step(const struct graph_step *a, const struct graph_step *b)
{
    if (a->op != b->op)
        return false;
    return a->op == PLAN_ENUM || (slice_eq(a->name, b->name) && slice_eq(a->becomes, b->becomes));
}

static bool put_before(const struct graph_difference *first, const struct graph_difference *d)
{
    for (; first != d; first = first->next)
        if (same_step(first->step, d->step))
            return true;
    return false;
}

static enum err put_steps(struct layout *l, const struct graph_node *n, const struct spot *spot)
{
    for (const struct graph_difference *d = n->differences; d; d = d->next) {
        if (!d->step)
            return give_up(l, "");
        if (!put_before(n->differences, d))
            TRY(put_step(l, d, spot));
    }
    if (n->widened.len == 0 || spot->outermost)
        return ERR_OK;
    struct plan_step widen = {
        .op = PLAN_WIDEN, .law = PLAN_LOSSLESS, .path = spot->holder, .from = spot->name, .text = n->widened};
    return put(l, &widen);
}

static struct spot inward(const struct planner *p, const struct spot *at, struct slice name, bool escape)
{
    struct buf path;
    buf_init(&path, BUF_TEXT_BOUND);
    if (!slice_eq(at->path, SLICE("/")))
        buf_put(&path, at->path);
    buf_put_char(&path, '/');
    if (escape)
        plan_put_name(&path, name);
    else
        buf_put(&path, name);
    struct spot in = {.path = arena_keep(p->arena, buf_slice(&path)), .holder = at->path, .name = name};
    buf_fini(&path);
    return in;
}

static enum err lay(struct layout *l, struct graph_node *n, const struct spot *spot);

static enum err follow(struct layout *l, const struct graph_edge *e, const struct spot *spot)
{
    struct spot in = *spot;
    switch (e->way) {
    case GRAPH_TYPE:
        break;
    case GRAPH_MEMBER:
        in = inward(l->planner, spot, e->name, true);
        break;
    case GRAPH_ITEM:
        in = inward(l->planner, spot, SLICE("[]"), false);
        break;
    case GRAPH_VALUE:
        in = inward(l->planner, spot, SLICE("{}"), false);
        break;
    case GRAPH_KEY:
        return e->to->differs ? give_up(l, "the keys of a map would have to change") : ERR_OK;
    case GRAPH_BRANCH:
        return e->to->differs ? give_up(l, "a step would stand inside one branch of a union") : ERR_OK;
    }
    return lay(l, e->to, &in);
}

static enum err lay(struct layout *l, struct graph_node *n, const struct spot *spot)
{
    if (n->entered)
        return n->differs ? give_up(l, "a step would stand inside a type that contains itself") : ERR_OK;
    if (l->depth == DEEPEST || ++l->visits > VISITS)
        return give_up(l, "it would need too many steps");
    TRY(put_steps(l, n, spot));
    n->entered = true;
    l->depth++;
    enum err result = ERR_OK;
    for (const struct graph_edge *e = n->edges; e && result == ERR_OK; e = e->next)
        result = follow(l, e, spot);
    n->entered = false;
    l->depth--;
    return result;
}

/* One text, or many. */
static bool is_json(struct slice media)
{
    size_t at;
    enum rewrite_framing framing;
    return rewrite_records_framing(slice_trim(slice_find(media, ';', &at) ? slice_to(media, at) : media), &framing);
}

enum err planner_make(const struct planner *p, struct graph_root *root, struct plan **out, const char **why)
{
    if (root->fits) {
        *out = NULL;
        return ERR_OK;
    }
    struct layout l = {.planner = p, .plan = plan_new()};
    struct spot spot = {.path = SLICE("/"), .outermost = true};
    enum err e = ERR_OK;
    if (!root->body)
        e = give_up(&l, "parameters are not rewritten");
    else if (!is_json(root->media))
        e = give_up(&l, "only JSON bodies are rewritten");
    else
        e = lay(&l, root->node, &spot);
    if (e == ERR_OK) {
        *out = l.plan;
        return ERR_OK;
    }
    plan_unref(&l.plan);
    *why = l.why;
    return e;
}
