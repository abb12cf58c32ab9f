#include "contracts/sample.h"

#include "contracts/conforms.h"
#include "contracts/sample_list.h"
#include "contracts/sample_number.h"
#include "contracts/sample_object.h"
#include "contracts/sample_text.h"

/* The outermost position is looked at closely, what is inside it less and less. */
enum { OUTER_MOST = 400, SURE_MOST = 64, DEEPEST = 12 };

static void gather(struct sample *s, const struct shape_position *p, struct sample_sink *k);

void sample_work_init(struct sample_work *w, uint64_t budget)
{
    *w = (struct sample_work){.budget = budget};
    arena_init(&w->arena, 0);
}

void sample_work_fini(struct sample_work *w)
{
    map_fini(&w->sure);
    arena_fini(&w->arena);
}

static bool keep(void *arg, struct slice json)
{
    struct sample_gathered *g = arg;
    g->v[g->count++] = json;
    return g->count == SAMPLE_INNER_MOST;
}

void sample_inside(struct sample *s, const struct shape_position *p, struct sample_gathered *g)
{
    struct sample_sink k = {.take = keep, .arg = g, .left = SAMPLE_INNER_MOST};
    struct slice sure = sample_sure(s, p);
    g->count = 0;
    if (sure.len)
        sample_sink_put(s, &k, sure);
    gather(s, p, &k);
}

static void gather_union(struct sample *s, const struct shape_type *t, struct sample_sink *k)
{
    size_t count = 0;
    for (const struct shape_position *b = t->parts; b; b = b->next)
        count++;
    unsigned share = count ? k->left / (unsigned)count + 1 : 0;
    for (const struct shape_position *b = t->parts; b && !sample_sink_full(s, k); b = b->next) {
        struct sample_sink part = {.take = k->take, .arg = k->arg, .left = share < k->left ? share : k->left};
        unsigned before = part.left;
        gather(s, b, &part);
        k->left -= before - part.left;
        k->enough = part.enough;
    }
}

static void gather_any(struct sample *s, const struct shape_position *p, struct sample_sink *k)
{
    const struct hint_list *texts = SAMPLE_HINTS(s, texts), *names = SAMPLE_HINTS(s, names),
                           *values = SAMPLE_HINTS(s, values);
    for (size_t i = 0; i < SAMPLE_SINK_KINDS; i++)
        sample_sink_put(s, k, slice_str(sample_sink_kinds[i]));
    for (size_t i = 0; i < values->count; i++)
        sample_sink_put(s, k, values->v[i]);
    for (size_t i = 0; i < names->count && !sample_sink_full(s, k); i++)
        for (size_t n = 0; n < SAMPLE_SINK_KINDS; n++)
            sample_object_entry(s, k, sample_sink_quoted(s, names->v[i]), slice_str(sample_sink_kinds[n]));
    static const struct shape_type number = {.kind = SHAPE_REAL, .rule = &shape_no_more.rule};
    sample_number(s, &number, p, k);
    sample_text(s, p, k);
    for (size_t i = 0; i < texts->count; i++)
        sample_sink_text(s, k, texts->v[i]);
}

static void gather_kind(struct sample *s, const struct shape_type *t, const struct shape_position *p,
                        struct sample_sink *k)
{
    switch (t->kind) {
    case SHAPE_ANY:
        gather_any(s, p, k);
        break;
    case SHAPE_BOOL:
        sample_sink_put(s, k, SLICE("true"));
        sample_sink_put(s, k, SLICE("false"));
        break;
    case SHAPE_STRING:
        sample_text(s, p, k);
        break;
    case SHAPE_BYTES:
        sample_text_bytes(s, p, k);
        break;
    case SHAPE_WHOLE:
    case SHAPE_REAL:
        sample_number(s, t, p, k);
        break;
    case SHAPE_RECORD:
        sample_object(s, t, p, k);
        break;
    case SHAPE_ENUM:
        sample_text_symbols(s, t, k);
        break;
    case SHAPE_LIST:
        sample_list(s, t, p, k);
        break;
    case SHAPE_MAP:
        sample_object_map(s, t, p, k);
        break;
    case SHAPE_UNION:
        gather_union(s, t, k);
        break;
    case SHAPE_ALIAS:
        break;
    }
}

/* The values that are listed, if any are. */
static bool gather_values(struct sample *s, const struct shape_position *p, struct sample_sink *k)
{
    const struct shape_rule *r;
    bool listed = false;
    for (unsigned i = 0; (r = shape_rule_at(p, i)); i++)
        for (const struct shape_text *v = r->values; v; v = v->next) {
            sample_sink_put(s, k, v->text);
            listed = true;
        }
    return listed;
}

static void gather(struct sample *s, const struct shape_position *p, struct sample_sink *k)
{
    const struct shape_type *t = shape_base(p->type);
    if (!t || s->depth >= DEEPEST)
        return;
    s->depth++;
    if (shape_nullable(p))
        sample_sink_put(s, k, SLICE("null"));
    if (!gather_values(s, p, k))
        gather_kind(s, t, p, k);
    s->depth--;
}

bool sample_each(struct sample *s, const struct shape_position *p, sample_take_fn *take, void *arg)
{
    struct sample_sink k = {.take = take, .arg = arg, .left = OUTER_MOST};
    gather(s, p, &k);
    return k.enough;
}

struct wanting {
    struct sample *s;
    const struct shape_position *position;
    struct slice found;
};

static bool is_sure(void *arg, struct slice json)
{
    struct wanting *w = arg;
    struct arena arena;
    const struct json_value *v;
    arena_init(&arena, 0);
    struct conforms_question q = {.position = w->position, .direction = w->s->direction};
    bool sure = json_value_read(json, &arena, &v) == ERR_OK && conforms_judge(&q, v) == ANSWER_YES;
    arena_fini(&arena);
    if (sure)
        w->found = json;
    return sure;
}

/* What is known of a position; its value is empty while it is looked for. */
struct made {
    uintptr_t key[2]; /* the position, and the direction */
    struct slice value;
    bool looking;
};

struct slice sample_sure(struct sample *s, const struct shape_position *p)
{
    struct arena *a = &s->work->arena;
    uintptr_t key[] = {(uintptr_t)p, slice_starts(s->direction, SLICE("res"))};
    struct made *m = map_get(&s->work->sure, slice_of(key, sizeof(key)));
    if (m && m->looking)
        s->unfinished = true;
    if (m)
        return m->value;
    m = arena_new(a, sizeof(*m));
    *m = (struct made){.looking = true};
    memcpy(m->key, key, sizeof(key));
    struct slice name = slice_of(m->key, sizeof(m->key));
    map_put(&s->work->sure, name, m);
    struct wanting w = {.s = s, .position = p};
    struct sample_sink k = {.take = is_sure, .arg = &w, .left = SURE_MOST};
    struct sample inner = *s;
    inner.depth = s->depth ? s->depth : 1;
    inner.unfinished = false;
    gather(&inner, p, &k);
    m->value = w.found;
    m->looking = false;
    /* Not finding one inside another search says nothing. */
    if (w.found.len == 0 && (inner.unfinished || inner.depth > 1))
        map_del(&s->work->sure, name);
    s->unfinished = s->unfinished || inner.unfinished;
    return w.found;
}
