#include "contracts/resolve.h"

#include "contracts/conforms.h"

enum { RESOLVE_DEPTH = 64, RESOLVE_STEPS = 1 << 14, ALIASES = 64 };

struct resolving {
    unsigned depth, steps;
    bool one_is_enough;
};

static enum answer read_as(struct resolving *r, const struct shape_position *w, const struct shape_position *p,
                           const struct json_value *v);

/* What Avro compares of the type at a position: the first of the types behind it that says anything. */
static const struct shape_avro *compared(const struct shape_position *p)
{
    const struct shape_type *t = p->type;
    for (unsigned i = 0; t && i < ALIASES; i++) {
        if (t->avro)
            return t->avro;
        t = t->kind == SHAPE_ALIAS && t->parts ? t->parts->type : NULL;
    }
    return NULL;
}

static bool goes_by(const struct shape_avro *reader, const struct shape_avro *writer)
{
    if (slice_eq(reader->name, writer->name))
        return true;
    for (const struct shape_text *a = reader->aliases; a; a = a->next)
        if (slice_eq(a->text, writer->full))
            return true;
    return false;
}

/* Names, sizes and decimals: whatever the value. */
static bool matches(const struct shape_position *w, const struct shape_position *p)
{
    static const struct shape_avro nothing;
    const struct shape_avro *writer = compared(w), *reader = compared(p);
    writer = writer ? writer : &nothing;
    reader = reader ? reader : &nothing;
    bool both_named = writer->name.len && reader->name.len;
    bool both_decimal = writer->decimal.len && reader->decimal.len;
    return (!both_named || goes_by(reader, writer)) && slice_eq(writer->size, reader->size) &&
           (!both_decimal || slice_eq(writer->decimal, reader->decimal));
}

/* Numbers are promoted to what comes later; 0: no number. */
static unsigned rank(const struct shape_type *t)
{
    static const char *const order[] = {"int32", "int64", "float", "double"};
    for (unsigned i = 0; i < 4; i++)
        if (slice_eq(slice_str(order[i]), t->name))
            return i + 1;
    return 0;
}

static bool is_text(enum shape_kind k)
{
    return k == SHAPE_STRING || k == SHAPE_BYTES;
}

/* The writer's member that a reader's member reads; NULL: none. */
static const struct shape_position *written_as(const struct shape_type *w, const struct shape_position *member)
{
    for (const struct shape_position *p = w->parts; p; p = p->next)
        if (slice_eq(p->member, member->member))
            return p;
    for (const struct shape_text *was = member->more->was; was; was = was->next)
        for (const struct shape_position *p = w->parts; p; p = p->next)
            if (slice_eq(p->member, was->text))
                return p;
    return NULL;
}

static enum answer read_record(struct resolving *r, const struct shape_type *w, const struct shape_type *t,
                               const struct json_value *v)
{
    enum answer answer = ANSWER_YES;
    for (const struct shape_position *m = t->parts; m && answer != ANSWER_NO; m = m->next) {
        const struct shape_position *from = written_as(w, m);
        const struct json_value *value = from ? json_value_member(v, from->member) : NULL;
        if (from)
            answer = answer_both(answer, value ? read_as(r, from, m, value) : ANSWER_MAYBE);
        else
            answer = m->more->otherwise.len ? answer : ANSWER_NO;
    }
    return answer;
}

static enum answer read_each(struct resolving *r, const struct shape_position *w, const struct shape_position *p,
                             const struct json_value *v)
{
    enum answer answer = w && p ? ANSWER_YES : ANSWER_MAYBE;
    for (const struct json_value *e = v->first; e && answer == ANSWER_YES; e = e->next)
        answer = read_as(r, w, p, e);
    return answer;
}

static enum answer read_symbol(const struct shape_type *t, const struct json_value *v)
{
    for (size_t i = 0; i < t->symbol_count; i++)
        if (slice_eq(fact_text(t->symbols[i], 1), v->text))
            return ANSWER_YES;
    return answer_of(t->fallback.len > 0);
}

static enum answer read_branches(struct resolving *r, const struct shape_position *w, const struct shape_type *t,
                                 const struct json_value *v)
{
    enum answer answer = ANSWER_NO;
    for (const struct shape_position *b = t->parts; b && answer != ANSWER_YES; b = b->next)
        answer = answer_either(answer, read_as(r, w, b, v));
    return answer;
}

static enum answer write_branches(struct resolving *r, const struct shape_type *w, const struct shape_position *p,
                                  const struct json_value *v)
{
    bool some = false, all = true, refused = false;
    for (const struct shape_position *b = w->parts; b; b = b->next) {
        if (conforms_judge(&(struct conforms_question){.position = b}, v) == ANSWER_NO)
            continue;
        enum answer answer = read_as(r, b, p, v);
        some = some || answer != ANSWER_NO;
        refused = refused || answer == ANSWER_NO;
        all = all && answer == ANSWER_YES;
    }
    if (!some || (refused && r->one_is_enough))
        return ANSWER_NO;
    return all ? ANSWER_YES : ANSWER_MAYBE;
}

static enum answer read_kind(struct resolving *r, const struct shape_position *wp, const struct shape_position *rp,
                             const struct json_value *v)
{
    const struct shape_type *w = shape_base(wp->type), *t = shape_base(rp->type);
    if (!w || !t || w->kind == SHAPE_ANY || t->kind == SHAPE_ANY)
        return ANSWER_MAYBE;
    if (w->kind == SHAPE_UNION)
        return write_branches(r, w, rp, v);
    if (t->kind == SHAPE_UNION)
        return read_branches(r, wp, t, v);
    if (!matches(wp, rp))
        return ANSWER_NO;
    if (rank(w) && rank(t))
        return answer_of(rank(w) <= rank(t));
    if (is_text(w->kind) && is_text(t->kind))
        return ANSWER_YES;
    if (w->kind != t->kind)
        return ANSWER_NO;
    switch (w->kind) {
    case SHAPE_RECORD:
        return read_record(r, w, t, v);
    case SHAPE_ENUM:
        return read_symbol(t, v);
    case SHAPE_LIST:
        return read_each(r, w->parts, t->parts, v);
    case SHAPE_MAP:
        return read_each(r, w->parts ? w->parts->next : NULL, t->parts ? t->parts->next : NULL, v);
    case SHAPE_BOOL:
        return ANSWER_YES;
    case SHAPE_ANY:
    case SHAPE_STRING:
    case SHAPE_BYTES:
    case SHAPE_WHOLE:
    case SHAPE_REAL:
    case SHAPE_UNION:
    case SHAPE_ALIAS:
        break;
    }
    return ANSWER_MAYBE;
}

static enum answer read_as(struct resolving *r, const struct shape_position *w, const struct shape_position *p,
                           const struct json_value *v)
{
    if (r->depth == RESOLVE_DEPTH || r->steps == 0)
        return ANSWER_MAYBE;
    if (v->kind == JSON_NULL && shape_nullable(w))
        return answer_of(shape_nullable(p));
    r->depth++;
    r->steps--;
    enum answer answer = read_kind(r, w, p, v);
    r->depth--;
    return answer;
}

enum answer resolve_value(const struct shape_position *writer, const struct shape_position *reader,
                          const struct json_value *v, bool one_is_enough)
{
    struct resolving r = {.steps = RESOLVE_STEPS, .one_is_enough = one_is_enough};
    return read_as(&r, writer, reader, v);
}
