#include "base/units.h"

#include "tests/kit/t.h"

static void check_duration(int64_t us, const char *text)
{
    int64_t back = -1;
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    units_put_duration(&out, us);
    CHECK_TEXT(text, buf_slice(&out));
    CHECK_ERR(ERR_OK, units_duration_us(buf_slice(&out), &back));
    CHECK_INT(us, back);
    buf_fini(&out);
}

static void check_size(uint64_t bytes, const char *text)
{
    uint64_t back = 1;
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    units_put_size(&out, bytes);
    CHECK_TEXT(text, buf_slice(&out));
    CHECK_ERR(ERR_OK, units_size(buf_slice(&out), &back));
    CHECK_INT(bytes, back);
    buf_fini(&out);
}

TEST(durations_are_spelled_in_the_largest_unit_that_is_exact)
{
    check_duration(0, "0s");
    check_duration(250, "250us");
    check_duration(1500000, "1500ms");
    check_duration(2000000, "2s");
    check_duration(300000000, "5m");
    check_duration(INT64_C(3600000000), "1h");
    check_duration(INT64_C(604800000000), "7d");
    check_duration(INT64_C(315360000000000), "3650d");
}

TEST(sizes_are_spelled_in_the_largest_unit_that_is_exact)
{
    check_size(0, "0");
    check_size(512, "512");
    check_size(65536, "64KiB");
    check_size(1048576, "1MiB");
    check_size(UINT64_C(2) << 30, "2GiB");
    check_size(UINT64_C(1) << 62, "4294967296GiB");
}

TEST(a_duration_needs_a_number_and_a_unit_and_an_end)
{
    static const char *const bad[] = {"",     "s",  "2",   "2 s",   "-2s",
                                      "1.5s", "2S", "2ss", "3651d", "18446744073709551616us"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t us = 42;
        CHECK_ERR(ERR_INPUT, units_duration_us(slice_str(bad[i]), &us));
        CHECK_INT(42, us);
    }
}

TEST(a_size_is_bytes_or_powers_of_1024)
{
    static const char *const bad[] = {"", "KiB", "64K", "64kb", "64 KiB", "-1", "1.5MiB", "4294967297GiB"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t bytes = 42;
        CHECK_ERR(ERR_INPUT, units_size(slice_str(bad[i]), &bytes));
        CHECK_INT(42, bytes);
    }
}

TESTS_BEGIN()
TESTS_RUN(durations_are_spelled_in_the_largest_unit_that_is_exact)
TESTS_RUN(sizes_are_spelled_in_the_largest_unit_that_is_exact)
TESTS_RUN(a_duration_needs_a_number_and_a_unit_and_an_end)
TESTS_RUN(a_size_is_bytes_or_powers_of_1024)
TESTS_END()
