#include "contracts/hint.h"

#include "contracts/json_value.h"
#include "contracts/regular.h"

enum { HINT_DEPTH = 4, HINT_STEPS = 512 };

void hint_init(struct hint *h, struct arena *arena)
{
    *h = (struct hint){.arena = arena, .steps = HINT_STEPS};
}

void hint_add(struct hint_list *l, struct slice text)
{
    for (size_t i = 0; i < l->count; i++)
        if (slice_eq(l->v[i], text))
            return;
    if (l->count < HINT_MOST)
        l->v[l->count++] = text;
}

static bool spend(struct hint *h)
{
    h->steps -= h->steps > 0;
    return h->steps > 0;
}

/* A name that matches, and one that does not. */
static void add_pattern(struct hint *h, struct slice pattern)
{
    struct buf text;
    hint_add(&h->patterns, pattern);
    buf_init(&text, BUF_TEXT_BOUND);
    for (int i = 0; i < 2; i++) {
        buf_clear(&text);
        bool found =
            i == 0 ? regular_sample(pattern, SLICE(""), 1, &text) : regular_sample(SLICE(""), pattern, 1, &text);
        if (found)
            hint_add(&h->names, arena_keep(h->arena, buf_slice(&text)));
    }
    buf_fini(&text);
}

static void learn_json(struct hint *h, const struct json_value *v, unsigned depth)
{
    if (!spend(h) || depth == HINT_DEPTH)
        return;
    if (v->kind == JSON_NUMBER && shape_decimal(v->text))
        hint_add(&h->numbers, v->text);
    if (v->kind == JSON_STRING && slice_eq(v->name, SLICE("pattern"))) {
        add_pattern(h, v->text);
    } else if (v->kind == JSON_STRING) {
        hint_add(&h->texts, v->text);
        hint_add(&h->names, v->text);
    }
    bool patterns = slice_eq(v->name, SLICE("patternProperties"));
    bool members = slice_eq(v->name, SLICE("properties")) || slice_starts(v->name, SLICE("depend"));
    bool tags = slice_eq(v->name, SLICE("mapping"));
    for (const struct json_value *m = v->first; m; m = m->next) {
        if (v->kind == JSON_OBJECT && patterns)
            add_pattern(h, m->name);
        else if (v->kind == JSON_OBJECT && members)
            hint_add(&h->names, m->name);
        if (v->kind == JSON_OBJECT && tags)
            hint_add(&h->texts, m->name);
        else
            learn_json(h, m, depth + 1);
    }
}

static void learn_text(struct hint *h, struct slice json)
{
    const struct json_value *v;
    if (json_value_read(json, h->arena, &v) == ERR_OK)
        learn_json(h, v, 0);
}

/* "patternProperties ^x-", "dependentRequired name": what stands behind the blank is a name or a pattern. */
static void learn_saying(struct hint *h, const struct shape_saying *s)
{
    struct slice rest = s->word, word;
    if (slice_split(&rest, ' ', &word) && rest.len && slice_eq(word, SLICE("patternProperties")))
        add_pattern(h, rest);
    else if (rest.len)
        hint_add(&h->names, rest);
    const struct json_value *v;
    if (slice_eq(s->word, SLICE("pattern")) && json_value_read(s->text, h->arena, &v) == ERR_OK &&
        v->kind == JSON_STRING)
        add_pattern(h, v->text);
    size_t at;
    /* "1..3 {...}" and "{...}" alike. */
    if (slice_find(s->text, '{', &at))
        learn_text(h, slice_from(s->text, at));
    else
        learn_text(h, s->text);
    if (slice_split(&(struct slice){s->text.at, s->text.len}, '.', &word) && shape_decimal(word))
        hint_add(&h->numbers, word);
}

static void learn(struct hint *h, const struct shape_position *p, unsigned depth);

static void learn_rule(struct hint *h, const struct shape_rule *r, unsigned depth)
{
    for (int b = 0; b < SHAPE_BOUNDS; b++)
        if (r->bound[b].len)
            hint_add(&h->numbers, r->bound[b]);
    for (const struct shape_text *t = r->patterns; t && spend(h); t = t->next)
        add_pattern(h, t->text);
    for (const struct shape_text *t = r->values; t && spend(h); t = t->next) {
        hint_add(&h->values, t->text);
        learn_text(h, t->text);
    }
    for (const struct shape_saying *s = r->sayings; s && spend(h); s = s->next)
        learn_saying(h, s);
    for (const struct shape_aspect *a = r->aspects; a && spend(h); a = a->next) {
        size_t at;
        learn(h, a->position, depth + 1);
        if (slice_find(a->role, '{', &at))
            learn_text(h, slice_from(a->role, at));
    }
}

static void learn_type(struct hint *h, const struct shape_type *t, unsigned depth)
{
    for (size_t i = 0; i < t->symbol_count && i < HINT_MOST; i++)
        hint_add(&h->texts, fact_text(t->symbols[i], 1));
    for (const struct shape_position *p = t->items; p && spend(h); p = p->next)
        learn(h, p, depth + 1);
    for (const struct shape_position *p = t->parts; p && spend(h); p = p->next) {
        if (p->member.len)
            hint_add(&h->names, p->member);
        if (t->kind == SHAPE_UNION && p->type && p->type->kind == SHAPE_RECORD)
            hint_add(&h->texts, p->type_name);
        learn(h, p, depth + 1);
    }
    if (t->extra)
        learn(h, t->extra, depth + 1);
}

static void learn(struct hint *h, const struct shape_position *p, unsigned depth)
{
    const struct shape_rule *r;
    if (depth == HINT_DEPTH || !spend(h))
        return;
    for (unsigned i = 0; (r = shape_rule_at(p, i)); i++)
        learn_rule(h, r, depth);
    const struct shape_type *t = shape_base(p->type);
    if (t)
        learn_type(h, t, depth);
}

void hint_learn(struct hint *h, const struct shape_position *p)
{
    learn(h, p, 0);
}
