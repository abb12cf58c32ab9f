#include "contracts/wire/pbvalue.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "contracts/json_value.h"

/* How a kind counts. */
enum sort { SIGNED, UNSIGNED, REAL, TEXT, NONE };

static const struct row {
    const char *name;
    enum pbwire_type wire;
    enum sort sort;
    bool zigzag, half; /* half: 32 bits */
} rows[] = {
    [PBTYPE_BOOL] = {"bool", PBWIRE_VARINT, UNSIGNED, false, false},
    [PBTYPE_INT32] = {"int32", PBWIRE_VARINT, SIGNED, false, true},
    [PBTYPE_INT64] = {"int64", PBWIRE_VARINT, SIGNED, false, false},
    [PBTYPE_UINT32] = {"uint32", PBWIRE_VARINT, UNSIGNED, false, true},
    [PBTYPE_UINT64] = {"uint64", PBWIRE_VARINT, UNSIGNED, false, false},
    [PBTYPE_SINT32] = {"sint32", PBWIRE_VARINT, SIGNED, true, true},
    [PBTYPE_SINT64] = {"sint64", PBWIRE_VARINT, SIGNED, true, false},
    [PBTYPE_FIXED32] = {"fixed32", PBWIRE_32, UNSIGNED, false, true},
    [PBTYPE_FIXED64] = {"fixed64", PBWIRE_64, UNSIGNED, false, false},
    [PBTYPE_SFIXED32] = {"sfixed32", PBWIRE_32, SIGNED, false, true},
    [PBTYPE_SFIXED64] = {"sfixed64", PBWIRE_64, SIGNED, false, false},
    [PBTYPE_FLOAT] = {"float", PBWIRE_32, REAL, false, true},
    [PBTYPE_DOUBLE] = {"double", PBWIRE_64, REAL, false, false},
    [PBTYPE_ENUM] = {"enum", PBWIRE_VARINT, SIGNED, false, true},
    [PBTYPE_STRING] = {"string", PBWIRE_BYTES, TEXT, false, false},
    [PBTYPE_BYTES] = {"bytes", PBWIRE_BYTES, TEXT, false, false},
    [PBTYPE_MESSAGE] = {"message", PBWIRE_BYTES, NONE, false, false},
};
enum { KINDS = sizeof(rows) / sizeof(rows[0]) };

const char *pbvalue_name(enum pbtype_kind kind)
{
    return rows[kind].name;
}

bool pbvalue_kind(struct slice name, enum pbtype_kind *out)
{
    for (size_t i = 0; i < KINDS && i != PBTYPE_MESSAGE; i++)
        if (slice_eq(name, slice_str(rows[i].name))) {
            *out = (enum pbtype_kind)i;
            return true;
        }
    return false;
}

enum pbwire_type pbvalue_wire(enum pbtype_kind kind)
{
    return rows[kind].wire;
}

static bool is_whole(enum pbtype_kind kind)
{
    return rows[kind].sort == SIGNED || rows[kind].sort == UNSIGNED;
}

bool pbvalue_converts(enum pbtype_kind from, enum pbtype_kind to)
{
    if (from == PBTYPE_MESSAGE || to == PBTYPE_MESSAGE)
        return false;
    if (rows[from].sort == TEXT && rows[to].sort == TEXT)
        return true;
    /* Digits are text; bytes and fractions have no one spelling, and a bool is no number to people. */
    if (from == PBTYPE_STRING || to == PBTYPE_STRING) {
        enum pbtype_kind other = from == PBTYPE_STRING ? to : from;
        return is_whole(other) && other != PBTYPE_BOOL && other != PBTYPE_ENUM;
    }
    return rows[from].sort != TEXT && rows[to].sort != TEXT;
}

void pbvalue_set(struct pbvalue *v, enum pbtype_kind kind, uint64_t word)
{
    const struct row *row = &rows[kind];
    v->kind = kind;
    if (row->zigzag) {
        if (row->half)
            word = (uint32_t)word;
        word = (word >> 1) ^ (0 - (word & 1));
    }
    if (kind == PBTYPE_BOOL)
        word = word != 0;
    if (row->half)
        word = row->sort == SIGNED ? (uint64_t)(int64_t)(int32_t)(uint32_t)word : (uint32_t)word;
    v->bits = word;
}

static double real_of(const struct pbvalue *v)
{
    if (v->kind == PBTYPE_DOUBLE) {
        double d;
        memcpy(&d, &v->bits, sizeof(d));
        return d;
    }
    uint32_t half = (uint32_t)v->bits;
    float f;
    memcpy(&f, &half, sizeof(f));
    return (double)f;
}

static const char *set_real(struct pbvalue *v, enum pbtype_kind to, double d)
{
    v->kind = to;
    if (to == PBTYPE_DOUBLE) {
        memcpy(&v->bits, &d, sizeof(d));
        return NULL;
    }
    bool fits = isnan(d) || isinf(d) || fabs(d) <= (double)3.402823466e38F;
    if (!fits)
        return "is more than a float takes";
    float f = (float)d;
    uint32_t half;
    memcpy(&half, &f, sizeof(half));
    v->bits = half;
    return isnan(d) || !((double)f < d || (double)f > d) ? NULL : "has more digits than a float keeps";
}

static int64_t least_of(enum pbtype_kind kind)
{
    if (rows[kind].sort == UNSIGNED)
        return 0;
    return rows[kind].half ? INT32_MIN : INT64_MIN;
}

static uint64_t most_of(enum pbtype_kind kind)
{
    if (kind == PBTYPE_BOOL)
        return 1;
    if (rows[kind].sort == UNSIGNED)
        return rows[kind].half ? UINT32_MAX : UINT64_MAX;
    return rows[kind].half ? (uint64_t)INT32_MAX : (uint64_t)INT64_MAX;
}

/* A whole number is its bits, and whether they stand for less than zero. */
static bool is_minus(const struct pbvalue *v)
{
    return rows[v->kind].sort == SIGNED && (int64_t)v->bits < 0;
}

static const char *whole_to_whole(struct pbvalue *v, enum pbtype_kind to)
{
    bool fits = is_minus(v) ? (int64_t)v->bits >= least_of(to) : v->bits <= most_of(to);
    v->kind = to;
    return fits ? NULL : "is out of the range that the reader's type has";
}

static const char *whole_to_real(struct pbvalue *v, enum pbtype_kind to)
{
    bool minus = is_minus(v);
    uint64_t size = minus ? 0 - v->bits : v->bits;
    unsigned bits = to == PBTYPE_DOUBLE ? 53 : 24;
    /* Exact when what is left of it without the zeros at its end fits the fraction. */
    bool exact = size == 0 || size >> __builtin_ctzll(size) < UINT64_C(1) << bits;
    const char *fault = set_real(v, to, minus ? -(double)size : (double)size);
    return exact ? fault : "has more digits than the reader's type keeps";
}

static const char *real_to_whole(struct pbvalue *v, enum pbtype_kind to)
{
    double d = real_of(v);
    if (!isfinite(d) || d < floor(d) || d > floor(d))
        return "is no whole number";
    double edge = ldexp(1, 64);
    if (d < -ldexp(1, 63) || d >= edge)
        return "is out of the range that the reader's type has";
    v->bits = d < 0 ? (uint64_t)(int64_t)d : (uint64_t)d;
    v->kind = d < 0 ? PBTYPE_INT64 : PBTYPE_UINT64;
    return whole_to_whole(v, to);
}

static void set_digits(struct pbvalue *v)
{
    int n = is_minus(v) ? snprintf(v->digits, sizeof(v->digits), "%lld", (long long)(int64_t)v->bits)
                        : snprintf(v->digits, sizeof(v->digits), "%llu", (unsigned long long)v->bits);
    v->text = slice_of(v->digits, (size_t)n);
    v->kind = PBTYPE_STRING;
}

/* Digits as they are printed: no blanks, no plus, no zeros in front. */
static bool read_digits(struct slice text, struct pbvalue *v)
{
    bool minus = slice_starts(text, SLICE("-"));
    struct slice digits = slice_from(text, minus);
    uint64_t n;
    if (digits.len == 0 || (digits.at[0] == '0' && (digits.len > 1 || minus)))
        return false;
    if (slice_u64(digits, minus ? UINT64_C(1) << 63 : UINT64_MAX, &n) != ERR_OK)
        return false;
    v->kind = minus ? PBTYPE_INT64 : PBTYPE_UINT64;
    v->bits = minus ? 0 - n : n;
    return true;
}

static const char *digits_to_whole(struct pbvalue *v, enum pbtype_kind to)
{
    return read_digits(v->text, v) ? whole_to_whole(v, to) : "is no whole number of 64 bits in plain digits";
}

const char *pbvalue_convert(struct pbvalue *v, enum pbtype_kind to)
{
    PRE(pbvalue_converts(v->kind, to));
    enum sort from = rows[v->kind].sort, into = rows[to].sort;
    if (v->kind == to)
        return NULL;
    if (from == TEXT && into == TEXT) {
        v->kind = to;
        return to == PBTYPE_BYTES || slice_utf8(v->text) ? NULL : "is no UTF-8";
    }
    if (from == TEXT)
        return digits_to_whole(v, to);
    if (into == TEXT) {
        set_digits(v);
        return NULL;
    }
    if (from == REAL)
        return into == REAL ? set_real(v, to, real_of(v)) : real_to_whole(v, to);
    return into == REAL ? whole_to_real(v, to) : whole_to_whole(v, to);
}

bool pbvalue_within(const struct pbvalue *v, int64_t low, int64_t high)
{
    if (!is_whole(v->kind))
        return false;
    if (is_minus(v))
        return (int64_t)v->bits >= low && (int64_t)v->bits <= high;
    return v->bits <= INT64_MAX && (int64_t)v->bits >= low && (int64_t)v->bits <= high;
}

bool pbvalue_zero(const struct pbvalue *v)
{
    return rows[v->kind].sort == TEXT ? v->text.len == 0 : v->bits == 0;
}

size_t pbvalue_write(const struct pbvalue *v, char *at)
{
    const struct row *row = &rows[v->kind];
    uint64_t word = v->bits;
    if (row->wire == PBWIRE_VARINT)
        return pbvalue_write_varint(row->zigzag ? (word << 1) ^ (0 - (word >> 63)) : word, at);
    size_t bytes = row->wire == PBWIRE_32 ? 4 : 8;
    for (size_t i = 0; i < bytes; i++)
        at[i] = (char)(word >> (8 * i));
    return bytes;
}

/* ---- from JSON ---- */

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c == '-' ? '+' : c == '_' ? '/' : c) : NULL;
    return at ? (int)(at - digits) : -1;
}

bool pbvalue_put_base64(struct slice text, struct buf *out)
{
    long size = json_value_base64(text);
    if (size < 0)
        return false;
    pbwire_put_varint(out, (uint64_t)size);
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < text.len && size > 0; i++) {
        bits = bits << 6 | (uint32_t)base64_digit(text.at[i]);
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        buf_put_char(out, (char)(bits >> held));
        size--;
    }
    return true;
}

static bool real_from(const struct json_value *j, double *out)
{
    char text[64], *end;
    if (j->kind == JSON_STRING) {
        bool inf = slice_eq(j->text, SLICE("Infinity")), minus = slice_eq(j->text, SLICE("-Infinity"));
        *out = inf ? (double)INFINITY : minus ? -(double)INFINITY : (double)NAN;
        return inf || minus || slice_eq(j->text, SLICE("NaN"));
    }
    if (j->kind != JSON_NUMBER || j->text.len >= sizeof(text))
        return false;
    snprintf(text, sizeof(text), "%.*s", SLICE_FMT(j->text));
    *out = strtod(text, &end);
    return *end == '\0' && isfinite(*out);
}

static bool number_from(enum pbtype_kind kind, const struct json_value *j, struct pbvalue *v)
{
    double d;
    if (kind == PBTYPE_BOOL) {
        *v = (struct pbvalue){.kind = kind, .bits = j->truth};
        return j->kind == JSON_BOOL;
    }
    if (rows[kind].sort == REAL) {
        if (!real_from(j, &d))
            return false;
        const char *fault = set_real(v, kind, d);
        return !fault || strstr(fault, "digits"); /* 0.1 is meant to be rounded */
    }
    if (j->kind != JSON_NUMBER && j->kind != JSON_STRING)
        return false;
    return read_digits(j->text, v) && !whole_to_whole(v, kind);
}

static bool put_value(enum pbtype_kind kind, const struct json_value *j, struct buf *out)
{
    struct pbvalue v = {0};
    char bytes[PBVALUE_MOST];
    if (rows[kind].sort == TEXT && j->kind != JSON_STRING)
        return false;
    if (kind == PBTYPE_BYTES)
        return pbvalue_put_base64(j->text, out);
    if (kind == PBTYPE_STRING) {
        pbwire_put_bytes(out, j->text);
        return true;
    }
    if (!number_from(kind, j, &v))
        return false;
    buf_put(out, slice_of(bytes, pbvalue_write(&v, bytes)));
    return true;
}

bool pbvalue_put_json(enum pbtype_kind kind, struct slice json, struct buf *out)
{
    struct arena arena;
    const struct json_value *j;
    arena_init(&arena, 0);
    bool done = json_value_read(json, &arena, &j) == ERR_OK && put_value(kind, j, out);
    arena_fini(&arena);
    return done;
}
