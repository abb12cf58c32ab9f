#include "contracts/wire/transcode_known.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "contracts/wire/json_number.h"
#include "contracts/wire/json_tok.h"
#include "contracts/wire/pbvalue.h"

enum { DAY = 86400, NANOS = 1000000000, DIGITS_MOST = 9, REAL_MOST = 400 };
static const int64_t duration_most = INT64_C(315576000000);
static const int64_t time_least = INT64_C(-62135596800), time_most = INT64_C(253402300799);

/* ---- times ---- */

/* Days since 1970-01-01 of the proleptic Gregorian calendar, with years that begin in March. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct date {
    int64_t year;
    unsigned month, day;
};

static struct date date_of(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
    int64_t shifted = (5 * of_year + 2) / 153;
    unsigned month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
    return (struct date){years + era * 400 + (month <= 2), month, (unsigned)(of_year - (153 * shifted + 2) / 5 + 1)};
}

static bool digits(struct slice *text, unsigned count, unsigned *out)
{
    *out = 0;
    if (text->len < count)
        return false;
    for (unsigned i = 0; i < count; i++) {
        unsigned digit = (unsigned)(unsigned char)text->at[i] - '0';
        if (digit > 9)
            return false;
        *out = *out * 10 + digit;
    }
    *text = slice_from(*text, count);
    return true;
}

static bool mark(struct slice *text, char c)
{
    if (text->len == 0 || text->at[0] != c)
        return false;
    *text = slice_from(*text, 1);
    return true;
}

/* ".5" is 500000000; nothing is 0. */
static bool fraction(struct slice *text, int32_t *nanos)
{
    unsigned count = 0, value = 0, digit;
    *nanos = 0;
    if (!mark(text, '.'))
        return true;
    while (count < DIGITS_MOST && digits(text, 1, &digit)) {
        value = value * 10 + digit;
        count++;
    }
    bool some = count > 0;
    for (; count < DIGITS_MOST; count++)
        value *= 10;
    *nanos = (int32_t)value;
    return some;
}

static bool zone(struct slice *text, int64_t *seconds)
{
    unsigned hours, minutes;
    *seconds = 0;
    if (mark(text, 'Z'))
        return true;
    bool minus = mark(text, '-');
    if (!minus && !mark(text, '+'))
        return false;
    if (!digits(text, 2, &hours) || !mark(text, ':') || !digits(text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *seconds = (int64_t)(hours * 3600 + minutes * 60) * (minus ? -1 : 1);
    return true;
}

static unsigned days_in(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

bool transcode_known_read_time(struct slice text, struct transcode_known_time *out)
{
    unsigned year, month, day, hour, minute, second;
    int64_t off;
    bool fine = digits(&text, 4, &year) && mark(&text, '-') && digits(&text, 2, &month) && mark(&text, '-') &&
                digits(&text, 2, &day) && mark(&text, 'T') && digits(&text, 2, &hour) && mark(&text, ':') &&
                digits(&text, 2, &minute) && mark(&text, ':') && digits(&text, 2, &second);
    if (!fine || !fraction(&text, &out->nanos) || !zone(&text, &off) || text.len)
        return false;
    if (year == 0 || month == 0 || month > 12 || day == 0 || day > days_in(year, month) || hour > 23 || minute > 59 ||
        second > 59)
        return false;
    out->seconds = days_of(year, month, day) * DAY + hour * 3600 + minute * 60 + second - off;
    return out->seconds >= time_least && out->seconds <= time_most;
}

/* With 3, 6 or 9 digits. */
static void put_fraction(unsigned nanos, struct buf *out)
{
    if (nanos == 0)
        return;
    if (nanos % 1000000 == 0)
        buf_putf(out, ".%03u", nanos / 1000000);
    else if (nanos % 1000 == 0)
        buf_putf(out, ".%06u", nanos / 1000);
    else
        buf_putf(out, ".%09u", nanos);
}

bool transcode_known_put_time(const struct transcode_known_time *t, struct buf *out)
{
    if (t->seconds < time_least || t->seconds > time_most || t->nanos < 0 || t->nanos >= NANOS)
        return false;
    int64_t days = (t->seconds - time_least) / DAY + time_least / DAY;
    unsigned rest = (unsigned)(t->seconds - days * DAY);
    struct date d = date_of(days);
    buf_putf(out, "%04u-%02u-%02uT%02u:%02u:%02u", (unsigned)d.year, d.month, d.day, rest / 3600, rest / 60 % 60,
             rest % 60);
    put_fraction((unsigned)t->nanos, out);
    buf_put_char(out, 'Z');
    return true;
}

bool transcode_known_read_duration(struct slice text, struct transcode_known_time *out)
{
    bool minus = mark(&text, '-');
    size_t len = 0;
    uint64_t seconds;
    while (len < text.len && text.at[len] >= '0' && text.at[len] <= '9')
        len++;
    if (slice_u64(slice_to(text, len), (uint64_t)duration_most, &seconds) != ERR_OK)
        return false;
    text = slice_from(text, len);
    if (!fraction(&text, &out->nanos) || !mark(&text, 's') || text.len)
        return false;
    out->seconds = minus ? -(int64_t)seconds : (int64_t)seconds;
    out->nanos = minus ? -out->nanos : out->nanos;
    return true;
}

bool transcode_known_put_duration(const struct transcode_known_time *t, struct buf *out)
{
    bool minus = t->seconds < 0 || t->nanos < 0;
    if (t->seconds > duration_most || t->seconds < -duration_most || t->nanos >= NANOS || t->nanos <= -NANOS ||
        (t->seconds > 0 && t->nanos < 0) || (t->seconds < 0 && t->nanos > 0))
        return false;
    buf_putf(out, "%s%lld", minus ? "-" : "", (long long)(minus ? -t->seconds : t->seconds));
    put_fraction((unsigned)(minus ? -t->nanos : t->nanos), out);
    buf_put_char(out, 's');
    return true;
}

/* ---- field masks ---- */

bool transcode_known_read_path(struct slice text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '_')
            return false;
        if (c >= 'A' && c <= 'Z') {
            buf_put_char(out, '_');
            c = (char)(c - 'A' + 'a');
        }
        buf_put_char(out, c);
    }
    return true;
}

bool transcode_known_put_path(struct slice path, struct buf *out)
{
    for (size_t i = 0; i < path.len; i++) {
        char c = path.at[i];
        if (c >= 'A' && c <= 'Z')
            return false;
        if (c == '_') {
            i++;
            if (i == path.len || path.at[i] < 'a' || path.at[i] > 'z')
                return false;
            c = (char)(path.at[i] - 'a' + 'A');
        }
        buf_put_char(out, c);
    }
    return true;
}

/* ---- numbers ---- */

/* A number of thousandths, which most are; false: it is another. */
static bool put_thousandths(double value, bool is_float, struct buf *out)
{
    const double most = is_float ? 16777216.0 : 1e15; /* that are exact */
    double scaled = value * 1000;
    if (!(scaled < most && scaled > -most) || (value < 0 ? false : value <= 0))
        return false; /* zero has a sign */
    int64_t n = (int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    uint64_t size = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    double again = is_float ? (double)((float)n / 1000.0F) : (double)n / 1000;
    if (memcmp(&again, &value, sizeof(value)) != 0)
        return false;
    if (n < 0)
        buf_put_char(out, '-');
    buf_put_u64(out, size / 1000);
    char digits[4] = {'.', (char)('0' + size / 100 % 10), (char)('0' + size / 10 % 10), (char)('0' + size % 10)};
    size_t len = size % 10 ? 4 : size % 100 ? 3 : size % 1000 ? 2 : 0;
    buf_put(out, slice_of(digits, len));
    return true;
}

static void put_float(float value, struct buf *out)
{
    char text[40];
    if (put_thousandths((double)value, true, out))
        return;
    for (int precision = 6; precision <= 9; precision++) {
        snprintf(text, sizeof(text), "%.*g", precision, (double)value);
        float again = strtof(text, NULL);
        if (memcmp(&again, &value, sizeof(value)) == 0)
            break;
    }
    buf_put(out, slice_str(text));
}

static void put_double(double value, struct buf *out)
{
    char text[40];
    if (put_thousandths(value, false, out))
        return;
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, sizeof(text), "%.*g", precision, value);
        double again = strtod(text, NULL);
        if (memcmp(&again, &value, sizeof(value)) == 0)
            break;
    }
    buf_put(out, slice_str(text));
}

void transcode_known_put_real(enum pbtype_kind kind, uint64_t bits, struct buf *out)
{
    float small;
    double large;
    uint32_t half = (uint32_t)bits;
    memcpy(&small, &half, sizeof(small));
    memcpy(&large, &bits, sizeof(large));
    double value = kind == PBTYPE_FLOAT ? (double)small : large;
    if (isnan(value))
        buf_put(out, SLICE("\"NaN\""));
    else if (isinf(value))
        buf_put(out, value < 0 ? SLICE("\"-Infinity\"") : SLICE("\"Infinity\""));
    else if (kind == PBTYPE_FLOAT)
        put_float(small, out);
    else
        put_double(large, out);
}

static bool named_real(struct slice text, double *out)
{
    bool infinity = slice_eq(text, SLICE("Infinity")), minus = slice_eq(text, SLICE("-Infinity"));
    *out = infinity ? (double)INFINITY : minus ? -(double)INFINITY : (double)NAN;
    return infinity || minus || slice_eq(text, SLICE("NaN"));
}

bool transcode_known_read_real(enum pbtype_kind kind, struct slice text, bool string, uint64_t *bits)
{
    char word[REAL_MOST];
    double value;
    bool named = string && named_real(text, &value);
    if (!named) {
        if (text.len >= sizeof(word) ||
            (string && (text.len == 0 || !strchr("-0123456789", text.at[0]) || !json_tok_whole(text))))
            return false;
        memcpy(word, text.at, text.len);
        word[text.len] = '\0';
        value = strtod(word, NULL);
        if (!isfinite(value))
            return false;
    }
    if (kind == PBTYPE_DOUBLE) {
        memcpy(bits, &value, sizeof(value));
        return true;
    }
    float small = (float)value;
    uint32_t half;
    if (!named && !isfinite(small))
        return false;
    memcpy(&half, &small, sizeof(half));
    *bits = half;
    return true;
}

/* Plain digits go beyond what a signed number of 64 bits holds. */
static bool plain_whole(struct slice text, struct pbvalue *v)
{
    bool minus = slice_starts(text, SLICE("-"));
    uint64_t n;
    if (slice_u64(slice_from(text, minus), minus ? UINT64_C(1) << 63 : UINT64_MAX, &n) != ERR_OK)
        return false;
    *v = (struct pbvalue){.kind = minus ? PBTYPE_INT64 : PBTYPE_UINT64, .bits = minus ? 0 - n : n};
    return true;
}

bool transcode_known_read_whole(enum pbtype_kind kind, struct slice text, uint64_t *bits)
{
    struct pbvalue v;
    int64_t n;
    if (text.len == 0 || !strchr("-0123456789", text.at[0]) ||
        (text.len > 1 && text.at[0] == '0' && text.at[1] >= '0' && text.at[1] <= '9'))
        return false;
    if (!plain_whole(text, &v)) {
        if (!json_tok_whole(text) || json_number_whole(text, &n) != ERR_OK)
            return false;
        v = (struct pbvalue){.kind = PBTYPE_INT64, .bits = (uint64_t)n};
    }
    if (pbvalue_convert(&v, kind))
        return false;
    *bits = v.bits;
    return true;
}
