#include "contracts/sample_object.h"

#include <stdio.h>

#include "base/json_out.h"

enum { DRAWN = 120, DRAWN_MEMBERS = 24 };

/* Members by their values; one more by name, and `more` strangers. */
struct object {
    const struct shape_type *type;
    const struct shape_position **parts;
    struct slice *sure, *chosen;
    size_t count;
    struct slice name, value; /* empty: none */
    struct slice filler;      /* the value of strangers */
    size_t strangers;
};

static struct slice object_of(struct sample *s, const struct object *o)
{
    struct buf b;
    struct json_out j;
    buf_init(&b, BUF_TEXT_BOUND);
    json_out_init(&j, &b, 0);
    json_out_object(&j);
    for (size_t i = 0; i < o->count; i++) {
        if (o->chosen[i].len == 0)
            continue;
        json_out_name_slice(&j, o->parts[i]->member);
        json_out_raw(&j, o->chosen[i]);
    }
    if (o->value.len) {
        json_out_name_slice(&j, o->name);
        json_out_raw(&j, o->value);
    }
    for (size_t i = 0; i < o->strangers && o->filler.len; i++) {
        char name[24];
        snprintf(name, sizeof(name), "k%zu", i);
        json_out_name(&j, name);
        json_out_raw(&j, o->filler);
    }
    json_out_end(&j);
    struct slice kept = arena_keep(&s->work->arena, buf_slice(&b));
    buf_fini(&b);
    return kept;
}

static bool elsewhere(const struct sample *s, const struct shape_position *p)
{
    return p->more->only.len && s->direction.len && !slice_eq(p->more->only, s->direction);
}

/* What must be there; false: something that must be has no value. */
static bool least_of(struct sample *s, struct object *o)
{
    for (size_t i = 0; i < o->count; i++) {
        o->chosen[i] = (struct slice){0};
        if (!o->parts[i]->required || elsewhere(s, o->parts[i]))
            continue;
        if (o->sure[i].len == 0)
            o->sure[i] = sample_sure(s, o->parts[i]);
        o->chosen[i] = o->sure[i];
        if (o->sure[i].len == 0)
            return false;
    }
    return true;
}

static void fullest_of(struct sample *s, struct object *o)
{
    for (size_t i = 0; i < o->count && s->work->budget; i++) {
        if (elsewhere(s, o->parts[i]))
            continue;
        if (o->sure[i].len == 0)
            o->sure[i] = sample_sure(s, o->parts[i]);
        o->chosen[i] = o->sure[i];
    }
}

static bool is_named(const struct object *o, struct slice name)
{
    for (size_t i = 0; i < o->count; i++)
        if (slice_eq(o->parts[i]->member, name))
            return true;
    return false;
}

/* What a record may be sent that it does not name: values of its extra type, or of every kind. */
static void gather_extra(struct sample *s, const struct shape_type *t, struct sample_gathered *g)
{
    g->count = 0;
    if (t->extra) {
        sample_inside(s, t->extra, g);
        return;
    }
    for (size_t i = 0; i < SAMPLE_SINK_KINDS; i++)
        g->v[g->count++] = slice_str(sample_sink_kinds[i]);
    const struct hint_list *values = SAMPLE_HINTS(s, values);
    for (size_t i = 0; i < values->count && g->count < SAMPLE_INNER_MOST; i++)
        g->v[g->count++] = values->v[i];
}

static void put_extras(struct sample *s, struct object *o, struct sample_sink *k)
{
    struct sample_gathered g;
    const struct hint_list *names = SAMPLE_HINTS(s, names), *numbers = SAMPLE_HINTS(s, numbers);
    if (o->type->closed)
        return;
    gather_extra(s, o->type, &g);
    for (size_t n = 0; n <= names->count && !sample_sink_full(s, k); n++) {
        o->name = n < names->count ? names->v[n] : SLICE("another");
        for (size_t i = 0; i < g.count && !is_named(o, o->name) && !sample_sink_full(s, k); i++) {
            o->value = g.v[i];
            sample_sink_put(s, k, object_of(s, o));
        }
    }
    /* Names of other lengths. */
    for (size_t n = 0; n < numbers->count && n < 6 && g.count && !sample_sink_full(s, k); n++) {
        uint64_t length = sample_sink_count(numbers->v[n], SAMPLE_COUNT_MOST + 1) + 1;
        if (length > SAMPLE_COUNT_MOST)
            continue;
        char name[SAMPLE_COUNT_MOST + 1];
        memset(name, 'n', sizeof(name));
        o->name = slice_of(name, (size_t)length);
        o->value = g.v[0];
        sample_sink_put(s, k, object_of(s, o));
    }
    o->name = o->value = (struct slice){0};
}

static size_t chosen_count(const struct object *o)
{
    size_t n = 0;
    for (size_t i = 0; i < o->count; i++)
        n += o->chosen[i].len > 0;
    return n;
}

/* So many members, by those that need not be there and by strangers. */
static void put_count(struct sample *s, struct object *o, struct sample_sink *k, size_t wanted)
{
    struct sample_gathered g;
    if (!least_of(s, o))
        return;
    for (size_t i = 0; i < o->count && chosen_count(o) < wanted && o->type->closed; i++)
        if (o->chosen[i].len == 0 && !elsewhere(s, o->parts[i]))
            o->chosen[i] = sample_sure(s, o->parts[i]);
    size_t count = chosen_count(o);
    if (!o->type->closed && count < wanted) {
        gather_extra(s, o->type, &g);
        o->filler = g.count ? g.v[0] : (struct slice){0};
        o->strangers = wanted - count;
    }
    sample_sink_put(s, k, object_of(s, o));
    o->strangers = 0;
}

static void put_counts(struct sample *s, struct object *o, struct sample_sink *k, const struct shape_position *p)
{
    const struct hint_list *numbers = SAMPLE_HINTS(s, numbers);
    uint64_t least = sample_sink_count(shape_tightest(p, SHAPE_MIN_ITEMS), 0);
    if (least && least <= SAMPLE_COUNT_MOST)
        put_count(s, o, k, (size_t)least);
    for (size_t i = 0; i < numbers->count && !sample_sink_full(s, k); i++) {
        uint64_t n = sample_sink_count(numbers->v[i], SAMPLE_COUNT_MOST + 1);
        for (unsigned more = 0; more < 3 && n < SAMPLE_COUNT_MOST; more++)
            if (n + more)
                put_count(s, o, k, (size_t)(n + more - 1));
    }
}

/* One that need not be there is away, or alone with those that must. */
static void put_one_away(struct sample *s, struct object *o, struct sample_sink *k)
{
    for (size_t i = 0; i < o->count && !sample_sink_full(s, k); i++) {
        if (o->parts[i]->required || elsewhere(s, o->parts[i]))
            continue;
        fullest_of(s, o);
        o->chosen[i] = (struct slice){0};
        sample_sink_put(s, k, object_of(s, o));
        if (least_of(s, o) && (o->chosen[i] = o->sure[i]).len)
            sample_sink_put(s, k, object_of(s, o));
    }
}

static void put_varied(struct sample *s, struct object *o, struct sample_sink *k, struct sample_gathered *all)
{
    for (size_t i = 0; i < o->count && !sample_sink_full(s, k); i++) {
        struct sample_gathered one, *g = all ? &all[i] : &one;
        g->count = 0;
        if (elsewhere(s, o->parts[i]) || !least_of(s, o))
            continue;
        sample_inside(s, o->parts[i], g);
        for (size_t n = 0; n < g->count && !sample_sink_full(s, k); n++) {
            o->chosen[i] = g->v[n];
            sample_sink_put(s, k, object_of(s, o));
        }
    }
}

/* Several at once, drawn from a fixed seed. */
static void put_drawn(struct sample *s, struct object *o, struct sample_sink *k, const struct sample_gathered *all)
{
    uint64_t state = UINT64_C(0x9E3779B97F4A7C15);
    for (unsigned round = 0; round < DRAWN && !sample_sink_full(s, k); round++) {
        for (size_t i = 0; i < o->count; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            unsigned draw = (unsigned)(state >> 40);
            bool there = o->parts[i]->required || draw % 4;
            o->chosen[i] = there && all[i].count ? all[i].v[(draw >> 2) % all[i].count] : (struct slice){0};
        }
        sample_sink_put(s, k, object_of(s, o));
    }
}

void sample_object(struct sample *s, const struct shape_type *t, const struct shape_position *p, struct sample_sink *k)
{
    struct object o = {.type = t};
    struct arena *a = &s->work->arena;
    for (const struct shape_position *m = t->parts; m; m = m->next)
        o.count++;
    o.parts = arena_array(a, o.count + 1, sizeof(const struct shape_position *));
    o.sure = arena_array(a, o.count + 1, sizeof(*o.sure));
    o.chosen = arena_array(a, o.count + 1, sizeof(*o.chosen));
    size_t i = 0;
    for (const struct shape_position *m = t->parts; m; m = m->next)
        o.parts[i++] = m;
    uint64_t cost = o.count * sizeof(struct slice);
    s->work->budget -= cost < s->work->budget ? cost : s->work->budget;
    if (!least_of(s, &o))
        return;
    sample_sink_put(s, k, object_of(s, &o));
    if (!sample_sink_full(s, k) && shape_tightest(p, SHAPE_MIN_ITEMS).len)
        put_counts(s, &o, k, p);
    if (sample_sink_full(s, k) || !least_of(s, &o))
        return;
    if (s->depth > 1) {
        put_varied(s, &o, k, NULL);
        return;
    }
    fullest_of(s, &o);
    sample_sink_put(s, k, object_of(s, &o));
    if (least_of(s, &o))
        put_extras(s, &o, k);
    put_one_away(s, &o, k);
    put_counts(s, &o, k, p);
    struct sample_gathered *all = o.count <= DRAWN_MEMBERS ? arena_array(a, o.count + 1, sizeof(*all)) : NULL;
    put_varied(s, &o, k, all);
    if (all)
        put_drawn(s, &o, k, all);
    fullest_of(s, &o);
    put_extras(s, &o, k);
}

void sample_object_entry(struct sample *s, struct sample_sink *k, struct slice key, struct slice value)
{
    if (!sample_sink_full(s, k) && key.len && value.len)
        sample_sink_put(s, k, arena_putf(&s->work->arena, "{%.*s:%.*s}", SLICE_FMT(key), SLICE_FMT(value)));
}

static void put_entries(struct sample *s, struct sample_sink *k, size_t count, struct slice value)
{
    struct object o = {.filler = value, .strangers = count};
    if (!sample_sink_full(s, k))
        sample_sink_put(s, k, object_of(s, &o));
}

void sample_object_map(struct sample *s, const struct shape_type *t, const struct shape_position *p,
                       struct sample_sink *k)
{
    if (!t->parts || !t->parts->next)
        return;
    struct sample_gathered keys, values;
    const struct hint_list *names = SAMPLE_HINTS(s, names), *numbers = SAMPLE_HINTS(s, numbers);
    uint64_t least = sample_sink_count(shape_tightest(p, SHAPE_MIN_ITEMS), 0);
    struct slice value = sample_sure(s, t->parts->next);
    put_entries(s, k, least < SAMPLE_COUNT_MOST ? (size_t)least : SAMPLE_COUNT_MOST, value);
    if (sample_sink_full(s, k))
        return;
    sample_inside(s, t->parts, &keys);
    sample_inside(s, t->parts->next, &values);
    for (size_t i = 0; i < values.count; i++)
        sample_object_entry(s, k, keys.count && keys.v[0].len > 2 ? keys.v[0] : SLICE("\"key\""), values.v[i]);
    for (size_t i = 0; i < keys.count; i++)
        sample_object_entry(s, k, keys.v[i], value);
    for (size_t i = 0; i < names->count && !sample_sink_full(s, k); i++)
        for (size_t n = 0; n < values.count; n++)
            sample_object_entry(s, k, sample_sink_quoted(s, names->v[i]), values.v[n]);
    for (size_t i = 0; i < numbers->count && !sample_sink_full(s, k); i++) {
        uint64_t n = sample_sink_count(numbers->v[i], SAMPLE_COUNT_MOST + 1);
        for (unsigned more = 0; more < 3 && n < SAMPLE_COUNT_MOST; more++)
            if (n + more)
                put_entries(s, k, (size_t)(n + more - 1), value);
    }
}
