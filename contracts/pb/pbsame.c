#include "contracts/pb/pbsame.h"

#include <stdlib.h>

/* A number whatever it is written as. */
struct amount {
    bool real, negative;
    uint64_t size; /* of a whole one */
    double value;  /* of a real one */
};

static bool is_signed(enum pbtype_kind k)
{
    return k == PBTYPE_INT32 || k == PBTYPE_INT64 || k == PBTYPE_SINT32 || k == PBTYPE_SINT64 || k == PBTYPE_SFIXED32 ||
           k == PBTYPE_SFIXED64 || k == PBTYPE_ENUM;
}

static double real_of(enum pbtype_kind k, uint64_t bits)
{
    double value = 0;
    float small = 0;
    uint32_t half = (uint32_t)bits;
    if (k == PBTYPE_DOUBLE)
        memcpy(&value, &bits, sizeof(value));
    else
        memcpy(&small, &half, sizeof(small));
    return k == PBTYPE_DOUBLE ? value : (double)small;
}

static struct amount amount_of(enum pbtype_kind k, uint64_t bits)
{
    if (k == PBTYPE_FLOAT || k == PBTYPE_DOUBLE)
        return (struct amount){.real = true, .value = real_of(k, bits)};
    bool negative = is_signed(k) && (int64_t)bits < 0;
    return (struct amount){.negative = negative, .size = negative ? ~bits + 1 : bits};
}

static bool same_amount(struct amount a, struct amount b)
{
    if (a.real != b.real)
        return false;
    return a.real ? memcmp(&a.value, &b.value, sizeof(a.value)) == 0 : a.negative == b.negative && a.size == b.size;
}

static bool is_number(enum pbtype_kind k)
{
    return k != PBTYPE_STRING && k != PBTYPE_BYTES && k != PBTYPE_MESSAGE;
}

/* What stands for an absent value, of numbers. */
static uint64_t otherwise_bits(const struct pbtype_field *f)
{
    struct slice text = f->otherwise;
    if (f->values) {
        const struct fact *symbol = text.len ? pbtype_symbol_named(f->values, text) : NULL;
        return (uint64_t)(symbol ? symbol->value[2].number : f->values->first);
    }
    if (text.len == 0)
        return 0;
    if (f->kind == PBTYPE_BOOL)
        return slice_eq(text, SLICE("true"));
    char word[64] = {0};
    memcpy(word, text.at, text.len < sizeof(word) - 1 ? text.len : sizeof(word) - 1);
    if (f->kind == PBTYPE_FLOAT || f->kind == PBTYPE_DOUBLE) {
        double value = strtod(word, NULL);
        float small = (float)value;
        uint64_t bits = 0;
        memcpy(&bits, f->kind == PBTYPE_DOUBLE ? (void *)&value : (void *)&small, f->kind == PBTYPE_DOUBLE ? 8 : 4);
        return bits;
    }
    return word[0] == '-' ? (uint64_t)strtoll(word, NULL, 0) : strtoull(word, NULL, 0);
}

static bool same_inside(const struct pbread_message *written, const struct pbread_message *read,
                        struct pbsame_difference *out);

static bool same_value(const struct pbtype_field *f, const struct pbread_value *a, const struct pbtype_field *g,
                       const struct pbread_value *b, struct pbsame_difference *out)
{
    bool message = f->kind == PBTYPE_MESSAGE;
    if (message != (g->kind == PBTYPE_MESSAGE) || is_number(f->kind) != is_number(g->kind))
        return !a && !b;
    if (message)
        return !a == !b && (!a || same_inside(a->sub, b->sub, out));
    if (!is_number(f->kind))
        return slice_eq(a ? a->text : f->otherwise, b ? b->text : g->otherwise);
    return same_amount(amount_of(f->kind, a ? a->bits : otherwise_bits(f)),
                       amount_of(g->kind, b ? b->bits : otherwise_bits(g)));
}

static const struct pbread_value *next_of(const struct pbread_value *v, const struct pbtype_field *f)
{
    while (v && v->field != f)
        v = v->next;
    return v;
}

static bool same_list(const struct pbread_message *written, const struct pbtype_field *f,
                      const struct pbread_message *read, const struct pbtype_field *g, struct pbsame_difference *out)
{
    const struct pbread_value *a = next_of(written->first, f), *b = next_of(read->first, g);
    for (; a && b; a = next_of(a->next, f), b = next_of(b->next, g))
        if (!same_value(f, a, g, b, out))
            return false;
    return !a && !b;
}

static bool same_field(const struct pbread_message *written, const struct pbtype_field *f,
                       const struct pbread_message *read, const struct pbtype_field *g, struct pbsame_difference *out)
{
    if (f->repeated && !g->repeated && pbread_count(written, f) == 1)
        return same_value(f, pbread_find(written, f), g, pbread_find(read, g), out);
    if (f->repeated || (g->repeated && pbread_find(written, f)))
        return (g->repeated || pbread_count(written, f) || !pbread_find(read, g)) &&
               same_list(written, f, read, g, out);
    if (g->repeated)
        return pbread_count(read, g) == 0;
    return same_value(f, pbread_find(written, f), g, pbread_find(read, g), out);
}

static bool differs(const struct pbread_message *written, const struct pbtype_field *f,
                    const struct pbread_message *read, const struct pbtype_field *g, struct pbsame_difference *out)
{
    struct pbsame_difference inside = {0};
    if (!g || same_field(written, f, read, g, &inside))
        return false;
    *out = inside;
    if (!inside.written)
        *out = (struct pbsame_difference){.written = f,
                                          .read = g,
                                          .was = pbread_find(written, f),
                                          .is = pbread_find(read, g),
                                          .was_count = pbread_count(written, f),
                                          .is_count = pbread_count(read, g)};
    return true;
}

/* A reader of another message was not made to leave the field out. */
static bool is_lost(const struct pbread_message *written, const struct pbtype_field *f,
                    const struct pbread_message *read, struct pbsame_difference *out)
{
    bool other = written->type->name.len && read->type->name.len && !slice_eq(written->type->name, read->type->name);
    size_t count = pbread_count(written, f);
    if (!other || count == 0)
        return false;
    *out = (struct pbsame_difference){.written = f, .was = pbread_find(written, f), .was_count = count};
    return true;
}

static const struct pbtype_field *first_difference(const struct pbread_message *written,
                                                   const struct pbread_message *read, struct pbsame_difference *out)
{
    for (const struct pbtype_field *f = written->type->fields; f; f = f->next) {
        const struct pbtype_field *g = pbtype_number(read->type, f->number), *h = pbtype_name(read->type, f->name);
        if (differs(written, f, read, g, out) || (h != g && differs(written, f, read, h, out)))
            return f;
        if (!g && !h && is_lost(written, f, read, out))
            return f;
    }
    return NULL;
}

static bool same_inside(const struct pbread_message *written, const struct pbread_message *read,
                        struct pbsame_difference *out)
{
    return !first_difference(written, read, out);
}

bool pbsame(const struct pbread_message *written, const struct pbread_message *read, struct pbsame_difference *out,
            const struct pbtype_field **outer)
{
    *out = (struct pbsame_difference){0};
    *outer = first_difference(written, read, out);
    return !*outer;
}
