#include "contracts/sample_number.h"

#include "contracts/decimal.h"

static void put_decimal(struct sample *s, struct sample_sink *k, struct decimal d)
{
    struct buf b;
    if (sample_sink_full(s, k))
        return;
    buf_init(&b, BUF_TEXT_BOUND);
    decimal_put(d, &b);
    sample_sink_put(s, k, arena_keep(&s->work->arena, buf_slice(&b)));
    buf_fini(&b);
}

/* `number` and `steps` tenths. */
static void put_beside(struct sample *s, struct sample_sink *k, struct slice number, int64_t tenths)
{
    struct decimal d, sum;
    if (decimal_read(number, &d) && decimal_add(d, (struct decimal){tenths, 1}, &sum))
        put_decimal(s, k, sum);
}

/* The multiples of `unit` around `number`. */
static void put_multiples(struct sample *s, struct sample_sink *k, struct slice number, struct slice unit)
{
    struct decimal d, u, m;
    if (!decimal_read(number, &d) || !decimal_read(unit, &u) || u.digits == 0)
        return;
    double times = (double)d.digits / (double)u.digits;
    for (unsigned i = d.scale; i > u.scale; i--)
        times /= 10;
    for (unsigned i = u.scale; i > d.scale; i--)
        times *= 10;
    if (times > 1e15 || times < -1e15)
        return;
    for (int64_t i = -1; i <= 2; i++)
        if (decimal_times(u, (int64_t)times + i, &m))
            put_decimal(s, k, m);
}

static void put_number_around(struct sample *s, struct sample_sink *k, struct slice number, struct slice unit)
{
    if (number.len == 0)
        return;
    sample_sink_put(s, k, number);
    put_beside(s, k, number, 10);
    put_beside(s, k, number, -10);
    put_beside(s, k, number, 1);
    put_beside(s, k, number, -1);
    if (unit.len)
        put_multiples(s, k, number, unit);
}

void sample_number(struct sample *s, const struct shape_type *t, const struct shape_position *p, struct sample_sink *k)
{
    static const char *const usual[] = {"0",
                                        "0.5",
                                        "1",
                                        "-1",
                                        "2147483648",
                                        "4294967296",
                                        "9007199254740993",
                                        "9223372036854775808",
                                        "18446744073709551616",
                                        "-2147483649",
                                        "-9223372036854775809"};
    static const enum shape_bound ends[] = {SHAPE_MIN, SHAPE_MAX, SHAPE_ABOVE, SHAPE_BELOW};
    struct slice unit = shape_tightest(p, SHAPE_MULTIPLE_OF);
    const struct hint_list *numbers = SAMPLE_HINTS(s, numbers);
    sample_sink_put(s, k, SLICE("0"));
    for (size_t i = 0; i < 4; i++)
        put_number_around(s, k, shape_tightest(p, ends[i]), unit);
    put_number_around(s, k, unit, unit);
    for (size_t i = 0; i < numbers->count; i++)
        put_number_around(s, k, numbers->v[i], unit);
    for (size_t i = 1; i < sizeof(usual) / sizeof(usual[0]); i++)
        sample_sink_put(s, k, slice_str(usual[i]));
    if (t->least.len)
        sample_sink_put(s, k, t->least);
    if (t->most.len)
        sample_sink_put(s, k, t->most);
}
