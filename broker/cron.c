#include "broker/cron.h"

#include "base/now.h"
#include "base/units.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS INT64_C(86400000)

/* Every leap day and weekday comes again within 40 years (2100 is no leap year). */
enum { HOURS = 24, MINUTES = 60, DAYS_MOST = 40 * 366, FIELD_MOST = 256 };
#define LAST_MS INT64_C(253402300800000)

/* --- reading --- */

struct field {
    const char *name;
    unsigned least, most;
    const char *words; /* three letters each, from `least` on; NULL: none */
    const char *wrong;
};

static const struct field fields[] = {
    {"minute", 0, 59, NULL, "the minute (first field) is 0 to 59, or * with a step like */15"},
    {"hour", 0, 23, NULL, "the hour (second field) is 0 to 23"},
    {"day", 1, 31, NULL, "the day (third field) is 1 to 31"},
    {"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", "the month (fourth field) is 1 to 12, or JAN to DEC"},
    {"weekday", 0, 7, "SUNMONTUEWEDTHUFRISAT", "the weekday (fifth field) is 0 to 7, or SUN to SAT"},
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

static enum err read_value(const struct field *f, struct slice text, unsigned *out)
{
    uint64_t n;
    for (size_t i = 0; f->words && f->words[i]; i += 3)
        if (slice_eq_nocase(text, slice_of(f->words + i, 3))) {
            *out = f->least + (unsigned)(i / 3);
            return ERR_OK;
        }
    TRY(slice_u64(text, f->most, &n));
    *out = (unsigned)n;
    return n >= f->least ? ERR_OK : ERR_INPUT;
}

/* "*", "5", "1-5", each with "/2" behind. */
static enum err read_part(const struct field *f, struct slice part, uint64_t *bits)
{
    unsigned from = f->least, to = f->most;
    uint64_t step = 1;
    size_t at;
    bool stepped = slice_find(part, '/', &at);
    if (stepped) {
        TRY(slice_u64(slice_from(part, at + 1), f->most, &step));
        part = slice_to(part, at);
    }
    if (!slice_eq(part, SLICE("*"))) {
        bool range = slice_find(part, '-', &at);
        TRY(read_value(f, range ? slice_to(part, at) : part, &from));
        if (range)
            TRY(read_value(f, slice_from(part, at + 1), &to));
        else if (!stepped)
            to = from;
    }
    if (step == 0 || from > to)
        return ERR_INPUT;
    for (uint64_t n = from; n <= to; n += step)
        *bits |= UINT64_C(1) << n;
    return ERR_OK;
}

static enum err read_field(const struct field *f, struct slice text, uint64_t *bits)
{
    struct slice part;
    *bits = 0;
    if (text.len == 0 || text.len > FIELD_MOST || slice_ends(text, SLICE(",")))
        return ERR_INPUT;
    while (slice_split(&text, ',', &part))
        TRY(read_part(f, part, bits));
    return ERR_OK;
}

/* The next word and what is behind it. */
static struct slice next_word(struct slice *rest)
{
    size_t len = 0;
    while (rest->len && (rest->at[0] == ' ' || rest->at[0] == '\t'))
        *rest = slice_from(*rest, 1);
    while (len < rest->len && rest->at[len] != ' ' && rest->at[len] != '\t')
        len++;
    struct slice word = slice_to(*rest, len);
    *rest = slice_from(*rest, len);
    return word;
}

static enum err read_fields(struct slice text, struct cron *out, const char **why)
{
    uint64_t bits[FIELDS];
    for (size_t i = 0; i < FIELDS; i++) {
        *why = fields[i].wrong;
        TRY(read_field(&fields[i], next_word(&text), &bits[i]));
        out->any_day = i == 2 ? bits[i] == (UINT64_C(1) << 32) - 2 : out->any_day;
    }
    *why = "there are five fields: minute hour day month weekday";
    if (next_word(&text).len > 0)
        return ERR_INPUT;
    out->minutes = bits[0];
    out->hours = (uint32_t)bits[1];
    out->days = (uint32_t)bits[2];
    out->months = (uint32_t)bits[3];
    out->weekdays = (uint32_t)(bits[4] | bits[4] >> 7) & 127;
    out->any_weekday = out->weekdays == 127;
    return ERR_OK;
}

static enum err read_every(struct slice text, struct cron *out, const char **why)
{
    int64_t us;
    *why = "write @every and a duration of 1s to 365d, like @every 15m";
    TRY(units_duration_us(slice_trim(text), &us));
    if (us < NOW_US_PER_S || us > INT64_C(365) * DAY_MS * NOW_US_PER_MS || us % NOW_US_PER_MS)
        return ERR_INPUT;
    out->every_ms = us / NOW_US_PER_MS;
    return ERR_OK;
}

static struct slice without_nickname(struct slice text)
{
    static const char *const names[][2] = {
        {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
        {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_eq(text, slice_str(names[i][0])))
            return slice_str(names[i][1]);
    return text;
}

enum err cron_read(struct slice text, struct cron *out, const char **why)
{
    struct cron c = {0};
    text = without_nickname(slice_trim(text));
    if (slice_starts(text, SLICE("@every ")))
        TRY(read_every(slice_from(text, 7), &c, why));
    else
        TRY(read_fields(text, &c, why));
    *why = "no such day ever comes";
    if (cron_next_ms(&c, 0, 0) == 0)
        return ERR_INPUT;
    *out = c;
    return ERR_OK;
}

/* --- moments --- */

struct date {
    unsigned month, day, weekday;
};

/* Days since 1970-01-01 to the proleptic Gregorian calendar, whose year begins in March here. */
static struct date date_of(int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = shifted / 146097;
    unsigned of_era = (unsigned)(shifted - era * 146097);
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned march = (5 * of_year + 2) / 153;
    return (struct date){
        .month = march < 10 ? march + 3 : march - 9,
        .day = of_year - (153 * march + 2) / 5 + 1,
        .weekday = (unsigned)((days + 4) % 7),
    };
}

static bool day_fits(const struct cron *c, int64_t days)
{
    struct date d = date_of(days);
    bool day = c->days >> d.day & 1, weekday = c->weekdays >> d.weekday & 1;
    if (!(c->months >> d.month & 1))
        return false;
    return c->any_day || c->any_weekday ? day && weekday : day || weekday;
}

/* Of one day, from this minute on; -1: none. */
static int minute_from(const struct cron *c, int minute)
{
    for (int m = minute; m < HOURS * MINUTES; m++) {
        if (!(c->hours >> (m / MINUTES) & 1))
            m += MINUTES - 1 - m % MINUTES; /* to the end of an hour that does not fit */
        else if (c->minutes >> (m % MINUTES) & 1)
            return m;
    }
    return -1;
}

static int64_t next_by_fields(const struct cron *c, int64_t after_ms)
{
    int64_t start = (after_ms / MINUTE_MS + 1) * MINUTE_MS, day = start / DAY_MS;
    int minute = (int)(start % DAY_MS / MINUTE_MS);
    for (int64_t end = day + DAYS_MOST; day < end; day++, minute = 0) {
        int m = day_fits(c, day) ? minute_from(c, minute) : -1;
        if (m >= 0)
            return day * DAY_MS + m * MINUTE_MS;
    }
    return 0;
}

int64_t cron_next_ms(const struct cron *c, int64_t since_ms, int64_t after_ms)
{
    if (after_ms < 0 || after_ms >= LAST_MS)
        return 0;
    if (!c->every_ms)
        return next_by_fields(c, after_ms);
    if (after_ms < since_ms)
        return since_ms + c->every_ms;
    return since_ms + ((after_ms - since_ms) / c->every_ms + 1) * c->every_ms;
}

static int64_t last_by_fields(const struct cron *c, int64_t now_ms)
{
    for (int64_t day = now_ms / DAY_MS, end = day - DAYS_MOST; day > end && day >= 0; day--) {
        int64_t last = -1, most = day == now_ms / DAY_MS ? now_ms % DAY_MS / MINUTE_MS : HOURS * MINUTES - 1;
        if (!day_fits(c, day))
            continue;
        for (int m = minute_from(c, 0); m >= 0 && m <= most; m = minute_from(c, m + 1))
            last = m;
        if (last >= 0)
            return day * DAY_MS + last * MINUTE_MS;
    }
    return 0;
}

int64_t cron_last_ms(const struct cron *c, int64_t since_ms, int64_t after_ms, int64_t now_ms)
{
    int64_t last = 0;
    if (now_ms <= after_ms || now_ms >= LAST_MS)
        return 0;
    if (!c->every_ms)
        last = last_by_fields(c, now_ms);
    else if (now_ms >= since_ms + c->every_ms)
        last = since_ms + (now_ms - since_ms) / c->every_ms * c->every_ms;
    return last > after_ms ? last : 0;
}
