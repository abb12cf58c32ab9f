#include "contracts/conforms.h"

#include <stdio.h>

#include "contracts/decimal.h"
#include "contracts/regular.h"
#include "contracts/saying.h"
#include "contracts/wire/json_tok.h"

struct walk {
    struct slice direction, without, text;
    unsigned depth;
    unsigned steps; /* left: a union of unions may ask the same question again and again */
    struct arena arena;
};

enum { WALK_STEPS = 1 << 16, PATTERN_COST = 256 };

static enum answer position_takes(struct walk *w, const struct shape_position *p, const struct json_value *v);

/* false: this has gone on long enough, and what is left is not decided. */
static bool spend(struct walk *w, unsigned steps)
{
    w->steps -= steps < w->steps ? steps : w->steps;
    return w->steps > 0;
}

/* --- Numbers. */

/* Where a strict bound leaves the bound itself out. */
static enum answer beyond(struct slice number, struct slice bound, bool upper, bool strict)
{
    if (bound.len == 0)
        return ANSWER_YES;
    if (!shape_decimal(number))
        return ANSWER_MAYBE;
    int order = shape_decimal_cmp(number, bound);
    order = upper ? -order : order;
    return answer_of(strict ? order > 0 : order >= 0);
}

static enum answer in_range(struct slice number, struct slice least, struct slice most)
{
    return answer_both(beyond(number, least, false, false), beyond(number, most, true, false));
}

static enum answer whole(struct slice number)
{
    size_t at;
    if (!shape_decimal(number))
        return ANSWER_MAYBE;
    if (!slice_find(number, '.', &at))
        return ANSWER_YES;
    struct slice part = slice_from(number, at + 1);
    for (size_t i = 0; i < part.len; i++)
        if (part.at[i] != '0')
            return ANSWER_NO;
    return ANSWER_YES;
}

static enum answer multiple(struct slice number, struct slice of)
{
    int divides = of.len ? decimal_divides(number, of) : 1;
    return divides < 0 ? ANSWER_MAYBE : answer_of(divides);
}

/* --- Texts. */

static enum answer is_bytes(const struct shape_position *p, const struct json_value *v)
{
    long bytes = v->kind == JSON_STRING ? json_value_base64(v->text) : -1;
    const struct shape_type *t = p->type;
    for (unsigned i = 0; t && i < 64 && bytes >= 0; i++) {
        uint64_t size;
        if (t->avro && t->avro->size.len && slice_u64(t->avro->size, 1 << 20, &size) == ERR_OK)
            return answer_of((uint64_t)bytes == size);
        t = t->kind == SHAPE_ALIAS && t->parts ? t->parts->type : NULL;
    }
    return answer_of(bytes >= 0);
}

static const char *const formats[][2] = {
    {"date-time", "2026-01-31T12:00:00Z"},
    {"date", "2026-01-31"},
    {"time", "12:00:00Z"},
    {"duration", "P1D"},
    {"uuid", "123e4567-e89b-12d3-a456-426614174000"},
    {"email", "a@example.com"},
    {"idn-email", "a@example.com"},
    {"uri", "https://example.com/a"},
    {"uri-reference", "https://example.com/a"},
    {"iri", "https://example.com/a"},
    {"iri-reference", "https://example.com/a"},
    {"url", "https://example.com/a"},
    {"hostname", "example.com"},
    {"idn-hostname", "example.com"},
    {"ipv4", "192.0.2.1"},
    {"ipv6", "2001:db8::1"},
    {"byte", "YQ=="},
    {"json-pointer", "/a"},
    {"relative-json-pointer", "0"},
    {"uri-template", "https://example.com/a"},
    {"regex", "a"},
};

const char *conforms_format_sample(struct slice format)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (slice_eq(slice_str(formats[i][0]), format))
            return formats[i][1];
    return NULL;
}

/* Formats are notes to many readers; what is none of ours says nothing of a text. */
static enum answer is_format(struct slice format, const struct json_value *v)
{
    if (v->kind != JSON_STRING || format.len == 0)
        return ANSWER_YES;
    const char *sample = conforms_format_sample(format);
    return !sample || slice_eq(slice_str(sample), v->text) ? ANSWER_YES : ANSWER_MAYBE;
}

/* --- Types. */

static enum answer enum_takes(struct walk *w, const struct shape_type *t, const struct json_value *v)
{
    if (v->kind != JSON_STRING || t->open)
        return answer_of(v->kind == JSON_STRING);
    for (size_t i = 0; i < t->symbol_count; i++) {
        if (slice_eq(fact_text(t->symbols[i], 1), v->text))
            return ANSWER_YES;
        if (i % 16 == 15 && !spend(w, 1))
            return ANSWER_MAYBE;
    }
    return ANSWER_NO;
}

static const struct shape_position *member_of(struct walk *w, const struct shape_type *t, struct slice name)
{
    for (const struct shape_position *p = t->parts; p && spend(w, 1); p = p->next)
        if (slice_eq(p->member, name))
            return p;
    return NULL;
}

/* A member of the other direction only: nobody may send it, and nobody has to refuse it. */
static bool elsewhere(const struct walk *w, const struct shape_position *p)
{
    return p->more->only.len && w->direction.len && !slice_eq(p->more->only, w->direction);
}

static enum answer record_takes(struct walk *w, const struct shape_type *t, const struct json_value *v)
{
    if (v->kind != JSON_OBJECT)
        return ANSWER_NO;
    for (const struct shape_position *p = t->parts; p; p = p->next) {
        if (p->required && !elsewhere(w, p) && !json_value_member(v, p->member))
            return ANSWER_NO;
        if (!spend(w, 1))
            return ANSWER_MAYBE;
    }
    enum answer answer = ANSWER_YES;
    for (const struct json_value *m = v->first; m && answer != ANSWER_NO; m = m->next) {
        const struct shape_position *p = member_of(w, t, m->name);
        if (!p && w->steps == 0)
            return ANSWER_MAYBE;
        if (p && elsewhere(w, p))
            answer = ANSWER_MAYBE;
        else if (p || t->extra)
            answer = answer_both(answer, position_takes(w, p ? p : t->extra, m));
        else
            answer = t->closed ? ANSWER_NO : answer;
    }
    return answer;
}

/* Elements by their place first, the list's own type for those behind. */
static enum answer list_takes(struct walk *w, const struct shape_type *t, const struct json_value *v)
{
    if (v->kind != JSON_ARRAY)
        return ANSWER_NO;
    enum answer answer = ANSWER_YES;
    const struct shape_position *item = t->items;
    for (const struct json_value *e = v->first; e && answer != ANSWER_NO; e = e->next) {
        const struct shape_position *p = item ? item : t->parts;
        answer = answer_both(answer, p ? position_takes(w, p, e) : ANSWER_MAYBE);
        item = item ? item->next : NULL;
    }
    return answer;
}

static enum answer key_taken(struct walk *w, const struct shape_position *key, struct slice name)
{
    const struct shape_type *t = shape_base(key->type);
    struct json_value text = {.kind = JSON_STRING, .text = name};
    /* Keys that are numbers are spelt as texts. */
    return t && t->kind == SHAPE_WHOLE ? ANSWER_MAYBE : position_takes(w, key, &text);
}

static enum answer map_takes(struct walk *w, const struct shape_type *t, const struct json_value *v)
{
    if (v->kind != JSON_OBJECT)
        return ANSWER_NO;
    if (!t->parts || !t->parts->next)
        return ANSWER_MAYBE;
    enum answer answer = ANSWER_YES;
    for (const struct json_value *m = v->first; m && answer != ANSWER_NO; m = m->next)
        answer =
            answer_both(answer, answer_both(key_taken(w, t->parts, m->name), position_takes(w, t->parts->next, m)));
    return answer;
}

static enum answer union_takes(struct walk *w, const struct shape_type *t, const struct json_value *v)
{
    size_t surely = 0, perhaps = 0;
    bool exclusive = t->exclusive && !(w->depth == 1 && slice_eq(w->without, SLICE("oneOf")));
    for (const struct shape_position *p = t->parts; p; p = p->next) {
        enum answer answer = position_takes(w, p, v);
        surely += answer == ANSWER_YES;
        perhaps += answer != ANSWER_NO;
        if (surely && !exclusive)
            return ANSWER_YES;
    }
    if ((surely > 1 && exclusive) || perhaps == 0)
        return ANSWER_NO;
    return surely == 1 && perhaps == 1 ? ANSWER_YES : ANSWER_MAYBE;
}

/* --- Branches that a member tells apart. */

static const struct shape_saying *discriminator_of(const struct shape_position *p)
{
    const struct shape_rule *r;
    for (unsigned i = 0; (r = shape_rule_at(p, i)); i++)
        for (const struct shape_saying *s = r->sayings; s; s = s->next)
            if (slice_eq(s->word, SLICE("discriminator")))
                return s;
    return NULL;
}

/* "#/components/schemas/Dog" is Dog. */
static struct slice last_part(struct slice ref)
{
    size_t at;
    return slice_find_last(ref, '/', &at) ? slice_from(ref, at + 1) : ref;
}

/* The branch that the value's tag names is to take it; MAYBE: it names none that is known. */
static enum answer tag_takes(struct walk *w, const struct shape_type *t, const struct json_value *said,
                             const struct json_value *v)
{
    const struct json_value *member = json_value_member(said, SLICE("propertyName"));
    const struct json_value *tag = member && member->kind == JSON_STRING ? json_value_member(v, member->text) : NULL;
    const struct json_value *mapping = json_value_member(said, SLICE("mapping"));
    if (!tag || tag->kind != JSON_STRING)
        return ANSWER_MAYBE;
    const struct json_value *mapped = mapping ? json_value_member(mapping, tag->text) : NULL;
    struct slice name = mapped ? last_part(mapped->text) : tag->text;
    for (const struct shape_position *b = t->parts; b; b = b->next)
        if (slice_eq(b->type_name, name))
            return position_takes(w, b, v);
    return ANSWER_MAYBE;
}

/* Validators look at the branches, programs at the tag: what they do not agree on is not decided. */
static enum answer tagged_takes(struct walk *w, const struct shape_position *p, const struct shape_type *t,
                                const struct json_value *v)
{
    enum answer branches = union_takes(w, t, v);
    const struct shape_saying *s = discriminator_of(p);
    const struct json_value *said;
    if (!s || branches == ANSWER_NO)
        return branches;
    bool read = spend(w, PATTERN_COST) && json_value_read(s->text, &w->arena, &said) == ERR_OK;
    enum answer tag = read && v->kind == JSON_OBJECT ? tag_takes(w, t, said, v) : ANSWER_MAYBE;
    return tag == ANSWER_YES ? branches : ANSWER_MAYBE;
}

static enum answer type_takes(struct walk *w, const struct shape_position *p, const struct json_value *v)
{
    const struct shape_type *t = shape_base(p->type);
    if (!t)
        return ANSWER_MAYBE;
    switch (t->kind) {
    case SHAPE_ANY:
        return ANSWER_YES;
    case SHAPE_ALIAS:
        return ANSWER_MAYBE;
    case SHAPE_BOOL:
        return answer_of(v->kind == JSON_BOOL);
    case SHAPE_STRING:
        return answer_of(v->kind == JSON_STRING);
    case SHAPE_BYTES:
        return is_bytes(p, v);
    case SHAPE_WHOLE:
        return v->kind == JSON_NUMBER ? answer_both(whole(v->text), in_range(v->text, t->least, t->most)) : ANSWER_NO;
    case SHAPE_REAL:
        return answer_of(v->kind == JSON_NUMBER);
    case SHAPE_RECORD:
        return record_takes(w, t, v);
    case SHAPE_ENUM:
        return enum_takes(w, t, v);
    case SHAPE_LIST:
        return list_takes(w, t, v);
    case SHAPE_MAP:
        return map_takes(w, t, v);
    case SHAPE_UNION:
        return tagged_takes(w, p, t, v);
    }
    return ANSWER_MAYBE;
}

/* --- Constraints. */

static enum answer bounds_taken(const struct shape_position *p, const struct json_value *v)
{
    if (v->kind == JSON_NUMBER) {
        enum answer closed = in_range(v->text, shape_tightest(p, SHAPE_MIN), shape_tightest(p, SHAPE_MAX));
        enum answer open = answer_both(beyond(v->text, shape_tightest(p, SHAPE_ABOVE), false, true),
                                       beyond(v->text, shape_tightest(p, SHAPE_BELOW), true, true));
        return answer_both(closed, open);
    }
    if (v->kind == JSON_NULL || v->kind == JSON_BOOL)
        return ANSWER_YES;
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%zu", json_value_size(v));
    bool text = v->kind == JSON_STRING;
    return in_range(slice_of(digits, (size_t)len), shape_tightest(p, text ? SHAPE_MIN_LENGTH : SHAPE_MIN_ITEMS),
                    shape_tightest(p, text ? SHAPE_MAX_LENGTH : SHAPE_MAX_ITEMS));
}

/* The position itself, but none inside it, is taken not to say this. */
static bool left_out(const struct walk *w, struct slice word, struct slice text)
{
    return w->depth == 1 && w->without.len && slice_eq(word, w->without) && slice_eq(text, w->text);
}

static enum answer patterns_taken(struct walk *w, const struct shape_rule *r, const struct json_value *v)
{
    enum answer answer = ANSWER_YES;
    for (const struct shape_text *t = r->patterns; t && v->kind == JSON_STRING && answer != ANSWER_NO; t = t->next)
        if (!left_out(w, SLICE("pattern"), t->text))
            answer = answer_both(answer, spend(w, PATTERN_COST) ? regular_takes(t->text, v->text) : ANSWER_MAYBE);
    return answer;
}

/* A null that is allowed and not among the values is meant by some, and refused by others. */
static enum answer values_taken(struct walk *w, const struct shape_rule *r, const struct json_value *v, bool null)
{
    enum answer answer = !r->values ? ANSWER_YES : null ? ANSWER_MAYBE : ANSWER_NO;
    for (const struct shape_text *t = r->values; t && answer != ANSWER_YES; t = t->next) {
        const struct json_value *value;
        bool read = spend(w, 1 + (unsigned)(t->text.len / 16)) && json_value_read(t->text, &w->arena, &value) == ERR_OK;
        answer = answer_either(answer, read ? json_value_same(value, v) : ANSWER_MAYBE);
    }
    return answer;
}

static enum answer names_taken(struct walk *w, const struct shape_position *p, const struct json_value *v)
{
    enum answer answer = ANSWER_YES;
    for (const struct json_value *m = v->kind == JSON_OBJECT ? v->first : NULL; m && answer != ANSWER_NO; m = m->next) {
        struct json_value name = {.kind = JSON_STRING, .text = m->name};
        answer = answer_both(answer, position_takes(w, p, &name));
    }
    return answer;
}

static enum answer enough_taken(struct walk *w, const struct shape_position *p, struct slice least,
                                const struct json_value *v)
{
    uint64_t wanted;
    size_t surely = 0, perhaps = 0;
    if (v->kind != JSON_ARRAY)
        return ANSWER_YES;
    if (slice_u64(least, UINT32_MAX, &wanted) != ERR_OK)
        return ANSWER_MAYBE;
    for (const struct json_value *e = v->first; e; e = e->next) {
        enum answer answer = position_takes(w, p, e);
        surely += answer == ANSWER_YES;
        perhaps += answer != ANSWER_NO;
    }
    return surely >= wanted ? ANSWER_YES : perhaps >= wanted ? ANSWER_MAYBE : ANSWER_NO;
}

static enum answer aspect_taken(struct walk *w, const struct shape_aspect *a, const struct json_value *v)
{
    struct slice rest = a->role, role;
    struct saying s = {.arena = &w->arena, .steps = &w->steps};
    if (!slice_split(&rest, ' ', &role))
        return ANSWER_MAYBE;
    if (slice_eq(role, SLICE("names")))
        return names_taken(w, a->position, v);
    if (slice_eq(role, SLICE("not")))
        return answer_not(position_takes(w, a->position, v));
    if (slice_eq(role, SLICE("contains")))
        return enough_taken(w, a->position, rest, v);
    bool then = slice_eq(role, SLICE("then"));
    if (!then && !slice_eq(role, SLICE("else")))
        return ANSWER_MAYBE;
    enum answer is_so = saying_fits(&s, rest, v);
    return answer_either(then ? answer_not(is_so) : is_so, position_takes(w, a->position, v));
}

static enum answer rule_taken(struct walk *w, const struct shape_position *p, const struct shape_rule *r,
                              const struct json_value *v)
{
    const struct shape_type *base = shape_base(p->type);
    struct saying s = {.arena = &w->arena, .steps = &w->steps};
    bool null = v->kind == JSON_NULL && shape_nullable(p);
    enum answer answer = answer_both(is_format(r->format, v), values_taken(w, r, v, null));
    answer = answer_both(answer, patterns_taken(w, r, v));
    if (v->kind == JSON_NUMBER)
        answer = answer_both(answer, multiple(v->text, r->bound[SHAPE_MULTIPLE_OF]));
    for (const struct shape_saying *one = r->sayings; one && answer != ANSWER_NO; one = one->next) {
        /* Of unions these are judged with the branches. */
        bool judged =
            base && base->kind == SHAPE_UNION &&
            ((base->exclusive && slice_eq(one->word, SLICE("oneOf"))) || slice_eq(one->word, SLICE("discriminator")));
        if (!judged && !left_out(w, one->word, one->text))
            answer = answer_both(answer, saying_kept(&s, one, r->sayings, v));
    }
    return answer;
}

static enum answer aspects_taken(struct walk *w, const struct shape_rule *r, const struct json_value *v)
{
    enum answer answer = ANSWER_YES;
    for (const struct shape_aspect *a = r->aspects; a && answer != ANSWER_NO; a = a->next)
        if (!left_out(w, a->role, SLICE("")))
            answer = answer_both(answer, aspect_taken(w, a, v));
    return answer;
}

/* Null is allowed there, whatever the type says. */
static bool is_nullable(const struct shape_position *p)
{
    const struct shape_rule *r;
    for (unsigned i = 0; (r = shape_rule_at(p, i)); i++)
        if (r->nullable)
            return true;
    return false;
}

static enum answer null_taken(const struct shape_position *p)
{
    const struct shape_type *t = shape_base(p->type);
    /* One branch lets null through; another may, too. */
    return t && t->kind == SHAPE_UNION && t->exclusive && t->null_inside ? ANSWER_MAYBE : ANSWER_YES;
}

static enum answer constraints_taken(struct walk *w, const struct shape_position *p, const struct json_value *v)
{
    enum answer answer = bounds_taken(p, v);
    const struct shape_rule *r;
    for (unsigned i = 0; answer != ANSWER_NO && (r = shape_rule_at(p, i)); i++)
        answer = answer_both(answer, answer_both(rule_taken(w, p, r, v), aspects_taken(w, r, v)));
    return answer;
}

static enum answer position_takes(struct walk *w, const struct shape_position *p, const struct json_value *v)
{
    if (w->depth > JSON_TOK_DEPTH || !spend(w, 1))
        return ANSWER_MAYBE;
    w->depth++;
    enum answer answer = constraints_taken(w, p, v);
    if (answer != ANSWER_NO) {
        bool null = v->kind == JSON_NULL && is_nullable(p);
        answer = answer_both(answer, null ? null_taken(p) : type_takes(w, p, v));
    }
    w->depth--;
    return answer;
}

enum answer conforms_judge(const struct conforms_question *q, const struct json_value *v)
{
    struct walk w = {.steps = WALK_STEPS, .direction = q->direction, .without = q->without, .text = q->text};
    arena_init(&w.arena, 0);
    enum answer answer = position_takes(&w, q->position, v);
    arena_fini(&w.arena);
    return answer;
}

bool conforms(const struct shape_position *p, const struct json_value *v)
{
    return conforms_judge(&(struct conforms_question){.position = p}, v) != ANSWER_NO;
}
