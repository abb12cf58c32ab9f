#include "contracts/scope.h"

#include "base/mem.h"
#include "contracts/shape.h"

/* Marks of nodes.  TOUCHED: its own facts differ.  CHANGED: it is touched, or leads to what is.  MEETS: it may meet
 * another type.  WHOLE: all facts about it are needed. */
enum { TOUCHED = 1, CHANGED = 2, MEETS = 4, WHOLE = CHANGED | MEETS };

static const uint32_t none = UINT32_MAX;

/* --- Nodes: types and operations by name, whichever side has them. */

static size_t type_room(const struct contract *c)
{
    return contract_shape(c)->type_count;
}

static uint32_t node_of_type(const struct scope *s, unsigned side, const struct shape_type *t)
{
    return t && t->fact ? s->types[side][t->number] : none;
}

static uint32_t node_of_operation(const struct scope *s, unsigned side, struct slice name)
{
    int i = contract_operation(s->contract[side], name);
    return i < 0 ? none : s->operations[side][i];
}

static void number_types(struct scope *s, unsigned side)
{
    const struct shape *mine = contract_shape(s->contract[side]), *other = contract_shape(s->contract[!side]);
    size_t at = 0;
    const struct shape_type *t;
    s->types[side] = arena_array(&s->arena, type_room(s->contract[side]) + 1, sizeof(*s->types[side]));
    while ((t = map_next(&mine->types, &at))) {
        const struct shape_type *there = side == SCOPE_PROVIDER && t->fact ? shape_type(other, t->name) : NULL;
        s->types[side][t->number] = there && there->fact ? s->types[!side][there->number] : s->node_count++;
    }
}

static void number_operations(struct scope *s, unsigned side)
{
    size_t count = contract_operation_count(s->contract[side]);
    s->operations[side] = arena_array(&s->arena, count + 1, sizeof(*s->operations[side]));
    for (size_t i = 0; i < count; i++) {
        struct slice name = contract_operation_name(s->contract[side], i);
        uint32_t there = side == SCOPE_PROVIDER ? node_of_operation(s, !side, name) : none;
        s->operations[side][i] = there != none ? there : s->node_count++;
    }
}

/* Deeper than aspects of aspects are nested by people. */
enum { OWNERS_MOST = 32 };

/* The type or operation that a fact's subject is a part of, if it is not one itself. */
static uint32_t owner_of(const struct scope *s, unsigned side, struct slice subject)
{
    const struct shape *shape = contract_shape(s->contract[side]);
    for (int i = 0; i < OWNERS_MOST; i++) {
        const struct shape_type *t = shape_type(shape, subject);
        if (t && t->fact)
            return node_of_type(s, side, t);
        const struct shape_position *p = shape_position(shape, subject);
        if (!p)
            break;
        subject = fact_text(p->fact, 0);
    }
    return node_of_operation(s, side, subject);
}

/* --- Edges. */

/* The columns of a fact that name types. */
static const char *types_in(enum vocabulary relation)
{
    switch (relation) {
    case VOCABULARY_ALIAS:
    case VOCABULARY_LIST:
    case VOCABULARY_EXTRA:
        return "\1";
    case VOCABULARY_MAP:
        return "\1\2";
    case VOCABULARY_FIELD:
    case VOCABULARY_ITEM:
    case VOCABULARY_BRANCH:
    case VOCABULARY_ASPECT:
    case VOCABULARY_REQUEST:
        return "\2";
    case VOCABULARY_PARAM:
    case VOCABULARY_RESPONSE:
    case VOCABULARY_HEADER:
        return "\3";
    default:
        return "";
    }
}

static void mark(struct scope *s, uint32_t node, uint8_t marks)
{
    if (node != none)
        s->marks[node] |= marks;
}

static void put_edge(struct scope *s, uint32_t from, uint32_t to, bool crosses)
{
    if (from == none || to == none)
        return;
    if (s->edge_count == s->edge_room) {
        s->edge_room = s->edge_room ? s->edge_room * 2 : 1024;
        s->edges = mem_resize(s->edges, s->edge_room, sizeof(*s->edges));
    }
    s->edges[s->edge_count++] = (struct scope_edge){.from = from, .to = to, .crosses = crosses};
}

/* A touched record's members are told apart by their facts; of all else any part may meet any other. */
static void put_parts(struct scope *s, unsigned side, const struct shape_type *t)
{
    uint32_t from = node_of_type(s, side, t);
    bool touched = s->marks[from] & TOUCHED;
    for (const struct shape_position *p = t->parts; p; p = p->next) {
        bool plain = p->fact->relation == VOCABULARY_FIELD || (!touched && p->fact->relation != VOCABULARY_BRANCH);
        put_edge(s, from, node_of_type(s, side, p->type), !plain);
    }
    for (const struct shape_position *p = t->items; p; p = p->next)
        put_edge(s, from, node_of_type(s, side, p->type), true);
    if (t->extra)
        put_edge(s, from, node_of_type(s, side, t->extra->type), touched);
}

static bool is_of_operation(enum vocabulary relation)
{
    return relation >= VOCABULARY_OPERATION && relation <= VOCABULARY_DEPRECATED;
}

/* A touched operation may read one status as another, a media range any of its media. */
static void put_surface(struct scope *s, unsigned side, const struct fact *f)
{
    uint32_t from = node_of_operation(s, side, fact_text(f, 0));
    const struct shape *shape = contract_shape(s->contract[side]);
    for (const char *c = types_in(f->relation); *c; c++)
        put_edge(s, from, node_of_type(s, side, shape_type(shape, fact_text(f, (uint8_t)*c))), true);
    struct slice media = f->relation == VOCABULARY_REQUEST    ? fact_text(f, 1)
                         : f->relation == VOCABULARY_RESPONSE ? fact_text(f, 2)
                                                              : (struct slice){0};
    if (from != none && slice_has(media, SLICE("*")))
        s->marks[from] |= MEETS;
}

static void put_aspect(struct scope *s, unsigned side, const struct fact *f)
{
    const struct shape *shape = contract_shape(s->contract[side]);
    put_edge(s, owner_of(s, side, fact_text(f, 0)), node_of_type(s, side, shape_type(shape, fact_text(f, 2))), true);
}

static void put_edges(struct scope *s, unsigned side)
{
    const struct fact_list *facts = contract_facts(s->contract[side]);
    const struct fact *end = fact_list_end(facts);
    size_t at = 0;
    for (const struct shape_type *t; (t = map_next(&contract_shape(s->contract[side])->types, &at));)
        if (t->fact)
            put_parts(s, side, t);
    for (const struct fact *f = facts->v; f < end && f->relation <= VOCABULARY_DEPRECATED; f++)
        if (is_of_operation(f->relation))
            put_surface(s, side, f);
    for (const struct fact *f = facts->v; f < end; f++)
        if (f->relation == VOCABULARY_ASPECT)
            put_aspect(s, side, f);
}

/* "GET /orders/{id}" as "GET /orders/{}": a path's names are each side's own. */
static struct slice route_of(struct scope *s, const struct fact *f)
{
    struct slice method = fact_text(f, 1), path = fact_text(f, 2);
    char *key = arena_array(&s->arena, method.len + path.len + 1, 1);
    size_t len = method.len + 1;
    bool inside = false;
    if (method.len)
        memcpy(key, method.at, method.len);
    for (size_t i = 0; i < path.len; i++) {
        inside = inside && path.at[i] != '}';
        if (!inside)
            key[len++] = path.at[i];
        inside = inside || path.at[i] == '{';
    }
    return slice_of(key, len);
}

/* Operations that one route leads to meet each other. */
static void put_routes(struct scope *s, unsigned side)
{
    const struct fact_list *facts = contract_facts(s->contract[side]);
    const struct fact *end = fact_list_end(facts);
    struct map routes = {0};
    for (const struct fact *f = facts->v; f < end && f->relation <= VOCABULARY_GRPC; f++) {
        if (f->relation != VOCABULARY_HTTP && f->relation != VOCABULARY_GRPC)
            continue;
        const struct fact *first = map_keep(&routes, route_of(s, f), (void *)(uintptr_t)f);
        if (!first)
            continue;
        mark(s, node_of_operation(s, side, fact_text(first, 0)), TOUCHED);
        mark(s, node_of_operation(s, side, fact_text(f, 0)), TOUCHED);
    }
    map_fini(&routes);
}

/* --- What differs. */

/* The position's type may have to be looked at for what is said of the position. */
static void touch_position(struct scope *s, struct slice subject)
{
    bool known = s->position_count && slice_eq(s->positions[s->position_count - 1], subject);
    if (!known && s->position_count == s->position_room) {
        s->position_room = s->position_room ? s->position_room * 2 : 64;
        s->positions = mem_resize(s->positions, s->position_room, sizeof(*s->positions));
    }
    if (!known)
        s->positions[s->position_count++] = subject;
    for (unsigned side = 0; side < SCOPE_SIDES; side++) {
        const struct shape_position *p = shape_position(contract_shape(s->contract[side]), subject);
        if (p)
            mark(s, node_of_type(s, side, p->type), MEETS);
    }
}

static void touch(struct scope *s, unsigned side, const struct fact *f, bool narrow)
{
    if (f->relation == VOCABULARY_AT || f->relation == VOCABULARY_ABOUT || f->relation == VOCABULARY_CONTRACT)
        return;
    struct slice subject = fact_text(f, 0);
    if (!narrow) {
        mark(s, node_of_operation(s, side, subject), TOUCHED | CHANGED);
        return;
    }
    mark(s, owner_of(s, side, subject), TOUCHED | CHANGED);
    const struct shape_type *t = shape_type(contract_shape(s->contract[side]), subject);
    if (!t || !t->fact)
        touch_position(s, subject);
    const struct shape *shape = contract_shape(s->contract[side]);
    for (const char *c = types_in(f->relation); *c; c++)
        mark(s, node_of_type(s, side, shape_type(shape, fact_text(f, (uint8_t)*c))), MEETS);
}

/* Both lists are sorted. */
static void touch_all(struct scope *s, bool narrow)
{
    const struct fact_list *a = contract_facts(s->contract[SCOPE_CONSUMER]);
    const struct fact_list *b = contract_facts(s->contract[SCOPE_PROVIDER]);
    size_t i = 0, k = 0;
    while (i < a->count || k < b->count) {
        int order = i == a->count ? 1 : k == b->count ? -1 : fact_cmp(&a->v[i], &b->v[k]);
        if (order != 0)
            touch(s, order < 0 ? SCOPE_CONSUMER : SCOPE_PROVIDER, order < 0 ? &a->v[i] : &b->v[k], narrow);
        i += order <= 0;
        k += order >= 0;
    }
}

/* --- Where that leads. */

/* The edges of each node one behind the other; `backwards` by what they lead to. */
struct fan {
    uint32_t *from; /* by node: its first edge; one more at the end */
    uint32_t *edges;
};

static struct fan fan_of(struct scope *s, bool backwards)
{
    struct fan fan = {.from = arena_array(&s->arena, (size_t)s->node_count + 2, sizeof(*fan.from)),
                      .edges = arena_array(&s->arena, s->edge_count + 1, sizeof(*fan.edges))};
    for (size_t i = 0; i < s->edge_count; i++)
        fan.from[(backwards ? s->edges[i].to : s->edges[i].from) + 2]++;
    for (uint32_t n = 0; n < s->node_count; n++)
        fan.from[n + 1] += fan.from[n];
    for (size_t i = 0; i < s->edge_count; i++)
        fan.edges[fan.from[(backwards ? s->edges[i].to : s->edges[i].from) + 1]++] = (uint32_t)i;
    return fan;
}

/* Gives a mark on along edges until nothing is new. */
static void spread(struct scope *s, bool backwards, uint8_t given)
{
    struct fan fan = fan_of(s, backwards);
    uint32_t *queue = arena_array(&s->arena, (size_t)s->node_count + 1, sizeof(*queue)), count = 0;
    for (uint32_t n = 0; n < s->node_count; n++)
        if (s->marks[n] & given)
            queue[count++] = n;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t e = fan.from[queue[i]]; e < fan.from[queue[i] + 1]; e++) {
            const struct scope_edge *edge = &s->edges[fan.edges[e]];
            uint32_t next = backwards ? edge->from : edge->to;
            if (s->marks[next] & given)
                continue;
            s->marks[next] |= given;
            queue[count++] = next;
        }
}

static bool is_operation(const struct scope *s, uint32_t node)
{
    return node >= s->node_count - s->operation_nodes;
}

/* What a changed type's parts may meet, and a touched operation's; an operation that leads to a change meets itself. */
static void cross(struct scope *s)
{
    for (size_t i = 0; i < s->edge_count; i++) {
        const struct scope_edge *e = &s->edges[i];
        uint8_t enough = is_operation(s, e->from) ? TOUCHED : CHANGED;
        if (e->crosses && (s->marks[e->from] & enough))
            s->marks[e->to] |= MEETS;
    }
}

void scope_init(struct scope *s, const struct contract *consumer, const struct contract *provider, bool narrow)
{
    *s = (struct scope){.contract = {consumer, provider}, .narrow = narrow};
    arena_init(&s->arena, 0);
    for (unsigned side = 0; side < SCOPE_SIDES && narrow; side++)
        number_types(s, side);
    uint32_t types = s->node_count;
    for (unsigned side = 0; side < SCOPE_SIDES; side++)
        number_operations(s, side);
    s->operation_nodes = s->node_count - types;
    s->marks = arena_array(&s->arena, (size_t)s->node_count + 1, sizeof(*s->marks));
    touch_all(s, narrow);
    if (!narrow)
        return;
    for (unsigned side = 0; side < SCOPE_SIDES; side++) {
        put_edges(s, side);
        put_routes(s, side);
    }
    spread(s, true, CHANGED);
    cross(s);
    spread(s, false, MEETS);
    mem_free(s->edges);
    s->edges = NULL;
}

void scope_fini(struct scope *s)
{
    mem_free(s->edges);
    mem_free(s->positions);
    arena_fini(&s->arena);
    *s = (struct scope){0};
}

bool scope_needs(struct scope *s, unsigned side, const struct fact *f)
{
    if (!s->narrow || f->relation <= VOCABULARY_DEPRECATED || f->relation == VOCABULARY_ALIAS)
        return true;
    if (s->asked[side].at == NULL || !slice_eq(s->asked[side], fact_text(f, 0))) {
        s->asked[side] = fact_text(f, 0);
        s->found[side] = owner_of(s, side, fact_text(f, 0));
    }
    uint32_t node = s->found[side];
    return node == none || is_operation(s, node) || (s->marks[node] & WHOLE);
}

static void each_operation(const struct scope *s, unsigned side, scope_name_fn *fn, void *arg)
{
    for (size_t i = 0; i < contract_operation_count(s->contract[side]); i++)
        if (s->marks[s->operations[side][i]] & CHANGED)
            fn(arg, contract_operation_name(s->contract[side], i));
}

void scope_each_changed(const struct scope *s, scope_name_fn *fn, void *arg)
{
    for (unsigned side = 0; side < SCOPE_SIDES; side++) {
        each_operation(s, side, fn, arg);
        size_t at = 0;
        for (const struct shape_type *t; s->narrow && (t = map_next(&contract_shape(s->contract[side])->types, &at));)
            if (t->fact && (s->marks[node_of_type(s, side, t)] & CHANGED))
                fn(arg, t->name);
    }
    for (size_t i = 0; i < s->position_count; i++)
        fn(arg, s->positions[i]);
}
