#include "contracts/planner.h"

#include "base/check.h"
#include "base/json_out.h"
#include "contracts/telling.h"
#include "contracts/wire/rewrite_records.h"

/* Where a walk stands: steps on an object say `path`, steps on a value say its holder's path and its name there. */
struct spot {
    struct slice path;
    struct slice holder, name;
    bool outermost;
    bool branch; /* `name` is the word for one of a union */
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

static int64_t ticks(struct slice unit)
{
    return slice_eq(unit, SLICE("s"))    ? 1
           : slice_eq(unit, SLICE("ms")) ? 1000
           : slice_eq(unit, SLICE("us")) ? 1000000
                                         : 1000000000;
}

/* Scale, text and number stand on the value, and say nothing of another name. */
static void set_turn(const struct planner *p, const struct graph_difference *d, struct plan_step *s)
{
    s->to = (struct slice){0};
    s->value = (struct slice){0};
    if (s->op == PLAN_SCALE)
        set_factor(d->step->value, s);
    if (s->op == PLAN_DATE || s->op == PLAN_EPOCH)
        s->times = ticks(d->step->value);
    if (s->op == PLAN_SCALE || s->op == PLAN_NUMBER || s->op == PLAN_EPOCH)
        set_whole(p, d, s);
}

/* The text of a JSON string without escapes; false: it is another value. */
static bool plain_string(struct slice json, struct slice *text)
{
    size_t at;
    if (json.len < 2 || json.at[0] != '"' || json.at[json.len - 1] != '"' || slice_find(json, '\\', &at))
        return false;
    *text = slice_of(json.at + 1, json.len - 2);
    return true;
}

/* The names that may stand here: the symbols of an enum, or the values that are listed. */
static struct slice *names_at(const struct planner *p, const struct shape *side, struct slice where, size_t *count)
{
    const struct shape_type *t = shape_type(side, where);
    const struct shape_position *at = shape_position(side, where);
    t = shape_base(t && t->kind == SHAPE_ENUM ? t : at ? at->type : NULL);
    size_t symbols = t && t->kind == SHAPE_ENUM ? t->symbol_count : 0, values = 0;
    const struct shape_rule *rule;
    for (unsigned i = 0; at && (rule = shape_rule_at(at, i)); i++)
        for (const struct shape_text *v = rule->values; v; v = v->next)
            values++;
    struct slice *all = arena_array(p->arena, symbols + values + 1, sizeof(*all));
    *count = 0;
    for (size_t i = 0; i < symbols; i++)
        all[(*count)++] = fact_text(t->symbols[i], 1);
    for (unsigned i = 0; at && (rule = shape_rule_at(at, i)); i++)
        for (const struct shape_text *v = rule->values; v; v = v->next)
            *count += plain_string(v->text, &all[*count]);
    return all;
}

static bool is_among(const struct slice *names, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(names[i], name))
            return true;
    return false;
}

static const struct graph_step *new_name(const struct graph_node *n, struct slice symbol)
{
    for (const struct graph_difference *d = n->differences; d; d = d->next)
        if (d->step && d->step->op == PLAN_ENUM && d->step->value.len == 0 && slice_eq(d->step->name, symbol))
            return d->step;
    return NULL;
}

static struct slice fallback_of(const struct graph_node *n)
{
    for (const struct graph_difference *d = n->differences; d; d = d->next)
        if (d->step && d->step->op == PLAN_ENUM && d->step->value.len)
            return d->step->value;
    return (struct slice){0};
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

/* Does every symbol keep a name of its own? */
static enum plan_law table_law(const struct plan_step *s, const struct slice *table)
{
    for (size_t i = 0; i < s->table_count; i++)
        for (size_t k = 0; k < i; k++)
            if (slice_eq(table[2 * i + 1], table[2 * k + 1]))
                return PLAN_ONE_WAY;
    return PLAN_LOSSLESS;
}

static void add_pair(struct plan_step *s, struct slice *table, struct slice from, struct slice to)
{
    table[2 * s->table_count] = from;
    table[2 * s->table_count++ + 1] = to;
}

/* Symbols that both have stay, the writer's others get their new names or become the reader's fallback, and so does all
 * that is unknown. */
static void set_table(const struct planner *p, const struct graph_difference *d, struct plan_step *s)
{
    size_t stay, sent, renamed = 0;
    const struct slice *reader = names_at(p, p->reader, d->node->reader, &stay);
    const struct slice *writer = names_at(p, p->writer, d->node->writer, &sent);
    for (const struct graph_difference *o = d->node->differences; o; o = o->next)
        renamed++;
    struct slice *table = arena_array(p->arena, (stay + sent + renamed) * 2 + 1, sizeof(*table));
    struct slice fallback = fallback_of(d->node);
    for (size_t i = 0; i < stay; i++)
        if (fallback.len || !sent || is_among(writer, sent, reader[i]))
            add_pair(s, table, reader[i], reader[i]);
    for (const struct graph_difference *o = d->node->differences; o; o = o->next)
        if (o->step && o->step == new_name(d->node, o->step->name))
            add_pair(s, table, o->step->name, o->step->becomes);
    for (size_t i = 0; i < sent && fallback.len; i++)
        if (!is_among(reader, stay, writer[i]) && !new_name(d->node, writer[i]))
            add_pair(s, table, writer[i], fallback);
    s->law = fallback.len ? PLAN_ONE_WAY : table_law(s, table);
    s->value = fallback.len ? quoted(p, fallback) : (struct slice){0};
    s->table = table;
}
static enum err put(struct layout *l, const struct plan_step *step)
{
    if (plan_count(l->plan) == PLANNER_STEPS)
        return give_up(l, "it would need too many steps");
    plan_add(l->plan, step);
    return ERR_OK;
}

static bool is_on_object(enum plan_op op)
{
    return op == PLAN_RENAME || op == PLAN_DEFAULT || op == PLAN_DROP || op == PLAN_HOIST || op == PLAN_PLUNGE;
}

static bool is_turn(enum plan_op op)
{
    return op == PLAN_SCALE || op == PLAN_TEXT || op == PLAN_NUMBER || op == PLAN_ENCODE || op == PLAN_DECODE ||
           op == PLAN_DATE || op == PLAN_EPOCH;
}

/* An empty array is null to who takes null, and else there is nothing to take. */
static void set_head(const struct planner *p, const struct graph_difference *d, struct plan_step *s)
{
    const struct shape_position *at = shape_position(p->reader, d->node->reader);
    s->pick = slice_eq(d->step->value, SLICE("only"))   ? PLAN_ONLY
              : slice_eq(d->step->value, SLICE("last")) ? PLAN_LAST
                                                        : PLAN_FIRST;
    s->value = at && shape_nullable(at) ? SLICE("null") : (struct slice){0};
    s->law = s->value.len && s->pick != PLAN_ONLY ? PLAN_ONE_WAY : PLAN_PARTIAL;
}

/* Of a member that its holder moves, the step stands there. */
static bool is_moved_above(const struct layout *l, const struct graph_difference *d, const struct spot *spot)
{
    bool goes = d->step->op == PLAN_HOIST;
    struct buf path;
    bool found = false;
    buf_init(&path, BUF_TEXT_BOUND);
    plan_put_name(&path, spot->name);
    buf_put_char(&path, '/');
    plan_put_name(&path, goes ? d->step->name : d->step->becomes);
    for (size_t i = 0; i < plan_count(l->plan) && !found && !spot->outermost; i++) {
        const struct plan_step *s = plan_step(l->plan, i);
        found = s->op == d->step->op && slice_eq(s->path, spot->holder) &&
                slice_eq(goes ? s->from : s->to, buf_slice(&path));
    }
    buf_fini(&path);
    return found;
}

/* Of a parameter that becomes a member, and back, the step is on the head. */
static bool is_of_head(const struct graph_difference *d)
{
    return d->step->op == PLAN_PUT || d->step->op == PLAN_TAKE;
}

static bool is_of_holder(const struct graph_difference *d)
{
    return (d->step->op == PLAN_PLUNGE || d->step->op == PLAN_HOIST) && !slice_eq(d->kind, SLICE("member-moved"));
}

static enum err put_step(struct layout *l, const struct graph_difference *d, const struct spot *spot)
{
    const struct graph_step *g = d->step;
    bool on_object = is_on_object(g->op);
    if (is_of_head(d))
        return spot->outermost ? ERR_OK : give_up(l, "a member would come from the head in one place only");
    if (is_of_holder(d))
        return is_moved_above(l, d, spot) ? ERR_OK : give_up(l, "a member would be moved from one place only");
    if (!on_object && spot->outermost)
        return give_up(l, "the body itself would have to change");
    if (g->op == PLAN_STRIP && spot->branch)
        return give_up(l, "null would be a branch of a union");
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
        s.to = (struct slice){0};
    }
    if (is_turn(g->op))
        set_turn(l->planner, d, &s);
    if (g->op == PLAN_HEAD)
        set_head(l->planner, d, &s);
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

/* Along a path, name by name. */
static struct spot along(const struct planner *p, const struct spot *at, struct slice path)
{
    struct spot in = *at;
    struct slice word;
    while (slice_split(&path, '/', &word)) {
        char *name = arena_new(p->arena, word.len + 1);
        size_t len = 0;
        for (size_t i = 0; i < word.len; i++) {
            char next = i + 1 < word.len ? word.at[i + 1] : '\0';
            bool escape = word.at[i] == '~' && (next == '0' || next == '1');
            name[len++] = !escape ? word.at[i] : next == '0' ? '~' : '/';
            i += escape;
        }
        in = inward(p, &in, slice_of(name, len), true);
    }
    return in;
}

static enum err lay(struct layout *l, struct graph_node *n, const struct spot *spot);

/* Steps for one branch of the writer's union stand behind a word that tells it from the others; what is no union is of
 * one branch only. */
static enum err enter_branch(struct layout *l, const struct graph_edge *e, const struct graph_node *n,
                             const struct spot *spot)
{
    struct slice word;
    for (const struct graph_edge *o = n->edges; o; o = o->next)
        if (o != e && o->way == GRAPH_BRANCH && o->to->differs && slice_eq(o->to->writer, e->to->writer))
            return give_up(l, "a value would need the steps of two branches");
    if (slice_eq(e->to->writer, n->writer))
        return lay(l, e->to, spot);
    if (spot->branch || telling_word(l->planner->writer, n->writer, e->to->writer, l->planner->arena, &word) != ERR_OK)
        return give_up(l, "a step would stand inside one branch of a union, which nothing tells from the others");
    struct spot in = inward(l->planner, spot, word, false);
    in.branch = true;
    return lay(l, e->to, &in);
}

static enum err follow(struct layout *l, const struct graph_edge *e, const struct graph_node *n,
                       const struct spot *spot)
{
    struct spot in = *spot;
    switch (e->way) {
    case GRAPH_TYPE:
        break;
    case GRAPH_MEMBER:
        in = inward(l->planner, spot, e->name, true);
        break;
    case GRAPH_MOVED:
        in = along(l->planner, spot, e->name);
        break;
    case GRAPH_WRAP:
        break;
    case GRAPH_HEAD:
    case GRAPH_ITEM:
        in = inward(l->planner, spot, SLICE("[]"), false);
        break;
    case GRAPH_VALUE:
        in = inward(l->planner, spot, SLICE("{}"), false);
        break;
    case GRAPH_KEY:
        return e->to->differs ? give_up(l, "the keys of a map would have to change") : ERR_OK;
    case GRAPH_BRANCH:
        return e->to->differs ? enter_branch(l, e, n, spot) : ERR_OK;
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
        result = follow(l, e, n, spot);
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
