#include "contracts/wire/recode.h"

#include "base/hash.h"
#include "base/json_out.h"
#include "contracts/wire/json_number.h"

static const char no_base64[] = "base64 of a text is expected";
static const char no_date[] = "a date-time (RFC 3339) is expected";
static const char no_seconds[] = "a time from the year 0 to 9999, no finer than a nanosecond, is expected";
static const char too_fine[] = "a date-time no finer than the unit is expected";

/* ---- base64 (RFC 4648) ---- */

static const char *encode(struct slice text, struct buf *out)
{
    buf_put_char(out, '"');
    hash_put_base64(out, text);
    buf_put_char(out, '"');
    return NULL;
}

/* Of either alphabet; 64: none. */
static unsigned sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0') + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : 64;
}

static struct slice without_padding(struct slice text)
{
    size_t len = text.len;
    while (len && text.len - len < 2 && text.at[len - 1] == '=')
        len--;
    return slice_to(text, len);
}

/* Bits that no byte claims must be 0: two texts for one value would not come back as they were. */
static bool read_base64(struct slice text, struct buf *bytes)
{
    uint32_t bits = 0;
    unsigned held = 0;
    struct slice bare = without_padding(text);
    if (bare.len % 4 == 1 || (bare.len != text.len && text.len % 4 != 0))
        return false;
    for (size_t i = 0; i < bare.len; i++) {
        unsigned six = sextet(bare.at[i]);
        if (six == 64)
            return false;
        bits = (bits << 6 | six) & 0xFFFF;
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        buf_put_char(bytes, (char)(unsigned char)(bits >> held));
    }
    return (bits & ((1u << held) - 1)) == 0;
}

static const char *decode(struct slice text, struct buf *out)
{
    struct buf bytes;
    struct json_out j;
    buf_init(&bytes, text.len + 1);
    bool fine = read_base64(text, &bytes) && slice_utf8(buf_slice(&bytes));
    json_out_init(&j, out, 0);
    if (fine)
        json_out_slice(&j, buf_slice(&bytes));
    buf_fini(&bytes);
    return fine ? NULL : no_base64;
}

/* ---- days (proleptic Gregorian), counted from 1970-01-01 ---- */

enum { DAY = 86400, YEARS = 400, DAYS_OF_400_YEARS = 146097, DAYS_TO_1970 = 719468 };

static int64_t days_of(int64_t year, int month, int day)
{
    /* A year begins in March, so that the odd day is its last. */
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - (YEARS - 1)) / YEARS, of_era = y - era * YEARS;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * DAYS_OF_400_YEARS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_TO_1970;
}

struct date {
    int64_t year;
    int month, day;
};

static struct date date_of(int64_t days)
{
    int64_t since = days + DAYS_TO_1970;
    int64_t era = (since >= 0 ? since : since - (DAYS_OF_400_YEARS - 1)) / DAYS_OF_400_YEARS;
    int64_t of_era = since - era * DAYS_OF_400_YEARS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t march = (5 * of_year + 2) / 153;
    int month = (int)(march < 10 ? march + 3 : march - 9);
    return (struct date){
        .year = year + era * YEARS + (month <= 2), .month = month, .day = (int)(of_year - (153 * march + 2) / 5 + 1)};
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* ---- seconds to date-times ---- */

enum { NANO_DIGITS = 9, NANO = 1000000000 };
#define SECONDS_MOST INT64_C(1000000000000)

struct instant {
    int64_t seconds;
    int64_t nanos; /* 0 to 999999999 */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits after a point, as nanoseconds; zeros past the ninth say nothing. */
static bool read_nanos(struct slice digits, int64_t *nanos)
{
    *nanos = 0;
    for (size_t i = 0; i < digits.len || i < NANO_DIGITS; i++) {
        char c = i < digits.len ? digits.at[i] : '0';
        if (!is_digit(c) || (i >= NANO_DIGITS && c != '0'))
            return false;
        if (i < NANO_DIGITS)
            *nanos = *nanos * 10 + (c - '0');
    }
    return true;
}

static bool read_seconds(struct slice decimal, struct instant *out)
{
    size_t point = decimal.len;
    bool minus = slice_starts(decimal, SLICE("-"));
    slice_find(decimal, '.', &point);
    uint64_t whole;
    int64_t nanos;
    if (slice_u64(slice_from(slice_to(decimal, point), minus), SECONDS_MOST, &whole) != ERR_OK ||
        !read_nanos(slice_from(decimal, point + 1), &nanos))
        return false;
    *out = (struct instant){(int64_t)whole, nanos};
    if (minus && nanos)
        *out = (struct instant){-(int64_t)whole - 1, NANO - nanos};
    else if (minus)
        out->seconds = -(int64_t)whole;
    return true;
}

static void put_instant(struct instant t, struct buf *out)
{
    int64_t of_day = ((t.seconds % DAY) + DAY) % DAY;
    struct date d = date_of((t.seconds - of_day) / DAY);
    buf_putf(out, "\"%04lld-%02d-%02dT%02d:%02d:%02d", (long long)d.year, d.month, d.day, (int)(of_day / 3600),
             (int)(of_day / 60 % 60), (int)(of_day % 60));
    if (t.nanos) {
        int digits = NANO_DIGITS;
        int64_t n = t.nanos;
        for (; n % 10 == 0; digits--)
            n /= 10;
        buf_putf(out, ".%0*lld", digits, (long long)n);
    }
    buf_put(out, SLICE("Z\""));
}

static const char *to_date(struct slice number, int64_t times, struct buf *out)
{
    struct buf seconds;
    struct instant t;
    buf_init(&seconds, BUF_TEXT_BOUND);
    bool fine = json_number_scale(number, 1, (uint64_t)times, &seconds) == ERR_OK &&
                read_seconds(buf_slice(&seconds), &t) && t.seconds >= days_of(0, 1, 1) * DAY &&
                t.seconds < days_of(10000, 1, 1) * DAY;
    buf_fini(&seconds);
    if (!fine)
        return no_seconds;
    put_instant(t, out);
    return NULL;
}

/* ---- and back ---- */

static bool take_number(struct slice *text, size_t digits, int most, int *out)
{
    *out = 0;
    if (text->len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (!is_digit(text->at[i]))
            return false;
        *out = *out * 10 + (text->at[i] - '0');
    }
    *text = slice_from(*text, digits);
    return *out <= most;
}

static bool take_mark(struct slice *text, const char *marks)
{
    if (text->len == 0 || !strchr(marks, text->at[0]) || text->at[0] == '\0')
        return false;
    *text = slice_from(*text, 1);
    return true;
}

static bool take_day(struct slice *text, int64_t *days)
{
    int year, month, day;
    if (!take_number(text, 4, 9999, &year) || !take_mark(text, "-") || !take_number(text, 2, 12, &month) ||
        !take_mark(text, "-") || !take_number(text, 2, 31, &day) || month == 0 || day == 0 ||
        day > days_in(year, month))
        return false;
    *days = days_of(year, month, day);
    return true;
}

static bool take_clock(struct slice *text, int64_t *seconds)
{
    int hour, minute, second;
    if (!take_number(text, 2, 23, &hour) || !take_mark(text, ":") || !take_number(text, 2, 59, &minute) ||
        !take_mark(text, ":") || !take_number(text, 2, 59, &second))
        return false;
    *seconds = hour * 3600 + minute * 60 + second;
    return true;
}

static bool take_fraction(struct slice *text, int64_t *nanos)
{
    size_t len = 0;
    *nanos = 0;
    if (!take_mark(text, "."))
        return true;
    while (len < text->len && is_digit(text->at[len]))
        len++;
    bool fine = len > 0 && read_nanos(slice_to(*text, len), nanos);
    *text = slice_from(*text, len);
    return fine;
}

static bool take_zone(struct slice *text, int64_t *seconds)
{
    int hours, minutes;
    *seconds = 0;
    if (take_mark(text, "Zz"))
        return text->len == 0;
    bool west = slice_starts(*text, SLICE("-"));
    if (!take_mark(text, "+-") || !take_number(text, 2, 23, &hours) || !take_mark(text, ":") ||
        !take_number(text, 2, 59, &minutes))
        return false;
    *seconds = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
    return text->len == 0;
}

static const char *to_epoch(struct slice text, int64_t times, struct buf *out)
{
    int64_t days, clock, nanos, zone;
    if (!take_day(&text, &days) || !take_mark(&text, "Tt ") || !take_clock(&text, &clock) ||
        !take_fraction(&text, &nanos) || !take_zone(&text, &zone))
        return no_date;
    if (nanos % (NANO / times) != 0)
        return too_fine;
    int64_t seconds = days * DAY + clock - zone, ticks;
    if (__builtin_mul_overflow(seconds, times, &ticks) || __builtin_add_overflow(ticks, nanos / (NANO / times), &ticks))
        return no_date;
    buf_putf(out, "%lld", (long long)ticks);
    return NULL;
}

const char *recode(const struct plan_step *s, struct slice text, struct buf *out)
{
    if (s->op == PLAN_ENCODE)
        return encode(text, out);
    if (s->op == PLAN_DECODE)
        return decode(text, out);
    return s->op == PLAN_DATE ? to_date(text, s->times, out) : to_epoch(text, s->times, out);
}
