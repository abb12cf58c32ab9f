#include "contracts/sample.h"

#include <stdio.h>

#include "base/json_out.h"
#include "contracts/conforms.h"
#include "contracts/decimal.h"
#include "contracts/regular.h"

/* The outermost position is looked at closely, what is inside it less and less. */
enum {
    OUTER_MOST = 400,
    INNER_MOST = 12,
    SURE_MOST = 64,
    DEEPEST = 12,
    LONGEST = 4096,
    COUNT_MOST = 64,
    SYMBOLS_MOST = 256,
    DRAWN = 120,
    COST = 64
};

/* Where values go. */
struct sink {
    sample_take_fn *take;
    void *arg;
    unsigned left;
    bool enough;
};

struct gathered {
    struct slice v[INNER_MOST];
    size_t count;
};

static void gather(struct sample *s, const struct shape_position *p, struct sink *k);

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

static bool over(const struct sample *s, const struct sink *k)
{
    return k->enough || k->left == 0 || s->work->budget == 0;
}

static void put(struct sample *s, struct sink *k, struct slice json)
{
    if (over(s, k))
        return;
    uint64_t cost = json.len + COST;
    s->work->budget -= cost < s->work->budget ? cost : s->work->budget;
    k->left--;
    k->enough = k->take(k->arg, json);
}

static bool keep(void *arg, struct slice json)
{
    struct gathered *g = arg;
    g->v[g->count++] = json;
    return g->count == INNER_MOST;
}

static void gather_inside(struct sample *s, const struct shape_position *p, struct gathered *g)
{
    struct sink k = {.take = keep, .arg = g, .left = INNER_MOST};
    struct slice sure = sample_sure(s, p);
    g->count = 0;
    if (sure.len)
        put(s, &k, sure);
    gather(s, p, &k);
}

/* --- Texts. */

static struct slice quoted(struct sample *s, struct slice text)
{
    struct buf b;
    struct json_out j;
    buf_init(&b, BUF_TEXT_BOUND);
    json_out_init(&j, &b, 0);
    json_out_slice(&j, text);
    struct slice kept = arena_keep(&s->work->arena, buf_slice(&b));
    buf_fini(&b);
    return kept;
}

static void put_text(struct sample *s, struct sink *k, struct slice text)
{
    if (!over(s, k))
        put(s, k, quoted(s, text));
}

static void put_length(struct sample *s, struct sink *k, uint64_t length)
{
    struct buf b;
    if (length > LONGEST || over(s, k))
        return;
    buf_init(&b, LONGEST + 1);
    for (uint64_t i = 0; i < length; i++)
        buf_put_char(&b, 'a');
    put_text(s, k, buf_slice(&b));
    buf_fini(&b);
}

static uint64_t count_of(struct slice bound, uint64_t otherwise)
{
    uint64_t n;
    return bound.len && slice_u64(bound, LONGEST, &n) == ERR_OK ? n : otherwise;
}

static void put_around(struct sample *s, struct sink *k, struct slice bound)
{
    uint64_t n = count_of(bound, LONGEST + 1);
    if (n > LONGEST)
        return;
    put_length(s, k, n + 1);
    put_length(s, k, n);
    if (n)
        put_length(s, k, n - 1);
}

static void put_match(struct sample *s, struct sink *k, struct slice narrow, struct slice wide, uint64_t least)
{
    struct buf b;
    if (over(s, k))
        return;
    buf_init(&b, BUF_TEXT_BOUND);
    if (regular_sample(narrow, wide, least < LONGEST ? (unsigned)least : LONGEST, &b))
        put_text(s, k, buf_slice(&b));
    buf_fini(&b);
}

static struct slice pattern_of(const struct shape_position *p)
{
    const struct shape_rule *r;
    for (unsigned i = 0; (r = shape_rule_at(p, i)); i++)
        if (r->patterns)
            return r->patterns->text;
    return SLICE("");
}

static void put_formats(struct sample *s, struct sink *k, const struct shape_position *p)
{
    const struct shape_rule *r;
    for (unsigned i = 0; (r = shape_rule_at(p, i)); i++) {
        const char *sample = conforms_format_sample(r->format);
        if (sample)
            put_text(s, k, slice_str(sample));
    }
}

static const struct hint_list *hints(const struct sample *s, size_t offset)
{
    static const struct hint_list none;
    return s->hint ? (const struct hint_list *)(const void *)((const char *)s->hint + offset) : &none;
}
#define HINTS(s, list) hints(s, offsetof(struct hint, list))

static void gather_text(struct sample *s, const struct shape_position *p, struct sink *k)
{
    struct slice own = pattern_of(p);
    uint64_t least = count_of(shape_tightest(p, SHAPE_MIN_LENGTH), 0);
    const struct hint_list *patterns = HINTS(s, patterns), *texts = HINTS(s, texts), *numbers = HINTS(s, numbers);
    put_formats(s, k, p);
    put_length(s, k, least);
    for (size_t i = 0; i < patterns->count; i++)
        put_match(s, k, own, patterns->v[i], least);
    if (own.len)
        put_match(s, k, own, SLICE(""), least);
    put_text(s, k, SLICE("?!"));
    /* Inside, what is mentioned counts most: it may be a tag. */
    for (size_t i = 0; i < texts->count && (s->depth > 1 || i < 2); i++)
        put_text(s, k, texts->v[i]);
    for (size_t i = 0; i < numbers->count; i++)
        put_around(s, k, numbers->v[i]);
    put_length(s, k, count_of(shape_tightest(p, SHAPE_MAX_LENGTH), s->depth == 1 ? LONGEST : 4));
    for (size_t i = 2; i < texts->count && s->depth == 1; i++)
        put_text(s, k, texts->v[i]);
    put_text(s, k, SLICE("another symbol"));
}

/* Zeros in base64. */
static void put_bytes(struct sample *s, struct sink *k, uint64_t bytes)
{
    struct buf b;
    if (bytes > LONGEST)
        return;
    buf_init(&b, BUF_TEXT_BOUND);
    for (uint64_t i = 0; i < (bytes * 4 + 2) / 3; i++)
        buf_put_char(&b, 'A');
    while (buf_len(&b) % 4)
        buf_put_char(&b, '=');
    put_text(s, k, buf_slice(&b));
    buf_fini(&b);
}

static void gather_bytes(struct sample *s, const struct shape_position *p, struct sink *k)
{
    const struct shape_type *t = p->type;
    const struct hint_list *numbers = HINTS(s, numbers);
    for (unsigned i = 0; t && i < 64; i++) {
        if (t->avro && t->avro->size.len)
            put_bytes(s, k, count_of(t->avro->size, 0));
        t = t->kind == SHAPE_ALIAS && t->parts ? t->parts->type : NULL;
    }
    put_bytes(s, k, 0);
    put_bytes(s, k, 1);
    put_length(s, k, count_of(shape_tightest(p, SHAPE_MIN_LENGTH), 0));
    for (size_t i = 0; i < numbers->count; i++)
        put_around(s, k, numbers->v[i]);
    put_length(s, k, 4);
    put_length(s, k, 8);
}

static void gather_symbol(struct sample *s, const struct shape_type *t, struct sink *k)
{
    for (size_t i = 0; i < t->symbol_count && i < SYMBOLS_MOST; i++)
        put_text(s, k, t->symbols[i]->text[1]);
    if (t->open)
        put_text(s, k, SLICE("another symbol"));
}

/* --- Numbers. */

static void put_decimal(struct sample *s, struct sink *k, struct decimal d)
{
    struct buf b;
    if (over(s, k))
        return;
    buf_init(&b, BUF_TEXT_BOUND);
    decimal_put(d, &b);
    put(s, k, arena_keep(&s->work->arena, buf_slice(&b)));
    buf_fini(&b);
}

/* `number` and `steps` tenths. */
static void put_beside(struct sample *s, struct sink *k, struct slice number, int64_t tenths)
{
    struct decimal d, sum;
    if (decimal_read(number, &d) && decimal_add(d, (struct decimal){tenths, 1}, &sum))
        put_decimal(s, k, sum);
}

/* The multiples of `unit` around `number`. */
static void put_multiples(struct sample *s, struct sink *k, struct slice number, struct slice unit)
{
    struct decimal d, u, m;
    if (!decimal_read(number, &d) || !decimal_read(unit, &u) || u.digits == 0)
        return;
    double times = (double)d.digits / (double)u.digits;
    for (unsigned i = d.scale; i > u.scale; i--)
        times /= 10;
    for (unsigned i = u.scale; i > d.scale; i--)
        times *= 10;
    if (times > 1e15 || times < -1e15)
        return;
    for (int64_t i = -1; i <= 2; i++)
        if (decimal_times(u, (int64_t)times + i, &m))
            put_decimal(s, k, m);
}

static void put_number_around(struct sample *s, struct sink *k, struct slice number, struct slice unit)
{
    if (number.len == 0)
        return;
    put(s, k, number);
    put_beside(s, k, number, 10);
    put_beside(s, k, number, -10);
    put_beside(s, k, number, 1);
    put_beside(s, k, number, -1);
    if (unit.len)
        put_multiples(s, k, number, unit);
}

static void gather_number(struct sample *s, const struct shape_type *t, const struct shape_position *p, struct sink *k)
{
    static const char *const usual[] = {"0",
                                        "0.5",
                                        "1",
                                        "-1",
                                        "2147483648",
                                        "4294967296",
                                        "9007199254740993",
                                        "9223372036854775808",
                                        "18446744073709551616",
                                        "-2147483649",
                                        "-9223372036854775809"};
    static const enum shape_bound ends[] = {SHAPE_MIN, SHAPE_MAX, SHAPE_ABOVE, SHAPE_BELOW};
    struct slice unit = shape_tightest(p, SHAPE_MULTIPLE_OF);
    const struct hint_list *numbers = HINTS(s, numbers);
    put(s, k, SLICE("0"));
    for (size_t i = 0; i < 4; i++)
        put_number_around(s, k, shape_tightest(p, ends[i]), unit);
    put_number_around(s, k, unit, unit);
    for (size_t i = 0; i < numbers->count; i++)
        put_number_around(s, k, numbers->v[i], unit);
    for (size_t i = 1; i < sizeof(usual) / sizeof(usual[0]); i++)
        put(s, k, slice_str(usual[i]));
    if (t->least.len)
        put(s, k, t->least);
    if (t->most.len)
        put(s, k, t->most);
}

/* --- Lists. */

static struct slice nth(struct sample *s, const struct gathered *g, const struct shape_type *t, size_t number)
{
    if (t && (t->kind == SHAPE_WHOLE || t->kind == SHAPE_REAL))
        return arena_putf(&s->work->arena, "%zu", number);
    if (t && t->kind == SHAPE_STRING)
        return arena_putf(&s->work->arena, "\"x%zu\"", number);
    return g->count ? g->v[number % g->count] : SLICE("null");
}

/* The list's items first, then the element `first` where there is room, then others until there are `count`. */
static struct slice list_of(struct sample *s, const struct shape_type *t, struct slice first, const struct gathered *g,
                            size_t count, bool differing)
{
    struct buf b;
    size_t made = 0;
    buf_init(&b, BUF_TEXT_BOUND);
    buf_put_char(&b, '[');
    for (const struct shape_position *i = t->items; i && made < count; i = i->next, made++) {
        struct slice sure = sample_sure(s, i);
        buf_putf(&b, "%s", made ? "," : "");
        buf_put(&b, sure.len ? sure : SLICE("null"));
    }
    const struct shape_type *element = t->parts ? shape_base(t->parts->type) : NULL;
    for (bool given = false; made < count; made++) {
        buf_putf(&b, "%s", made ? "," : "");
        buf_put(&b, first.len && !given ? first
                    : differing         ? nth(s, g, element, made)
                    : g->count          ? g->v[0]
                                        : SLICE("null"));
        given = true;
    }
    buf_put_char(&b, ']');
    struct slice kept = arena_keep(&s->work->arena, buf_slice(&b));
    buf_fini(&b);
    return kept;
}

static size_t item_count(const struct shape_type *t)
{
    size_t n = 0;
    for (const struct shape_position *i = t->items; i; i = i->next)
        n++;
    return n;
}

/* One item is another value of its type. */
static void vary_items(struct sample *s, const struct shape_type *t, struct sink *k)
{
    size_t place = 0;
    for (const struct shape_position *i = t->items; i && !over(s, k); i = i->next, place++) {
        struct gathered g, none = {.count = 0};
        gather_inside(s, i, &g);
        for (size_t n = 0; n < g.count && !over(s, k); n++) {
            struct slice before = list_of(s, t, (struct slice){0}, &none, place, false);
            struct slice open = slice_to(before, before.len - 1);
            put(s, k, arena_putf(&s->work->arena, "%.*s%s%.*s]", SLICE_FMT(open), place ? "," : "", SLICE_FMT(g.v[n])));
        }
    }
}

/* What the list is to contain. */
static void put_contained(struct sample *s, const struct shape_position *p, const struct shape_type *t, struct sink *k)
{
    const struct shape_rule *r;
    for (unsigned i = 0; (r = shape_rule_at(p, i)); i++)
        for (const struct shape_aspect *a = r->aspects; a; a = a->next) {
            if (!slice_starts(a->role, SLICE("contains ")))
                continue;
            struct gathered g = {.count = 1, .v = {sample_sure(s, a->position)}};
            uint64_t n = count_of(slice_from(a->role, 9), 1);
            if (g.v[0].len && n <= COUNT_MOST)
                put(s, k, list_of(s, t, g.v[0], &g, item_count(t) + n, false));
        }
}

static void gather_list(struct sample *s, const struct shape_type *t, const struct shape_position *p, struct sink *k)
{
    struct gathered g = {.count = 0};
    const struct hint_list *numbers = HINTS(s, numbers);
    size_t items = item_count(t), least = count_of(shape_tightest(p, SHAPE_MIN_ITEMS), 0);
    least = least < COUNT_MOST ? least : COUNT_MOST;
    put(s, k, list_of(s, t, (struct slice){0}, &g, least < items ? least : least ? items : 0, false));
    put_contained(s, p, t, k);
    if (t->parts)
        gather_inside(s, t->parts, &g);
    size_t usual = (least > items ? least : items + 1);
    for (size_t i = 0; i < g.count && !over(s, k); i++)
        put(s, k, list_of(s, t, g.v[i], &g, usual, least > items + 1));
    vary_items(s, t, k);
    for (size_t i = 0; i < numbers->count && !over(s, k); i++) {
        uint64_t n = count_of(numbers->v[i], COUNT_MOST + 1);
        for (int64_t more = -1; more <= 1 && n + 1 <= COUNT_MOST; more++)
            if (n || more >= 0) {
                put(s, k, list_of(s, t, (struct slice){0}, &g, (size_t)((int64_t)n + more), false));
                put(s, k, list_of(s, t, (struct slice){0}, &g, (size_t)((int64_t)n + more), true));
            }
    }
    put(s, k, list_of(s, t, (struct slice){0}, &g, usual + 1, false));
    put(s, k, list_of(s, t, (struct slice){0}, &g, usual + 1, true));
    put(s, k,
        list_of(s, t, (struct slice){0}, &g, count_of(shape_tightest(p, SHAPE_MAX_ITEMS), 16) % (COUNT_MOST + 1),
                true));
}

/* --- Objects. */

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
    return p->only.len && s->direction.len && !slice_eq(p->only, s->direction);
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

static const char *const kinds[] = {"true", "0.5", "\"?!\"", "[]", "{}", "null"};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* What a record may be sent that it does not name: values of its extra type, or of every kind. */
static void gather_extra(struct sample *s, const struct shape_type *t, struct gathered *g)
{
    g->count = 0;
    if (t->extra) {
        gather_inside(s, t->extra, g);
        return;
    }
    for (size_t i = 0; i < KINDS; i++)
        g->v[g->count++] = slice_str(kinds[i]);
    const struct hint_list *values = HINTS(s, values);
    for (size_t i = 0; i < values->count && g->count < INNER_MOST; i++)
        g->v[g->count++] = values->v[i];
}

static void put_extras(struct sample *s, struct object *o, struct sink *k)
{
    struct gathered g;
    const struct hint_list *names = HINTS(s, names), *numbers = HINTS(s, numbers);
    if (o->type->closed)
        return;
    gather_extra(s, o->type, &g);
    for (size_t n = 0; n <= names->count && !over(s, k); n++) {
        o->name = n < names->count ? names->v[n] : SLICE("another");
        for (size_t i = 0; i < g.count && !is_named(o, o->name) && !over(s, k); i++) {
            o->value = g.v[i];
            put(s, k, object_of(s, o));
        }
    }
    /* Names of other lengths. */
    for (size_t n = 0; n < numbers->count && n < 6 && g.count && !over(s, k); n++) {
        uint64_t length = count_of(numbers->v[n], COUNT_MOST + 1) + 1;
        if (length > COUNT_MOST)
            continue;
        char name[COUNT_MOST + 1];
        memset(name, 'n', sizeof(name));
        o->name = slice_of(name, (size_t)length);
        o->value = g.v[0];
        put(s, k, object_of(s, o));
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
static void put_count(struct sample *s, struct object *o, struct sink *k, size_t wanted)
{
    struct gathered g;
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
    put(s, k, object_of(s, o));
    o->strangers = 0;
}

static void put_counts(struct sample *s, struct object *o, struct sink *k, const struct shape_position *p)
{
    const struct hint_list *numbers = HINTS(s, numbers);
    uint64_t least = count_of(shape_tightest(p, SHAPE_MIN_ITEMS), 0);
    if (least && least <= COUNT_MOST)
        put_count(s, o, k, (size_t)least);
    for (size_t i = 0; i < numbers->count && !over(s, k); i++) {
        uint64_t n = count_of(numbers->v[i], COUNT_MOST + 1);
        for (unsigned more = 0; more < 3 && n < COUNT_MOST; more++)
            if (n + more)
                put_count(s, o, k, (size_t)(n + more - 1));
    }
}

/* One that need not be there is away, or alone with those that must. */
static void put_one_away(struct sample *s, struct object *o, struct sink *k)
{
    for (size_t i = 0; i < o->count && !over(s, k); i++) {
        if (o->parts[i]->required || elsewhere(s, o->parts[i]))
            continue;
        fullest_of(s, o);
        o->chosen[i] = (struct slice){0};
        put(s, k, object_of(s, o));
        if (least_of(s, o) && (o->chosen[i] = o->sure[i]).len)
            put(s, k, object_of(s, o));
    }
}

static void put_varied(struct sample *s, struct object *o, struct sink *k, struct gathered *all)
{
    for (size_t i = 0; i < o->count && !over(s, k); i++) {
        struct gathered one, *g = all ? &all[i] : &one;
        g->count = 0;
        if (elsewhere(s, o->parts[i]) || !least_of(s, o))
            continue;
        gather_inside(s, o->parts[i], g);
        for (size_t n = 0; n < g->count && !over(s, k); n++) {
            o->chosen[i] = g->v[n];
            put(s, k, object_of(s, o));
        }
    }
}

/* Several at once, drawn from a fixed seed. */
static void put_drawn(struct sample *s, struct object *o, struct sink *k, const struct gathered *all)
{
    uint64_t state = UINT64_C(0x9E3779B97F4A7C15);
    for (unsigned round = 0; round < DRAWN && !over(s, k); round++) {
        for (size_t i = 0; i < o->count; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            unsigned draw = (unsigned)(state >> 40);
            bool there = o->parts[i]->required || draw % 4;
            o->chosen[i] = there && all[i].count ? all[i].v[(draw >> 2) % all[i].count] : (struct slice){0};
        }
        put(s, k, object_of(s, o));
    }
}

enum { DRAWN_MEMBERS = 24 };

static void gather_object(struct sample *s, const struct shape_type *t, const struct shape_position *p, struct sink *k)
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
    put(s, k, object_of(s, &o));
    if (!over(s, k) && shape_tightest(p, SHAPE_MIN_ITEMS).len)
        put_counts(s, &o, k, p);
    if (over(s, k) || !least_of(s, &o))
        return;
    if (s->depth > 1) {
        put_varied(s, &o, k, NULL);
        return;
    }
    fullest_of(s, &o);
    put(s, k, object_of(s, &o));
    if (least_of(s, &o))
        put_extras(s, &o, k);
    put_one_away(s, &o, k);
    put_counts(s, &o, k, p);
    struct gathered *all = o.count <= DRAWN_MEMBERS ? arena_array(a, o.count + 1, sizeof(*all)) : NULL;
    put_varied(s, &o, k, all);
    if (all)
        put_drawn(s, &o, k, all);
    fullest_of(s, &o);
    put_extras(s, &o, k);
}

static void put_entry(struct sample *s, struct sink *k, struct slice key, struct slice value)
{
    if (!over(s, k) && key.len && value.len)
        put(s, k, arena_putf(&s->work->arena, "{%.*s:%.*s}", SLICE_FMT(key), SLICE_FMT(value)));
}

static void put_entries(struct sample *s, struct sink *k, size_t count, struct slice value)
{
    struct object o = {.filler = value, .strangers = count};
    if (!over(s, k))
        put(s, k, object_of(s, &o));
}

static void gather_map(struct sample *s, const struct shape_type *t, const struct shape_position *p, struct sink *k)
{
    if (!t->parts || !t->parts->next)
        return;
    struct gathered keys, values;
    const struct hint_list *names = HINTS(s, names), *numbers = HINTS(s, numbers);
    uint64_t least = count_of(shape_tightest(p, SHAPE_MIN_ITEMS), 0);
    struct slice value = sample_sure(s, t->parts->next);
    put_entries(s, k, least < COUNT_MOST ? (size_t)least : COUNT_MOST, value);
    if (over(s, k))
        return;
    gather_inside(s, t->parts, &keys);
    gather_inside(s, t->parts->next, &values);
    for (size_t i = 0; i < values.count; i++)
        put_entry(s, k, keys.count && keys.v[0].len > 2 ? keys.v[0] : SLICE("\"key\""), values.v[i]);
    for (size_t i = 0; i < keys.count; i++)
        put_entry(s, k, keys.v[i], value);
    for (size_t i = 0; i < names->count && !over(s, k); i++)
        for (size_t n = 0; n < values.count; n++)
            put_entry(s, k, quoted(s, names->v[i]), values.v[n]);
    for (size_t i = 0; i < numbers->count && !over(s, k); i++) {
        uint64_t n = count_of(numbers->v[i], COUNT_MOST + 1);
        for (unsigned more = 0; more < 3 && n < COUNT_MOST; more++)
            if (n + more)
                put_entries(s, k, (size_t)(n + more - 1), value);
    }
}

/* --- Any type. */

static void gather_union(struct sample *s, const struct shape_type *t, struct sink *k)
{
    size_t count = 0;
    for (const struct shape_position *b = t->parts; b; b = b->next)
        count++;
    unsigned share = count ? k->left / (unsigned)count + 1 : 0;
    for (const struct shape_position *b = t->parts; b && !over(s, k); b = b->next) {
        struct sink part = {.take = k->take, .arg = k->arg, .left = share < k->left ? share : k->left};
        unsigned before = part.left;
        gather(s, b, &part);
        k->left -= before - part.left;
        k->enough = part.enough;
    }
}

static void gather_any(struct sample *s, const struct shape_position *p, struct sink *k)
{
    const struct hint_list *texts = HINTS(s, texts), *names = HINTS(s, names), *values = HINTS(s, values);
    for (size_t i = 0; i < KINDS; i++)
        put(s, k, slice_str(kinds[i]));
    for (size_t i = 0; i < values->count; i++)
        put(s, k, values->v[i]);
    for (size_t i = 0; i < names->count && !over(s, k); i++)
        for (size_t n = 0; n < KINDS; n++)
            put_entry(s, k, quoted(s, names->v[i]), slice_str(kinds[n]));
    static const struct shape_type number = {.kind = SHAPE_REAL};
    gather_number(s, &number, p, k);
    gather_text(s, p, k);
    for (size_t i = 0; i < texts->count; i++)
        put_text(s, k, texts->v[i]);
}

static void gather_kind(struct sample *s, const struct shape_type *t, const struct shape_position *p, struct sink *k)
{
    switch (t->kind) {
    case SHAPE_ANY:
        gather_any(s, p, k);
        break;
    case SHAPE_BOOL:
        put(s, k, SLICE("true"));
        put(s, k, SLICE("false"));
        break;
    case SHAPE_STRING:
        gather_text(s, p, k);
        break;
    case SHAPE_BYTES:
        gather_bytes(s, p, k);
        break;
    case SHAPE_WHOLE:
    case SHAPE_REAL:
        gather_number(s, t, p, k);
        break;
    case SHAPE_RECORD:
        gather_object(s, t, p, k);
        break;
    case SHAPE_ENUM:
        gather_symbol(s, t, k);
        break;
    case SHAPE_LIST:
        gather_list(s, t, p, k);
        break;
    case SHAPE_MAP:
        gather_map(s, t, p, k);
        break;
    case SHAPE_UNION:
        gather_union(s, t, k);
        break;
    case SHAPE_ALIAS:
        break;
    }
}

/* The values that are listed, if any are. */
static bool gather_values(struct sample *s, const struct shape_position *p, struct sink *k)
{
    const struct shape_rule *r;
    bool listed = false;
    for (unsigned i = 0; (r = shape_rule_at(p, i)); i++)
        for (const struct shape_text *v = r->values; v; v = v->next) {
            put(s, k, v->text);
            listed = true;
        }
    return listed;
}

static void gather(struct sample *s, const struct shape_position *p, struct sink *k)
{
    const struct shape_type *t = shape_base(p->type);
    if (!t || s->depth >= DEEPEST)
        return;
    s->depth++;
    if (shape_nullable(p))
        put(s, k, SLICE("null"));
    if (!gather_values(s, p, k))
        gather_kind(s, t, p, k);
    s->depth--;
}

bool sample_each(struct sample *s, const struct shape_position *p, sample_take_fn *take, void *arg)
{
    struct sink k = {.take = take, .arg = arg, .left = OUTER_MOST};
    gather(s, p, &k);
    return k.enough;
}

/* --- The one value. */

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
    struct sink k = {.take = is_sure, .arg = &w, .left = SURE_MOST};
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
