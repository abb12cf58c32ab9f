#include "contracts/pb/pbread.h"

enum { DEPTH = 100 };

struct reading {
    struct arena *arena;
    struct pbread_fault *fault;
};

static bool read_message(struct reading *r, struct pbread_message *m, struct slice *bytes, uint64_t group,
                         unsigned depth);

enum pbwire_type pbread_wire(const struct pbtype_field *f)
{
    switch (f->kind) {
    case PBTYPE_FIXED32:
    case PBTYPE_SFIXED32:
    case PBTYPE_FLOAT:
        return PBWIRE_32;
    case PBTYPE_FIXED64:
    case PBTYPE_SFIXED64:
    case PBTYPE_DOUBLE:
        return PBWIRE_64;
    case PBTYPE_STRING:
    case PBTYPE_BYTES:
        return PBWIRE_BYTES;
    case PBTYPE_MESSAGE:
        return f->group ? PBWIRE_GROUP : PBWIRE_BYTES;
    case PBTYPE_BOOL:
    case PBTYPE_INT32:
    case PBTYPE_INT64:
    case PBTYPE_UINT32:
    case PBTYPE_UINT64:
    case PBTYPE_SINT32:
    case PBTYPE_SINT64:
    case PBTYPE_ENUM:
        break;
    }
    return PBWIRE_VARINT;
}

static uint64_t extend(uint64_t word)
{
    return (uint64_t)(int64_t)(int32_t)(uint32_t)word;
}

static uint64_t unzigzag(uint64_t word)
{
    return (word >> 1) ^ (~(word & 1) + 1);
}

uint64_t pbread_bits(enum pbtype_kind kind, uint64_t word)
{
    switch (kind) {
    case PBTYPE_BOOL:
        return word != 0;
    case PBTYPE_INT32:
    case PBTYPE_SFIXED32:
    case PBTYPE_ENUM:
        return extend(word);
    case PBTYPE_UINT32:
    case PBTYPE_FIXED32:
    case PBTYPE_FLOAT:
        return (uint32_t)word;
    case PBTYPE_SINT32:
        return extend(unzigzag((uint32_t)word));
    case PBTYPE_SINT64:
        return unzigzag(word);
    case PBTYPE_INT64:
    case PBTYPE_UINT64:
    case PBTYPE_FIXED64:
    case PBTYPE_SFIXED64:
    case PBTYPE_DOUBLE:
    case PBTYPE_STRING:
    case PBTYPE_BYTES:
    case PBTYPE_MESSAGE:
        break;
    }
    return word;
}

/* --- Where a value goes. */

const struct pbread_value *pbread_find(const struct pbread_message *m, const struct pbtype_field *f)
{
    const struct pbread_value *last = NULL;
    for (const struct pbread_value *v = m->first; v; v = v->next)
        last = v->field == f ? v : last;
    return last;
}

size_t pbread_count(const struct pbread_message *m, const struct pbtype_field *f)
{
    size_t count = 0;
    for (const struct pbread_value *v = m->first; v; v = v->next)
        count += v->field == f;
    return count;
}

static bool same_key(const struct pbread_value *a, const struct pbread_value *b)
{
    const struct pbtype_field *key = a->field->sub->fields;
    const struct pbread_value *x = pbread_find(a->sub, key), *y = pbread_find(b->sub, key);
    uint64_t bits = x ? x->bits : 0, others = y ? y->bits : 0;
    return bits == others && slice_eq(x ? x->text : SLICE(""), y ? y->text : SLICE(""));
}

static bool replaces(const struct pbread_value *v, const struct pbread_value *earlier)
{
    if (v->field == earlier->field)
        return v->field->map ? same_key(v, earlier) : !v->field->repeated;
    return v->field->oneof.len && slice_eq(v->field->oneof, earlier->field->oneof);
}

static void append(struct pbread_message *m, struct pbread_value *v)
{
    v->next = NULL;
    if (m->last)
        m->last->next = v;
    else
        m->first = v;
    m->last = v;
}

/* Without presence a zero is as good as none. */
static bool is_nothing(const struct pbread_value *v)
{
    const struct pbtype_field *f = v->field;
    return !f->has_presence && !f->repeated && f->message->name.len && v->bits == 0 && v->text.len == 0 && !v->sub;
}

void pbread_put(struct pbread_message *m, struct pbread_value *v)
{
    struct pbread_value *rest = m->first;
    m->first = m->last = NULL;
    for (struct pbread_value *next; rest; rest = next) {
        next = rest->next;
        if (replaces(v, rest) && v->sub && rest->sub && v->field == rest->field && !v->field->repeated) {
            /* Of one message in two parts both count. */
            for (struct pbread_value *part = v->sub->first, *after; part; part = after) {
                after = part->next;
                pbread_put(rest->sub, part);
            }
            v->sub = rest->sub;
        } else if (!replaces(v, rest)) {
            append(m, rest);
        }
    }
    if (!is_nothing(v))
        append(m, v);
}

/* --- Reading. */

static bool fail(struct reading *r, const struct pbtype_field *f, const char *why)
{
    r->fault->field = f;
    r->fault->why = why;
    return false;
}

static struct pbread_value *new_value(struct reading *r, const struct pbtype_field *f)
{
    struct pbread_value *v = arena_new(r->arena, sizeof(*v));
    v->field = f;
    return v;
}

static bool skip_group(struct slice *bytes, uint64_t field, unsigned depth)
{
    struct pbwire_word w;
    while (depth < DEPTH && pbwire_next(bytes, &w)) {
        if (w.type == PBWIRE_END)
            return w.field == field;
        if (w.type == PBWIRE_GROUP && !skip_group(bytes, w.field, depth + 1))
            return false;
    }
    return false;
}

static void put_number(struct reading *r, struct pbread_message *m, const struct pbtype_field *f, uint64_t word)
{
    uint64_t bits = pbread_bits(f->kind, word);
    /* A closed enum knows no other numbers. */
    if (f->values && !f->values->open && !pbtype_symbol(f->values, (int64_t)bits))
        return;
    struct pbread_value *v = new_value(r, f);
    v->bits = bits;
    pbread_put(m, v);
}

static bool read_packed(struct reading *r, struct pbread_message *m, const struct pbtype_field *f, struct slice bytes)
{
    enum pbwire_type type = pbread_wire(f);
    while (bytes.len) {
        uint64_t word = 0;
        size_t width = type == PBWIRE_32 ? 4 : 8;
        bool fine = type == PBWIRE_VARINT ? pbwire_varint(&bytes, &word) : bytes.len >= width;
        if (!fine)
            return fail(r, f, "its elements end early");
        for (size_t i = 0; type != PBWIRE_VARINT && i < width; i++)
            word |= (uint64_t)(unsigned char)bytes.at[i] << (8 * i);
        bytes = slice_from(bytes, type == PBWIRE_VARINT ? 0 : width);
        put_number(r, m, f, word);
    }
    return true;
}

static bool read_sub(struct reading *r, struct pbread_message *m, const struct pbtype_field *f, struct slice *bytes,
                     uint64_t group, unsigned depth)
{
    struct pbread_value *v = new_value(r, f);
    v->sub = arena_new(r->arena, sizeof(*v->sub));
    v->sub->type = f->sub;
    if (!read_message(r, v->sub, bytes, group, depth + 1)) {
        r->fault->field = f;
        return false;
    }
    pbread_put(m, v);
    return true;
}

static bool read_text(struct reading *r, struct pbread_message *m, const struct pbtype_field *f, struct slice text)
{
    if (f->kind == PBTYPE_STRING && f->is_text && !slice_utf8(text))
        return fail(r, f, "it is not UTF-8");
    struct pbread_value *v = new_value(r, f);
    v->text = text;
    pbread_put(m, v);
    return true;
}

static bool read_field(struct reading *r, struct pbread_message *m, const struct pbwire_word *w, struct slice *bytes,
                       unsigned depth)
{
    const struct pbtype_field *f = pbtype_number(m->type, (int64_t)w->field);
    enum pbwire_type type = f ? pbread_wire(f) : w->type;
    bool packed = f && f->repeated && w->type == PBWIRE_BYTES && type != PBWIRE_BYTES && type != PBWIRE_GROUP;
    if (packed)
        return read_packed(r, m, f, w->bytes);
    if (!f || type != w->type)
        return w->type != PBWIRE_GROUP || skip_group(bytes, w->field, depth) || fail(r, f, "a group does not end");
    if (f->kind == PBTYPE_MESSAGE) {
        struct slice inside = w->bytes;
        return read_sub(r, m, f, f->group ? bytes : &inside, f->group ? w->field : 0, depth);
    }
    if (type == PBWIRE_BYTES)
        return read_text(r, m, f, w->bytes);
    put_number(r, m, f, w->number);
    return true;
}

static bool is_whole(struct reading *r, const struct pbread_message *m)
{
    for (const struct pbtype_field *f = m->type->fields; f; f = f->next)
        if (f->required && !pbread_find(m, f))
            return fail(r, f, "a required field is missing");
    return true;
}

/* `group`: the number of the group that the message ends, 0: it ends with the bytes. */
static bool read_message(struct reading *r, struct pbread_message *m, struct slice *bytes, uint64_t group,
                         unsigned depth)
{
    struct pbwire_word w;
    if (depth > DEPTH)
        return fail(r, NULL, "messages are nested too deep");
    while (bytes->len) {
        if (!pbwire_next(bytes, &w))
            return fail(r, NULL, "its bytes are no message");
        if (w.type == PBWIRE_END)
            return w.field == group ? is_whole(r, m) : fail(r, NULL, "a group ends that did not begin");
        if (!read_field(r, m, &w, bytes, depth))
            return false;
    }
    return group ? fail(r, NULL, "a group does not end") : is_whole(r, m);
}

bool pbread(const struct pbtype_message *type, struct slice bytes, struct arena *arena, struct pbread_message **out,
            struct pbread_fault *fault)
{
    struct reading r = {.arena = arena, .fault = fault};
    struct pbread_message *m = arena_new(arena, sizeof(*m));
    *fault = (struct pbread_fault){0};
    m->type = type;
    if (!read_message(&r, m, &bytes, 0, 0))
        return false;
    *out = m;
    return true;
}
