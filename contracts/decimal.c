#include "contracts/decimal.h"

/* 10 to this still fits 64 bits. */
enum { SCALE_MOST = 18 };

bool decimal_read(struct slice text, struct decimal *out)
{
    bool minus = slice_starts(text, SLICE("-")), point = false;
    struct decimal d = {0};
    size_t count = 0;
    for (size_t i = minus; i < text.len; i++) {
        char c = text.at[i];
        if (c == '.' && !point && count) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9' || d.digits > INT64_MAX / 100 || d.scale == SCALE_MOST)
            return false;
        d.digits = d.digits * 10 + (c - '0');
        d.scale += point;
        count++;
    }
    d.digits = minus ? -d.digits : d.digits;
    *out = d;
    return count > 0;
}

void decimal_put(struct decimal d, struct buf *out)
{
    while (d.scale && d.digits % 10 == 0) {
        d.digits /= 10;
        d.scale--;
    }
    uint64_t size = d.digits < 0 ? -(uint64_t)d.digits : (uint64_t)d.digits, unit = 1;
    for (unsigned i = 0; i < d.scale; i++)
        unit *= 10;
    if (d.digits < 0)
        buf_put_char(out, '-');
    buf_put_u64(out, size / unit);
    if (!d.scale)
        return;
    buf_put_char(out, '.');
    for (uint64_t rest = size % unit; unit > 1; unit /= 10)
        buf_put_char(out, (char)('0' + rest / (unit / 10) % 10));
}

static bool align(struct decimal *a, struct decimal *b)
{
    for (; a->scale < b->scale; a->scale++)
        if (__builtin_mul_overflow(a->digits, 10, &a->digits))
            return false;
    for (; b->scale < a->scale; b->scale++)
        if (__builtin_mul_overflow(b->digits, 10, &b->digits))
            return false;
    return true;
}

bool decimal_add(struct decimal a, struct decimal b, struct decimal *out)
{
    if (!align(&a, &b) || __builtin_add_overflow(a.digits, b.digits, &a.digits))
        return false;
    *out = a;
    return true;
}

bool decimal_times(struct decimal a, int64_t n, struct decimal *out)
{
    if (__builtin_mul_overflow(a.digits, n, &a.digits))
        return false;
    *out = a;
    return true;
}

int decimal_divides(struct slice a, struct slice b)
{
    struct decimal x, y;
    if (!decimal_read(a, &x) || !decimal_read(b, &y) || y.digits == 0 || !align(&x, &y))
        return -1;
    return x.digits % y.digits == 0;
}

bool decimal_multiple(struct slice a, struct slice b)
{
    struct decimal x, y;
    bool positive = decimal_read(a, &x) && decimal_read(b, &y) && x.digits > 0 && y.digits > 0;
    return positive ? decimal_divides(a, b) == 1 : slice_eq(a, b);
}
