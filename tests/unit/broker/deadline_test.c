#include "broker/deadline.h"

#include "tests/kit/t.h"

#define ONE SLICE("00000000000000000000000001")
#define TWO SLICE("00000000000000000000000002")

TEST(the_earliest_comes_first_and_once)
{
    struct deadline_table t;
    int64_t at;
    char job[JOB_ID + 1];
    deadline_table_init(&t);
    CHECK(!deadline_next(&t, &at));
    deadline_put(&t, ONE, 200);
    deadline_put(&t, TWO, 100);
    CHECK(deadline_next(&t, &at));
    CHECK_INT(100, at);
    CHECK(!deadline_passed(&t, 99, job));
    CHECK(deadline_passed(&t, 100, job));
    CHECK_SLICE(TWO, slice_str(job));
    CHECK(!deadline_passed(&t, 100, job));
    CHECK(deadline_passed(&t, 1000, job));
    CHECK_SLICE(ONE, slice_str(job));
    deadline_table_fini(&t);
}

TEST(a_job_has_one_deadline_and_none_when_it_is_dropped)
{
    struct deadline_table t;
    int64_t at;
    deadline_table_init(&t);
    deadline_put(&t, ONE, 200);
    deadline_put(&t, ONE, 300);
    CHECK(deadline_next(&t, &at));
    CHECK_INT(300, at);
    deadline_drop(&t, TWO);
    deadline_drop(&t, ONE);
    CHECK(!deadline_next(&t, &at));
    deadline_put(&t, ONE, 200);
    deadline_table_fini(&t);
}

TESTS_BEGIN()
TESTS_RUN(the_earliest_comes_first_and_once)
TESTS_RUN(a_job_has_one_deadline_and_none_when_it_is_dropped)
TESTS_END()
