#include "broker/dispatch.h"

#include "tests/kit/t.h"

static uint64_t pick(struct dispatch *d, uint64_t size)
{
    struct dispatch_worker *w = NULL;
    return dispatch_pick(d, SLICE(""), size, &w) == ERR_OK ? w->id : 0;
}

TEST(nothing_is_sent_without_credit)
{
    struct dispatch d;
    struct dispatch_worker one;
    dispatch_init(&d);
    CHECK_INT(0, pick(&d, 0));
    dispatch_join(&d, &one, 1);
    CHECK_INT(1, dispatch_workers(&d));
    CHECK_INT(0, pick(&d, 0));
    dispatch_credit(&d, &one, 2, 100);
    CHECK_INT(1, pick(&d, 60));
    CHECK_INT(0, pick(&d, 41));
    CHECK_INT(1, pick(&d, 40));
    CHECK_INT(0, pick(&d, 0));
    dispatch_fini(&d);
}

TEST(the_worker_with_most_free_slots_is_chosen)
{
    struct dispatch d;
    struct dispatch_worker one, two, three;
    dispatch_init(&d);
    dispatch_join(&d, &one, 1);
    dispatch_join(&d, &two, 2);
    dispatch_join(&d, &three, 3);
    dispatch_credit(&d, &one, 1, 100);
    dispatch_credit(&d, &two, 3, 100);
    dispatch_credit(&d, &three, 2, 100);
    const uint64_t order[] = {2, 2, 3, 1, 2, 3, 0};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        CHECK_INT(order[i], pick(&d, 1));
    dispatch_fini(&d);
}

TEST(a_big_job_goes_where_its_bytes_fit)
{
    struct dispatch d;
    struct dispatch_worker one, two, three;
    dispatch_init(&d);
    dispatch_join(&d, &one, 1);
    dispatch_join(&d, &two, 2);
    dispatch_join(&d, &three, 3);
    dispatch_credit(&d, &one, 9, 10);
    dispatch_credit(&d, &two, 2, 1000);
    dispatch_credit(&d, &three, 3, 1000);
    CHECK_INT(3, pick(&d, 500));
    CHECK_INT(2, pick(&d, 600));
    CHECK_INT(0, pick(&d, 600));
    CHECK_INT(1, pick(&d, 10));
    dispatch_fini(&d);
}

TEST(credit_adds_up_to_its_bound)
{
    struct dispatch d;
    struct dispatch_worker one;
    dispatch_init(&d);
    dispatch_join(&d, &one, 1);
    dispatch_credit(&d, &one, 1, 1);
    dispatch_credit(&d, &one, 2, 3);
    CHECK_INT(3, one.slots);
    CHECK_INT(4, one.bytes);
    dispatch_credit(&d, &one, UINT32_MAX, UINT64_MAX);
    dispatch_credit(&d, &one, UINT32_MAX, UINT64_MAX);
    CHECK_INT(DISPATCH_SLOTS, one.slots);
    CHECK_INT(DISPATCH_BYTES, one.bytes);
    dispatch_fini(&d);
}

TEST(a_draining_or_gone_worker_gets_nothing)
{
    struct dispatch d;
    struct dispatch_worker one, two;
    dispatch_init(&d);
    dispatch_join(&d, &one, 1);
    dispatch_join(&d, &two, 2);
    dispatch_credit(&d, &one, 5, 100);
    dispatch_credit(&d, &two, 2, 100);
    dispatch_revoke(&d, &one);
    CHECK_INT(2, pick(&d, 1));
    dispatch_leave(&d, &two);
    dispatch_leave(&d, &two);
    CHECK_INT(0, pick(&d, 1));
    CHECK_INT(1, dispatch_workers(&d));
    dispatch_fini(&d);
}

TEST(labels_decide_who_may_and_then_who_is_liked)
{
    struct dispatch d;
    struct dispatch_worker plain, gpu, warm, *w;
    dispatch_init(&d);
    dispatch_join(&d, &plain, 1);
    dispatch_join(&d, &gpu, 2);
    dispatch_join(&d, &warm, 3);
    gpu.labels = SLICE("gpu=a100");
    warm.labels = SLICE("gpu=a100,model=x");
    dispatch_credit(&d, &plain, 9, 100);
    dispatch_credit(&d, &gpu, 5, 100);
    dispatch_credit(&d, &warm, 1, 100);
    CHECK_INT(2, dispatch_fitting(&d, SLICE("gpu=a100,model=x?")));
    CHECK_ERR(ERR_OK, dispatch_pick(&d, SLICE("gpu=a100,model=x?"), 10, &w));
    CHECK_INT(3, w->id);
    CHECK_ERR(ERR_OK, dispatch_pick(&d, SLICE("gpu=a100,model=x?"), 10, &w));
    CHECK_INT(2, w->id);
    CHECK_ERR(ERR_AGAIN, dispatch_pick(&d, SLICE("gpu=h100"), 10, &w));
    CHECK_ERR(ERR_AGAIN, dispatch_pick(&d, SLICE("gpu=a100"), 101, &w));
    CHECK_ERR(ERR_OK, dispatch_pick(&d, SLICE("model=x?"), 10, &w));
    CHECK_INT(1, w->id);
    dispatch_leave(&d, &plain);
    dispatch_leave(&d, &gpu);
    dispatch_leave(&d, &warm);
    dispatch_fini(&d);
}

TESTS_BEGIN()
TESTS_RUN(labels_decide_who_may_and_then_who_is_liked)
TESTS_RUN(nothing_is_sent_without_credit)
TESTS_RUN(the_worker_with_most_free_slots_is_chosen)
TESTS_RUN(a_big_job_goes_where_its_bytes_fit)
TESTS_RUN(credit_adds_up_to_its_bound)
TESTS_RUN(a_draining_or_gone_worker_gets_nothing)
TESTS_END()
