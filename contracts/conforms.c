#include "contracts/conforms.h"

#include <stdio.h>

#include "contracts/wire/json_tok.h"

struct walk {
    unsigned depth;
    unsigned steps; /* left: a union of unions may ask the same question again and again */
};

enum { WALK_STEPS = 1 << 16 };

static bool position_takes(struct walk *w, const struct shape_position *p, const struct json_value *v);

static bool in_range(struct slice number, struct slice least, struct slice most)
{
    if (!shape_decimal(number))
        return true;
    if (least.len && shape_decimal_cmp(number, least) < 0)
        return false;
    return most.len == 0 || shape_decimal_cmp(number, most) <= 0;
}

/* Both ends are left out. */
static bool between(struct slice number, struct slice above, struct slice below)
{
    if (!shape_decimal(number))
        return true;
    if (above.len && shape_decimal_cmp(number, above) <= 0)
        return false;
    return below.len == 0 || shape_decimal_cmp(number, below) < 0;
}

static bool whole(struct slice number)
{
    size_t at;
    if (!shape_decimal(number))
        return true;
    if (!slice_find(number, '.', &at))
        return true;
    struct slice part = slice_from(number, at + 1);
    for (size_t i = 0; i < part.len; i++)
        if (part.at[i] != '0')
            return false;
    return true;
}

static bool is_base64(struct slice s)
{
    size_t pad = 0;
    while (pad < 2 && pad < s.len && s.at[s.len - 1 - pad] == '=')
        pad++;
    for (size_t i = 0; i + pad < s.len; i++) {
        char c = s.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '+' && c != '/' && c != '-' && c != '_')
            return false;
    }
    return (s.len - pad) % 4 != 1;
}

/* false: this has gone on long enough, and what is left is let through. */
static bool spend(struct walk *w)
{
    if (w->steps == 0)
        return false;
    w->steps--;
    return true;
}

static bool enum_takes(const struct shape_type *t, const struct json_value *v)
{
    if (v->kind != JSON_STRING || t->open)
        return v->kind == JSON_STRING;
    for (size_t i = 0; i < t->symbol_count; i++)
        if (slice_eq(t->symbols[i]->text[1], v->text))
            return true;
    return false;
}

static const struct shape_position *member_of(struct walk *w, const struct shape_type *t, struct slice name)
{
    for (const struct shape_position *p = t->parts; p && spend(w); p = p->next)
        if (slice_eq(p->member, name))
            return p;
    return NULL;
}

static bool record_takes(struct walk *w, const struct shape_type *t, const struct json_value *v)
{
    if (v->kind != JSON_OBJECT)
        return false;
    for (const struct shape_position *p = t->parts; p && spend(w); p = p->next)
        if (p->required && !json_value_member(v, p->member))
            return false;
    for (const struct json_value *m = v->first; m; m = m->next) {
        const struct shape_position *p = member_of(w, t, m->name);
        p = p ? p : t->extra;
        if (p ? !position_takes(w, p, m) : t->closed && w->steps > 0)
            return false;
    }
    return true;
}

static bool each_taken(struct walk *w, const struct shape_position *p, const struct json_value *v, enum json_kind kind)
{
    if (v->kind != kind || !p)
        return false;
    for (const struct json_value *m = v->first; m; m = m->next)
        if (!position_takes(w, p, m))
            return false;
    return true;
}

static bool some_branch_takes(struct walk *w, const struct shape_type *t, const struct json_value *v)
{
    for (const struct shape_position *p = t->parts; p; p = p->next)
        if (position_takes(w, p, v))
            return true;
    return false;
}

static bool type_takes(struct walk *w, const struct shape_type *t, const struct json_value *v)
{
    t = shape_base(t);
    if (!t || w->depth > JSON_TOK_DEPTH || !spend(w))
        return true;
    switch (t->kind) {
    case SHAPE_ANY:
    case SHAPE_ALIAS:
        return true;
    case SHAPE_BOOL:
        return v->kind == JSON_BOOL;
    case SHAPE_STRING:
        return v->kind == JSON_STRING;
    case SHAPE_BYTES:
        return v->kind == JSON_STRING && is_base64(v->text);
    case SHAPE_WHOLE:
        return v->kind == JSON_NUMBER && whole(v->text) && in_range(v->text, t->least, t->most);
    case SHAPE_REAL:
        return v->kind == JSON_NUMBER;
    case SHAPE_RECORD:
        return record_takes(w, t, v);
    case SHAPE_ENUM:
        return enum_takes(t, v);
    case SHAPE_LIST:
        if (t->rule.opaque)
            return v->kind == JSON_ARRAY;
        return each_taken(w, t->parts, v, JSON_ARRAY);
    case SHAPE_MAP:
        return each_taken(w, t->parts ? t->parts->next : NULL, v, JSON_OBJECT);
    case SHAPE_UNION:
        return some_branch_takes(w, t, v);
    }
    return true;
}

/* Characters, not bytes; arrays and objects count their values. */
static size_t size_of(const struct json_value *v)
{
    size_t n = 0;
    for (const struct json_value *m = v->first; m; m = m->next)
        n++;
    for (struct slice rest = v->kind == JSON_STRING ? v->text : (struct slice){0}; rest.len;) {
        size_t step = slice_utf8_step(rest);
        rest = slice_from(rest, step ? step : 1);
        n++;
    }
    return n;
}

static bool bounds_taken(const struct shape_position *p, const struct json_value *v)
{
    if (v->kind == JSON_NUMBER)
        return in_range(v->text, shape_tightest(p, SHAPE_MIN), shape_tightest(p, SHAPE_MAX)) &&
               between(v->text, shape_tightest(p, SHAPE_ABOVE), shape_tightest(p, SHAPE_BELOW));
    if (v->kind == JSON_NULL || v->kind == JSON_BOOL)
        return true;
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%zu", size_of(v));
    bool text = v->kind == JSON_STRING;
    return in_range(slice_of(digits, (size_t)len), shape_tightest(p, text ? SHAPE_MIN_LENGTH : SHAPE_MIN_ITEMS),
                    shape_tightest(p, text ? SHAPE_MAX_LENGTH : SHAPE_MAX_ITEMS));
}

static bool position_takes(struct walk *w, const struct shape_position *p, const struct json_value *v)
{
    if (v->kind == JSON_NULL && shape_nullable(p))
        return true;
    w->depth++;
    bool taken = bounds_taken(p, v) && type_takes(w, p->type, v);
    w->depth--;
    return taken;
}

bool conforms(const struct shape_position *p, const struct json_value *v)
{
    struct walk w = {.steps = WALK_STEPS};
    return position_takes(&w, p, v);
}

bool conforms_type(const struct shape_type *t, const struct json_value *v)
{
    struct walk w = {.steps = WALK_STEPS};
    return type_takes(&w, t, v);
}
