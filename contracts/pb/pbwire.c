#include "contracts/pb/pbwire.h"

enum { VARINT_MOST = 10, FIELD_MOST = (1 << 29) - 1 };

bool pbwire_varint(struct slice *s, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_MOST && i < s->len; i++) {
        uint64_t byte = (unsigned char)s->at[i];
        value |= (byte & 0x7f) << (7 * i);
        if (!(byte & 0x80)) {
            *s = slice_from(*s, i + 1);
            *out = value;
            return true;
        }
    }
    return false;
}

static bool take_fixed(struct slice *s, unsigned bytes, uint64_t *out)
{
    if (s->len < bytes)
        return false;
    *out = 0;
    for (unsigned i = 0; i < bytes; i++)
        *out |= (uint64_t)(unsigned char)s->at[i] << (8 * i);
    *s = slice_from(*s, bytes);
    return true;
}

static bool take_bytes(struct slice *s, struct pbwire_word *w)
{
    if (!pbwire_varint(s, &w->number) || w->number > s->len)
        return false;
    w->bytes = slice_to(*s, (size_t)w->number);
    *s = slice_from(*s, (size_t)w->number);
    return true;
}

bool pbwire_next(struct slice *s, struct pbwire_word *w)
{
    uint64_t key = 0;
    *w = (struct pbwire_word){0};
    if (s->len == 0 || !pbwire_varint(s, &key))
        return false;
    w->field = key >> 3;
    w->type = (enum pbwire_type)(key & 7);
    if (w->field == 0 || w->field > FIELD_MOST)
        return false;
    switch (w->type) {
    case PBWIRE_VARINT:
        return pbwire_varint(s, &w->number);
    case PBWIRE_64:
        return take_fixed(s, 8, &w->number);
    case PBWIRE_32:
        return take_fixed(s, 4, &w->number);
    case PBWIRE_BYTES:
        return take_bytes(s, w);
    case PBWIRE_GROUP:
    case PBWIRE_END:
        return true;
    }
    return false;
}

void pbwire_put_varint(struct buf *out, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        buf_put_char(out, (char)(n | 0x80));
    buf_put_char(out, (char)n);
}

void pbwire_put_key(struct buf *out, uint64_t field, enum pbwire_type type)
{
    pbwire_put_varint(out, field << 3 | (uint64_t)type);
}

void pbwire_put_bytes(struct buf *out, struct slice bytes)
{
    pbwire_put_varint(out, bytes.len);
    buf_put(out, bytes);
}

void pbwire_put_fixed(struct buf *out, uint64_t n, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_put_char(out, (char)(n >> (8 * i)));
}
