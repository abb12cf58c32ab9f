#include "contracts/pb/pbmake.h"

#include "contracts/pb/pbread.h"

enum { DEEPEST = 12, LEAST_MOST = 1 << 14 };

static bool put_least(const struct pbtype_message *m, const struct pbtype_field *but, struct buf *out, unsigned depth);

/* Numbers at which readers part; each kind takes those that it has. */
static const uint64_t numbers[] = {
    1,
    2,
    UINT64_MAX,
    UINT64_C(1) << 31,
    (UINT64_C(1) << 32) + 3,
    UINT64_C(1) << 63,
    (UINT64_C(1) << 53) + 1,
    UINT64_C(0xFFFFFFFF80000000),
};
enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };
static const double reals[] = {1.5, -1, 1e300, 0.1};
enum { REALS = sizeof(reals) / sizeof(reals[0]) };
static const char *const texts[] = {"a", "?!", "\xC3\xA9", "12", "true"};
enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };
static const char *const byte_texts[] = {"\xFF", "a", "\x01\x02"};
enum { BYTE_TEXTS = sizeof(byte_texts) / sizeof(byte_texts[0]) };

/* Without presence nobody writes a zero. */
static bool is_written(const struct pbtype_field *f, uint64_t word)
{
    return word != 0 || f->has_presence || f->repeated || f->message->name.len == 0;
}

static void put_word(const struct pbtype_field *f, uint64_t word, struct buf *out)
{
    if (!is_written(f, word))
        return;
    enum pbwire_type type = pbread_wire(f);
    pbwire_put_key(out, (uint64_t)f->number, type);
    if (type == PBWIRE_VARINT)
        pbwire_put_varint(out, word);
    else
        pbwire_put_fixed(out, word, type == PBWIRE_32 ? 4 : 8);
}

/* The number as the kind is written; numbers that it has not come out as others that it has. */
static uint64_t word_of(enum pbtype_kind k, uint64_t number)
{
    switch (k) {
    case PBTYPE_BOOL:
        return 1;
    case PBTYPE_INT32:
    case PBTYPE_SFIXED32:
    case PBTYPE_ENUM:
        return pbread_bits(PBTYPE_INT32, number);
    case PBTYPE_UINT32:
    case PBTYPE_FIXED32:
        return (uint32_t)number;
    case PBTYPE_SINT32:
        number = pbread_bits(PBTYPE_INT32, number);
        return (uint32_t)((number << 1) ^ (uint64_t)((int64_t)number >> 63));
    case PBTYPE_SINT64:
        return (number << 1) ^ (uint64_t)((int64_t)number >> 63);
    case PBTYPE_INT64:
    case PBTYPE_UINT64:
    case PBTYPE_FIXED64:
    case PBTYPE_SFIXED64:
    case PBTYPE_FLOAT:
    case PBTYPE_DOUBLE:
    case PBTYPE_STRING:
    case PBTYPE_BYTES:
    case PBTYPE_MESSAGE:
        break;
    }
    return number;
}

static uint64_t real_word(enum pbtype_kind k, double value)
{
    uint64_t word = 0;
    float small = value > 1e30 ? 1e30F : (float)value;
    if (k == PBTYPE_DOUBLE)
        memcpy(&word, &value, sizeof(value));
    else
        memcpy(&word, &small, sizeof(small));
    return word;
}

void pbmake_symbol(const struct pbtype_field *f, int64_t number, struct buf *out)
{
    put_word(f, word_of(PBTYPE_ENUM, (uint64_t)number), out);
}

static bool put_symbol(const struct pbtype_field *f, unsigned i, struct buf *out)
{
    if (i >= f->values->count)
        return false;
    pbmake_symbol(f, f->values->symbols[i].value[2].number, out);
    return true;
}

void pbmake_sub(const struct pbtype_field *f, struct slice message, struct buf *out)
{
    pbwire_put_key(out, (uint64_t)f->number, f->group ? PBWIRE_GROUP : PBWIRE_BYTES);
    if (!f->group) {
        pbwire_put_bytes(out, message);
        return;
    }
    buf_put(out, message);
    pbwire_put_key(out, (uint64_t)f->number, PBWIRE_END);
}

static bool put_field(const struct pbtype_field *f, unsigned i, struct buf *out, unsigned depth);

/* Number 0 is the least message; then each field, without which it would be there, has its first values. */
static bool put_sub(const struct pbtype_field *f, unsigned i, struct buf *out, unsigned depth)
{
    enum { EACH = 3 };
    const struct pbtype_field *one = NULL;
    for (unsigned k = 0; i > 0 && k <= (i - 1) / EACH; k++)
        if (!(one = one ? one->next : f->sub->fields))
            return false;
    struct buf inside;
    buf_init(&inside, BUF_TEXT_BOUND);
    bool good = put_least(f->sub, one, &inside, depth + 1);
    /* A field of fewer values has its first again. */
    if (good && one && !put_field(one, (i - 1) % EACH, &inside, depth + 1))
        good = put_field(one, 0, &inside, depth + 1);
    if (good)
        pbmake_sub(f, buf_slice(&inside), out);
    buf_fini(&inside);
    return good;
}

static bool put_field(const struct pbtype_field *f, unsigned i, struct buf *out, unsigned depth)
{
    if (depth > DEEPEST)
        return false;
    switch (f->kind) {
    case PBTYPE_MESSAGE:
        return put_sub(f, i, out, depth);
    case PBTYPE_ENUM:
        return put_symbol(f, i, out);
    case PBTYPE_STRING:
    case PBTYPE_BYTES:
        if (i >= (f->kind == PBTYPE_STRING ? TEXTS : BYTE_TEXTS))
            return false;
        pbwire_put_key(out, (uint64_t)f->number, PBWIRE_BYTES);
        pbwire_put_bytes(out, slice_str(f->kind == PBTYPE_STRING ? texts[i] : byte_texts[i]));
        return true;
    case PBTYPE_FLOAT:
    case PBTYPE_DOUBLE:
        if (i < REALS)
            put_word(f, real_word(f->kind, reals[i]), out);
        return i < REALS;
    case PBTYPE_BOOL:
    case PBTYPE_INT32:
    case PBTYPE_INT64:
    case PBTYPE_UINT32:
    case PBTYPE_UINT64:
    case PBTYPE_SINT32:
    case PBTYPE_SINT64:
    case PBTYPE_FIXED32:
    case PBTYPE_FIXED64:
    case PBTYPE_SFIXED32:
    case PBTYPE_SFIXED64:
        break;
    }
    if (i < NUMBERS)
        put_word(f, word_of(f->kind, numbers[i]), out);
    return i < NUMBERS;
}

bool pbmake_field(const struct pbtype_field *f, unsigned i, struct buf *out)
{
    return put_field(f, i, out, 0);
}

static bool put_least(const struct pbtype_message *m, const struct pbtype_field *but, struct buf *out, unsigned depth)
{
    /* An entry of a map has both its key and its value. */
    for (const struct pbtype_field *f = m->fields; f; f = f->next)
        if ((f->required || m->name.len == 0) && f != but &&
            (buf_len(out) > LEAST_MOST || !put_field(f, 0, out, depth)))
            return false;
    return true;
}

bool pbmake_least_but(const struct pbtype_message *m, const struct pbtype_field *but, struct buf *out)
{
    return put_least(m, but, out, 0);
}

bool pbmake_least(const struct pbtype_message *m, struct buf *out)
{
    return put_least(m, NULL, out, 0);
}
