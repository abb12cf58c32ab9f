#include "contracts/sample_list.h"

static struct slice nth(struct sample *s, const struct sample_gathered *g, const struct shape_type *t, size_t number)
{
    if (t && (t->kind == SHAPE_WHOLE || t->kind == SHAPE_REAL))
        return arena_putf(&s->work->arena, "%zu", number);
    if (t && t->kind == SHAPE_STRING)
        return arena_putf(&s->work->arena, "\"x%zu\"", number);
    return g->count ? g->v[number % g->count] : SLICE("null");
}

/* The list's items first, then the element `first` where there is room, then others until there are `count`. */
static struct slice list_of(struct sample *s, const struct shape_type *t, struct slice first,
                            const struct sample_gathered *g, size_t count, bool differing)
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
static void vary_items(struct sample *s, const struct shape_type *t, struct sample_sink *k)
{
    size_t place = 0;
    for (const struct shape_position *i = t->items; i && !sample_sink_full(s, k); i = i->next, place++) {
        struct sample_gathered g, none = {.count = 0};
        sample_inside(s, i, &g);
        for (size_t n = 0; n < g.count && !sample_sink_full(s, k); n++) {
            struct slice before = list_of(s, t, (struct slice){0}, &none, place, false);
            struct slice open = slice_to(before, before.len - 1);
            sample_sink_put(
                s, k, arena_putf(&s->work->arena, "%.*s%s%.*s]", SLICE_FMT(open), place ? "," : "", SLICE_FMT(g.v[n])));
        }
    }
}

/* What the list is to contain. */
static void put_contained(struct sample *s, const struct shape_position *p, const struct shape_type *t,
                          struct sample_sink *k)
{
    const struct shape_rule *r;
    for (unsigned i = 0; (r = shape_rule_at(p, i)); i++)
        for (const struct shape_aspect *a = r->aspects; a; a = a->next) {
            if (!slice_starts(a->role, SLICE("contains ")))
                continue;
            struct sample_gathered g = {.count = 1, .v = {sample_sure(s, a->position)}};
            uint64_t n = sample_sink_count(slice_from(a->role, 9), 1);
            if (g.v[0].len && n <= SAMPLE_COUNT_MOST)
                sample_sink_put(s, k, list_of(s, t, g.v[0], &g, item_count(t) + n, false));
        }
}

void sample_list(struct sample *s, const struct shape_type *t, const struct shape_position *p, struct sample_sink *k)
{
    struct sample_gathered g = {.count = 0};
    const struct hint_list *numbers = SAMPLE_HINTS(s, numbers);
    size_t items = item_count(t), least = sample_sink_count(shape_tightest(p, SHAPE_MIN_ITEMS), 0);
    least = least < SAMPLE_COUNT_MOST ? least : SAMPLE_COUNT_MOST;
    sample_sink_put(s, k, list_of(s, t, (struct slice){0}, &g, least < items ? least : least ? items : 0, false));
    put_contained(s, p, t, k);
    if (t->parts)
        sample_inside(s, t->parts, &g);
    size_t usual = (least > items ? least : items + 1);
    for (size_t i = 0; i < g.count && !sample_sink_full(s, k); i++)
        sample_sink_put(s, k, list_of(s, t, g.v[i], &g, usual, least > items + 1));
    vary_items(s, t, k);
    for (size_t i = 0; i < numbers->count && !sample_sink_full(s, k); i++) {
        uint64_t n = sample_sink_count(numbers->v[i], SAMPLE_COUNT_MOST + 1);
        for (int64_t more = -1; more <= 1 && n + 1 <= SAMPLE_COUNT_MOST; more++)
            if (n || more >= 0) {
                sample_sink_put(s, k, list_of(s, t, (struct slice){0}, &g, (size_t)((int64_t)n + more), false));
                sample_sink_put(s, k, list_of(s, t, (struct slice){0}, &g, (size_t)((int64_t)n + more), true));
            }
    }
    sample_sink_put(s, k, list_of(s, t, (struct slice){0}, &g, usual + 1, false));
    sample_sink_put(s, k, list_of(s, t, (struct slice){0}, &g, usual + 1, true));
    sample_sink_put(s, k,
                    list_of(s, t, (struct slice){0}, &g,
                            sample_sink_count(shape_tightest(p, SHAPE_MAX_ITEMS), 16) % (SAMPLE_COUNT_MOST + 1), true));
}
