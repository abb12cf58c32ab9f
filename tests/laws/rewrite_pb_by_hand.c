#include "tests/laws/rewrite_pb_by_hand.h"

#include <stdio.h>

#include "contracts/wire/pbvalue.h"

enum { WATCHED = 64 };

/* What has gone out of one message: number by number, and from which one it came. */
struct gone {
    uint64_t out[WATCHED], in[WATCHED];
    size_t count;
};

static uint64_t as_number(struct slice word)
{
    uint64_t n = 0;
    return slice_u64(word, UINT32_MAX, &n) == ERR_OK ? n : 0;
}

/* The last step of this kind on a field; NULL: there is none. */
static const struct plan_step *step_on(const struct plan *p, enum plan_op op, struct slice path, uint64_t number)
{
    for (size_t i = plan_count(p); i-- > 0;) {
        const struct plan_step *s = plan_step(p, i);
        if (s->op == op && slice_eq(s->path, path) && as_number(op == PLAN_DEFAULT ? s->to : s->from) == number)
            return s;
    }
    return NULL;
}

static uint64_t out_of(const struct plan *p, struct slice path, uint64_t number)
{
    const struct plan_step *s = step_on(p, PLAN_RENAME, path, number);
    return s ? as_number(s->to) : number;
}

static bool is_watched(const struct plan *p, struct slice path, uint64_t out)
{
    for (size_t i = 0; i < plan_count(p); i++) {
        const struct plan_step *s = plan_step(p, i);
        if ((s->op == PLAN_RENAME || s->op == PLAN_DEFAULT) && slice_eq(s->path, path) && as_number(s->to) == out)
            return true;
    }
    return false;
}

static bool went(const struct gone *g, uint64_t out)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->out[i] == out)
            return true;
    return false;
}

static bool go(const struct plan *p, struct slice path, struct gone *g, uint64_t in)
{
    uint64_t out = out_of(p, path, in);
    if (!is_watched(p, path, out))
        return true;
    for (size_t i = 0; i < g->count; i++)
        if (g->out[i] == out)
            return g->in[i] == in;
    if (g->count < WATCHED) {
        g->out[g->count] = out;
        g->in[g->count++] = in;
    }
    return true;
}

static bool kinds(const struct plan_step *s, enum pbtype_kind *from, enum pbtype_kind *to)
{
    size_t at = s->text.len;
    bool two = slice_find_text(s->text, SLICE(" -> "), &at);
    bool known = pbvalue_kind(slice_to(s->text, at), from);
    *to = *from;
    return known && (!two || pbvalue_kind(slice_from(s->text, at + 4), to));
}

/* A group's words are skipped to its end. */
static bool skip_group(struct slice *rest, uint64_t number, unsigned depth)
{
    struct pbwire_word w;
    while (depth < 200 && pbwire_next(rest, &w)) {
        if (w.type == PBWIRE_END)
            return w.field == number;
        if (w.type == PBWIRE_GROUP && !skip_group(rest, w.field, depth + 1))
            return false;
    }
    return false;
}

/* The last step of one kind counts, and so does the last of those on values that a field has. */
static bool value(const struct plan *p, struct slice path, uint64_t number, struct pbvalue *v, bool *absent)
{
    const struct plan_step *field = step_on(p, PLAN_FIELD, path, number);
    const struct plan_step *symbols = step_on(p, PLAN_ENUM, path, number);
    const struct plan_step *narrow = step_on(p, PLAN_NARROW, path, number);
    enum pbtype_kind from = PBTYPE_ENUM, to = PBTYPE_ENUM;
    if (field && !kinds(field, &from, &to))
        return false;
    if (symbols) {
        const struct slice *found = symbols->value.len ? &symbols->value : NULL;
        char digits[32];
        int n = snprintf(digits, sizeof(digits), "%lld", (long long)(int64_t)v->bits);
        for (size_t i = 0; i < symbols->table_count; i++)
            if (slice_eq(symbols->table[2 * i], slice_of(digits, (size_t)n)))
                found = &symbols->table[2 * i + 1];
        if (!found)
            return false;
        v->bits = as_number(*found);
    }
    if (narrow && !pbvalue_within(v, narrow->low, narrow->high))
        return false;
    if (field && pbvalue_convert(v, to))
        return false;
    *absent = step_on(p, PLAN_STRIP, path, number) && pbvalue_zero(v);
    return true;
}

static void put_scalar(struct buf *out, uint64_t number, const struct pbvalue *v, bool bare)
{
    char at[PBVALUE_MOST];
    if (!bare)
        pbwire_put_key(out, number, pbvalue_wire(v->kind));
    if (pbvalue_wire(v->kind) == PBWIRE_BYTES)
        pbwire_put_bytes(out, v->text);
    else
        buf_put(out, slice_of(at, pbvalue_write(v, at)));
}

/* One value, or what stands in its place: nothing. */
static bool one(const struct plan *p, struct slice path, struct gone *g, uint64_t number, struct pbvalue *v,
                struct buf *out)
{
    bool absent = false;
    if (!value(p, path, number, v, &absent))
        return false;
    if (absent)
        return true;
    if (!go(p, path, g, number))
        return false;
    put_scalar(out, out_of(p, path, number), v, false);
    return true;
}

static bool packed(const struct plan *p, struct slice path, struct gone *g, uint64_t number, enum pbtype_kind kind,
                   enum pbtype_kind to, struct slice run, struct buf *out)
{
    struct buf inside;
    bool fine = true, absent;
    buf_init(&inside, BUF_TEXT_BOUND);
    if (pbvalue_packs(to))
        fine = go(p, path, g, number);
    while (run.len && fine) {
        struct pbwire_word w = {0};
        struct pbvalue v = {0};
        size_t size = pbvalue_wire(kind) == PBWIRE_32 ? 4 : 8;
        if (pbvalue_wire(kind) == PBWIRE_VARINT) {
            fine = pbwire_varint(&run, &w.number);
        } else if ((fine = run.len >= size)) {
            for (size_t i = 0; i < size; i++)
                w.number |= (uint64_t)(unsigned char)run.at[i] << (8 * i);
            run = slice_from(run, size);
        }
        if (!fine)
            break;
        pbvalue_set(&v, kind, w.number);
        if (!pbvalue_packs(to)) {
            fine = one(p, path, g, number, &v, out);
            continue;
        }
        fine = value(p, path, number, &v, &absent);
        put_scalar(&inside, 0, &v, true);
    }
    if (fine && pbvalue_packs(to)) {
        pbwire_put_key(out, out_of(p, path, number), PBWIRE_BYTES);
        pbwire_put_bytes(out, buf_slice(&inside));
    }
    buf_fini(&inside);
    return fine;
}

static bool message(const struct plan *p, struct slice path, struct slice *rest, uint64_t group, unsigned depth,
                    struct buf *out);

static bool judged(const struct plan *p, struct slice path, struct gone *g, const struct pbwire_word *w,
                   struct buf *out)
{
    const struct plan_step *field = step_on(p, PLAN_FIELD, path, w->field);
    enum pbtype_kind kind = PBTYPE_ENUM, to = PBTYPE_ENUM;
    struct pbvalue v = {0};
    if (field && !kinds(field, &kind, &to))
        return false;
    if (w->type == PBWIRE_BYTES && pbvalue_packs(kind))
        return packed(p, path, g, w->field, kind, to, w->bytes, out);
    if (w->type != pbvalue_wire(kind))
        return false;
    v.kind = kind;
    if (w->type == PBWIRE_BYTES)
        v.text = w->bytes;
    else
        pbvalue_set(&v, kind, w->number);
    return one(p, path, g, w->field, &v, out);
}

static bool looked_at(const struct plan *p, struct slice path, uint64_t number)
{
    const struct plan_step *field = step_on(p, PLAN_FIELD, path, number);
    enum pbtype_kind from, to;
    return (field && kinds(field, &from, &to) && from != to) || step_on(p, PLAN_ENUM, path, number) ||
           step_on(p, PLAN_NARROW, path, number) || step_on(p, PLAN_STRIP, path, number);
}

/* `after_key` is the field without its key. */
static bool field(const struct plan *p, struct slice path, struct gone *g, const struct pbwire_word *w,
                  struct slice *rest, struct slice after_key, unsigned depth, struct buf *out)
{
    const struct plan_step *inside = step_on(p, PLAN_INSIDE, path, w->field);
    struct slice nowhere = SLICE("nowhere");
    if (w->type == PBWIRE_GROUP && depth >= 128)
        return false;
    if (step_on(p, PLAN_DROP, path, w->field))
        return w->type != PBWIRE_GROUP || skip_group(rest, w->field, depth + 1);
    if (looked_at(p, path, w->field))
        return judged(p, path, g, w, out);
    if (!go(p, path, g, w->field))
        return false;
    pbwire_put_key(out, out_of(p, path, w->field), w->type);
    if (w->type == PBWIRE_GROUP) {
        if (!message(p, inside ? inside->to : nowhere, rest, w->field, depth + 1, out))
            return false;
        pbwire_put_key(out, out_of(p, path, w->field), PBWIRE_END);
        return true;
    }
    if (!inside) {
        buf_put(out, slice_to(after_key, (size_t)(rest->at - after_key.at)));
        return true;
    }
    struct slice bytes = w->bytes;
    struct buf made;
    buf_init(&made, BUF_TEXT_BOUND);
    bool fine = w->type == PBWIRE_BYTES && depth < 128 && message(p, inside->to, &bytes, 0, depth + 1, &made);
    if (fine)
        pbwire_put_bytes(out, buf_slice(&made));
    buf_fini(&made);
    return fine;
}

static void defaults(const struct plan *p, struct slice path, const struct gone *g, struct buf *out)
{
    /* In the order in which renames and defaults first name their numbers. */
    for (size_t i = 0; i < plan_count(p); i++) {
        const struct plan_step *s = plan_step(p, i);
        enum pbtype_kind from, to;
        bool first = true;
        if ((s->op != PLAN_RENAME && s->op != PLAN_DEFAULT) || !slice_eq(s->path, path))
            continue;
        for (size_t j = 0; j < i; j++) {
            const struct plan_step *t = plan_step(p, j);
            first = first && !((t->op == PLAN_RENAME || t->op == PLAN_DEFAULT) && slice_eq(t->path, path) &&
                               as_number(t->to) == as_number(s->to));
        }
        const struct plan_step *fill = step_on(p, PLAN_DEFAULT, path, as_number(s->to));
        if (!first || !fill || went(g, as_number(s->to)))
            continue;
        /* The field that goes out under the number has its kind. */
        for (uint64_t in = 1; in < WATCHED; in++) {
            const struct plan_step *f = step_on(p, PLAN_FIELD, path, in);
            if (!f || out_of(p, path, in) != as_number(s->to) || step_on(p, PLAN_DROP, path, in) ||
                !kinds(f, &from, &to))
                continue;
            pbwire_put_key(out, as_number(s->to), pbvalue_wire(to));
            if (pbvalue_put_json(to, fill->value, out))
                break;
        }
    }
}

static bool message(const struct plan *p, struct slice path, struct slice *rest, uint64_t group, unsigned depth,
                    struct buf *out)
{
    struct gone g = {0};
    struct pbwire_word w;
    while (rest->len) {
        struct slice after_key = *rest;
        uint64_t key;
        if (!pbwire_varint(&after_key, &key) || !pbwire_next(rest, &w))
            return false;
        if (w.type == PBWIRE_END) {
            defaults(p, path, &g, out);
            return group && w.field == group;
        }
        if (!field(p, path, &g, &w, rest, after_key, depth, out))
            return false;
    }
    defaults(p, path, &g, out);
    return group == 0;
}

bool rewrite_pb_by_hand(const struct plan *plan, struct slice body, struct buf *out)
{
    return message(plan, SLICE("/"), &body, 0, 0, out);
}
