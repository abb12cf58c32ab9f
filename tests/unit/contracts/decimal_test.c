#include "contracts/decimal.h"

#include "tests/kit/t.h"

static void sums_to(const char *a, const char *b, const char *want)
{
    struct decimal x, y, sum = {0};
    struct buf out;
    buf_init(&out, 64);
    CHECK(decimal_read(slice_str(a), &x) && decimal_read(slice_str(b), &y) && decimal_add(x, y, &sum));
    decimal_put(sum, &out);
    CHECK_TEXT(want, buf_slice(&out));
    buf_fini(&out);
}

TEST(sums_are_exact)
{
    sums_to("1", "0.1", "1.1");
    sums_to("-0.05", "0.05", "0");
    sums_to("-2.5", "1", "-1.5");
    sums_to("10", "-0.01", "9.99");
    sums_to("1.50", "1.50", "3");
    sums_to("0.000000000000000001", "0", "0.000000000000000001");
}

TEST(what_is_no_plain_decimal_or_too_long_is_not_read)
{
    static const char *const odd[] = {
        "", "-", ".5", "1.2.3", "1e3", "0x1", " 1", "1 ", "12345678901234567890", "--1", "+1", "0.0000000000000000001"};
    struct decimal d;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        CHECK(!decimal_read(slice_str(odd[i]), &d));
}

TEST(whole_numbers_of_times_are_told_exactly)
{
    CHECK_INT(1, decimal_divides(SLICE("3.3"), SLICE("1.1")));
    CHECK_INT(0, decimal_divides(SLICE("1.1"), SLICE("3.3")));
    CHECK_INT(1, decimal_divides(SLICE("0"), SLICE("7")));
    CHECK_INT(1, decimal_divides(SLICE("-6"), SLICE("1.5")));
    CHECK_INT(-1, decimal_divides(SLICE("6"), SLICE("0")));
    CHECK_INT(-1, decimal_divides(SLICE("900000000000000000"), SLICE("0.000000000000001")));
    CHECK(decimal_multiple(SLICE("0.3"), SLICE("0.1")));
    CHECK(decimal_multiple(SLICE("x"), SLICE("x")));
    CHECK(!decimal_multiple(SLICE("0"), SLICE("3")));
}

TEST(past_64_bits_there_is_no_answer)
{
    struct decimal d = {.digits = INT64_MAX / 2}, out;
    CHECK(!decimal_times(d, 3, &out));
    CHECK(decimal_times(d, 2, &out));
    CHECK(!decimal_add(out, (struct decimal){.digits = 2}, &out));
}

TESTS_BEGIN()
TESTS_RUN(sums_are_exact)
TESTS_RUN(what_is_no_plain_decimal_or_too_long_is_not_read)
TESTS_RUN(whole_numbers_of_times_are_told_exactly)
TESTS_RUN(past_64_bits_there_is_no_answer)
TESTS_END()
