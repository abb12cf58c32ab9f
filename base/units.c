#include "base/units.h"

struct unit {
    const char *name;
    uint64_t each;
};

/* Largest first. */
static const struct unit durations[] = {
    {"d", UINT64_C(86400000000)}, {"h", UINT64_C(3600000000)}, {"m", 60000000}, {"s", 1000000}, {"ms", 1000}, {"us", 1},
};
static const struct unit sizes[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}};

enum { DURATIONS = sizeof(durations) / sizeof(durations[0]), SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static const uint64_t duration_most = UINT64_C(3650) * 86400 * 1000000;
static const uint64_t size_most = UINT64_C(1) << 62;

static enum err parse(struct slice s, const struct unit *units, size_t count, uint64_t most, uint64_t *out)
{
    size_t digits = 0;
    while (digits < s.len && s.at[digits] >= '0' && s.at[digits] <= '9')
        digits++;
    for (size_t i = 0; i < count; i++) {
        if (!slice_eq(slice_from(s, digits), slice_str(units[i].name)))
            continue;
        uint64_t n = 0;
        TRY(slice_u64(slice_to(s, digits), most / units[i].each, &n));
        *out = n * units[i].each;
        return ERR_OK;
    }
    return ERR_INPUT;
}

/* The largest unit that divides `n` has the fewest digits; 0 is written in `zero`. */
static void put(struct buf *out, uint64_t n, const struct unit *units, size_t count, const char *zero)
{
    size_t i = 0;
    while (i + 1 < count && n % units[i].each != 0)
        i++;
    buf_put_u64(out, n / units[i].each);
    buf_put(out, slice_str(n ? units[i].name : zero));
}

enum err units_duration_us(struct slice s, int64_t *out)
{
    uint64_t us = 0;
    TRY(parse(s, durations, DURATIONS, duration_most, &us));
    *out = (int64_t)us;
    return ERR_OK;
}

enum err units_size(struct slice s, uint64_t *out)
{
    return parse(s, sizes, SIZES, size_most, out);
}

void units_put_duration(struct buf *out, int64_t us)
{
    uint64_t magnitude = (uint64_t)us;
    if (us < 0) {
        buf_put_char(out, '-');
        magnitude = 0 - magnitude;
    }
    put(out, magnitude, durations, DURATIONS, "s");
}

void units_put_size(struct buf *out, uint64_t bytes)
{
    put(out, bytes, sizes, SIZES, "");
}
