#include "proxy/job_range.h"

#include "tests/kit/t.h"

static void check(const char *field, size_t length, size_t from, size_t count)
{
    struct job_range r = {99, 99};
    CHECK_ERR(ERR_OK, job_range_read(slice_str(field), length, &r));
    CHECK_INT(from, r.from);
    CHECK_INT(count, r.count);
}

static void check_not(enum err want, const char *field, size_t length)
{
    struct job_range r = {99, 99};
    CHECK_ERR(want, job_range_read(slice_str(field), length, &r));
    CHECK_INT(99, r.from);
}

TEST(a_range_is_cut_to_what_is_there)
{
    check("bytes=0-0", 10, 0, 1);
    check("bytes=2-5", 10, 2, 4);
    check("bytes=9-", 10, 9, 1);
    check("bytes=5-18446744073709551615", 10, 5, 5);
    check("bytes=-3", 10, 7, 3);
    check("bytes=-30", 10, 0, 10);
}

TEST(a_range_behind_the_end_is_an_error)
{
    check_not(ERR_INPUT, "bytes=10-", 10);
    check_not(ERR_INPUT, "bytes=0-", 0);
    check_not(ERR_INPUT, "bytes=-0", 10);
    check_not(ERR_INPUT, "bytes=-1", 0);
}

TEST(what_is_no_single_range_of_bytes_is_ignored)
{
    check_not(ERR_ABSENT, "", 10);
    check_not(ERR_ABSENT, "lines=1-2", 10);
    check_not(ERR_ABSENT, "bytes=", 10);
    check_not(ERR_ABSENT, "bytes=5-2", 10);
    check_not(ERR_ABSENT, "bytes=0-1,3-4", 10);
    check_not(ERR_ABSENT, "bytes=a-", 10);
    check_not(ERR_ABSENT, "bytes=18446744073709551616-", 10);
}

TESTS_BEGIN()
TESTS_RUN(a_range_is_cut_to_what_is_there)
TESTS_RUN(a_range_behind_the_end_is_an_error)
TESTS_RUN(what_is_no_single_range_of_bytes_is_ignored)
TESTS_END()
