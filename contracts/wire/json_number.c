#include "contracts/wire/json_number.h"

enum { EXPONENT_MOST = 1 << 30, DIGITS_MOST = 19 };

/* digits x 10^exponent, the digits without zeros at either end. */
struct decimal {
    uint64_t digits;
    int64_t exponent;
    bool too_long;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Past EXPONENT_MOST all exponents are equally hopeless. */
static int64_t read_exponent(struct slice text)
{
    bool minus = text.len && text.at[0] == '-';
    int64_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        if (is_digit(text.at[i]) && n < EXPONENT_MOST)
            n = n * 10 + (text.at[i] - '0');
    return minus ? -n : n;
}

/* Zeros wait until a digit follows them, so that those at the end only count in the exponent. */
static void add_digit(struct decimal *d, char c, unsigned *count, int64_t *zeros)
{
    if (c == '0') {
        *zeros += *count > 0;
        return;
    }
    if (*zeros + *count + 1 > DIGITS_MOST) {
        d->too_long = true;
        return;
    }
    for (; *zeros; --*zeros, ++*count)
        d->digits *= 10;
    d->digits = d->digits * 10 + (uint64_t)(c - '0');
    ++*count;
}

static struct decimal read_decimal(struct slice text)
{
    struct decimal d = {0};
    unsigned count = 0;
    int64_t zeros = 0, places = 0;
    bool fraction = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == 'e' || c == 'E') {
            d.exponent = read_exponent(slice_from(text, i + 1));
            break;
        }
        fraction = fraction || c == '.';
        if (!is_digit(c))
            continue;
        places += fraction;
        add_digit(&d, c, &count, &zeros);
    }
    d.exponent += zeros - places;
    return d;
}

enum err json_number_whole(struct slice text, int64_t *out)
{
    bool minus = text.len && text.at[0] == '-';
    struct decimal d = read_decimal(text);
    if (d.too_long)
        return ERR_ABSENT;
    if (d.digits == 0) {
        *out = 0;
        return ERR_OK;
    }
    if (d.exponent < 0 || d.exponent >= DIGITS_MOST)
        return ERR_ABSENT;
    uint64_t most = (uint64_t)INT64_MAX + minus, n = d.digits;
    for (; d.exponent; d.exponent--) {
        if (n > most / 10)
            return ERR_ABSENT;
        n *= 10;
    }
    if (n > most)
        return ERR_ABSENT;
    *out = minus ? (int64_t)(0 - n) : (int64_t)n;
    return ERR_OK;
}

/* ---- scaling ---- */

__extension__ typedef unsigned __int128 wide;

enum { ZEROS_MOST = 40, WIDE_DIGITS = 40 };
static const wide WIDE_SAFE = ~(wide)0 / 10;

/* `*n` / `*per` becomes `*n` x 10^`*exponent`.  false: it has no end, or is too long. */
static bool divide(wide *n, uint64_t per, int64_t *exponent)
{
    for (; per > 1; --*exponent) {
        unsigned by = per % 10 == 0 ? 1 : per % 5 == 0 ? 2 : per % 2 == 0 ? 5 : 0;
        if (by == 0 || *n > WIDE_SAFE)
            return false;
        *n *= by;
        per /= 10 / by;
    }
    return true;
}

static wide common(wide a, wide b)
{
    while (b) {
        wide rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* n x 10^exponent, without zeros at its end. */
static void put_decimal(wide n, int64_t exponent, struct buf *out)
{
    char digits[WIDE_DIGITS];
    size_t count = 0;
    for (; n; n /= 10)
        digits[count++] = (char)('0' + (int)(n % 10));
    int64_t before = (int64_t)count + exponent; /* digits before the point */
    if (before <= 0)
        buf_put(out, SLICE("0."));
    for (int64_t i = before; i < 0; i++)
        buf_put_char(out, '0');
    for (size_t i = 0; i < count; i++) {
        if (before > 0 && (int64_t)i == before)
            buf_put_char(out, '.');
        buf_put_char(out, digits[count - 1 - i]);
    }
    for (int64_t i = (int64_t)count; i < before; i++)
        buf_put_char(out, '0');
}

enum err json_number_scale(struct slice text, uint64_t times, uint64_t per, struct buf *out)
{
    struct decimal d = read_decimal(text);
    if (d.too_long || per == 0)
        return ERR_ABSENT;
    wide n = (wide)d.digits * times, shared = common(n, per);
    int64_t exponent = d.exponent;
    if (n == 0) {
        buf_put_char(out, '0');
        return ERR_OK;
    }
    n /= shared;
    if (!divide(&n, (uint64_t)(per / shared), &exponent))
        return ERR_ABSENT;
    for (; n % 10 == 0; exponent++)
        n /= 10;
    if (exponent > ZEROS_MOST || exponent < -ZEROS_MOST)
        return ERR_ABSENT;
    if (text.at[0] == '-')
        buf_put_char(out, '-');
    put_decimal(n, exponent, out);
    return ERR_OK;
}

bool json_number_plain(struct slice text)
{
    size_t minus = slice_starts(text, SLICE("-"));
    for (size_t i = minus; i < text.len; i++)
        if (!is_digit(text.at[i]))
            return false;
    return text.len > minus && (text.at[minus] != '0' || text.len == minus + 1);
}
