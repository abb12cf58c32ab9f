#include "broker/job.h"

#include "tests/kit/t.h"

static const uint8_t nothing[10];

static struct job *job_from(struct job_table *t, const char *id, const char *caller)
{
    return job_new(t, &(struct job_spec){slice_str(id), SLICE("orders"), slice_str(caller), SLICE("render"), SLICE(""),
                                         JOB_QUEUED});
}

TEST(an_id_is_a_time_and_eighty_random_bits)
{
    char id[JOB_ID + 1];
    const uint8_t ones[10] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    job_id_make(id, 0, nothing);
    CHECK_TEXT("00000000000000000000000000", slice_str(id));
    job_id_make(id, 1469918176385, ones);
    CHECK_TEXT("01ARYZ6S41ZZZZZZZZZZZZZZZZ", slice_str(id));
    CHECK(job_id_is(slice_str(id)));
}

TEST(later_ids_sort_after_earlier_ones)
{
    char early[JOB_ID + 1], late[JOB_ID + 1];
    const uint8_t ones[10] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    job_id_make(early, 1794000000031, ones);
    job_id_make(late, 1794000000032, nothing);
    CHECK(strcmp(early, late) < 0);
}

TEST(other_text_is_no_id)
{
    CHECK(!job_id_is(SLICE("")));
    CHECK(!job_id_is(SLICE("0000000000000000000000000")));
    CHECK(!job_id_is(SLICE("000000000000000000000000000")));
    CHECK(!job_id_is(SLICE("0000000000000000000000000I")));
    CHECK(!job_id_is(SLICE("0000000000000000000000000z")));
    CHECK(!job_id_is(SLICE("0000000000000000000000000\0")));
}

TEST(an_id_is_the_same_as_sixteen_bytes)
{
    const char *ids[] = {"00000000000000000000000000", "01ARYZ6S41ZZZZZZZZZZZZZZZZ", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
                         "1234567890ABCDEFGHJKMNPQRS", "0TVWXYZ0000000000000000001"};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        uint8_t bytes[JOB_ID_BYTES];
        char text[JOB_ID + 1];
        CHECK(job_id_is(slice_str(ids[i])));
        job_id_bytes(slice_str(ids[i]), bytes);
        job_id_text(bytes, text);
        CHECK_TEXT(ids[i], slice_str(text));
    }
    CHECK(!job_id_is(SLICE("80000000000000000000000000"))); /* a 129th bit */
}

TEST(jobs_are_found_by_id_and_share_their_names)
{
    struct job_table t = {0};
    struct job *one = job_from(&t, "00000000000000000000000001", "a");
    struct job *two = job_from(&t, "00000000000000000000000002", "a");
    CHECK(job_find(&t, SLICE("00000000000000000000000001")) == one);
    CHECK(job_find(&t, SLICE("00000000000000000000000003")) == NULL);
    CHECK(one->kind == two->kind);
    CHECK_TEXT("a", job_caller(one));
    CHECK_INT(4, t.names.count);
    CHECK_INT(1, t.kinds.count);
    job_free(&t, &one);
    CHECK(one == NULL);
    CHECK_TEXT("a", job_caller(two));
    job_free(&t, &two);
    CHECK_INT(0, t.names.count);
    CHECK_INT(0, t.kinds.count);
    job_table_fini(&t);
}

TEST(the_table_counts_each_state)
{
    struct job_table t = {0};
    struct job *j = job_from(&t, "00000000000000000000000001", "a");
    (void)job_from(&t, "00000000000000000000000002", "b");
    CHECK_INT(2, t.count[JOB_QUEUED]);
    job_move(&t, j, JOB_LEASED);
    CHECK_INT(1, t.count[JOB_QUEUED]);
    CHECK_INT(1, t.count[JOB_LEASED]);
    CHECK_INT(JOB_LEASED, job_state(j));
    job_table_fini(&t);
}

TEST(what_is_over_stays_over_but_the_dead_may_return)
{
    for (enum job_state to = 0; to < JOB_STATES; to++) {
        CHECK(!job_may(JOB_DONE, to));
        CHECK(!job_may(JOB_CANCELLED, to));
        CHECK(job_may(JOB_DEAD, to) == (to == JOB_QUEUED || to == JOB_DELAYED));
    }
    CHECK(job_over(JOB_DONE) && job_over(JOB_CANCELLED) && job_over(JOB_DEAD));
    CHECK(!job_over(JOB_DELAYED) && !job_over(JOB_QUEUED) && !job_over(JOB_LEASED));
}

TEST(only_a_leased_job_can_be_done)
{
    CHECK(job_may(JOB_LEASED, JOB_DONE));
    CHECK(!job_may(JOB_QUEUED, JOB_DONE));
    CHECK(!job_may(JOB_DELAYED, JOB_DONE));
    CHECK(!job_may(JOB_DELAYED, JOB_LEASED));
    CHECK(!job_may(JOB_STATES, JOB_DONE));
}

TEST(a_job_costs_less_than_two_hundred_bytes)
{
    CHECK(sizeof(struct job) < 180);
}

TESTS_BEGIN()
TESTS_RUN(an_id_is_a_time_and_eighty_random_bits)
TESTS_RUN(later_ids_sort_after_earlier_ones)
TESTS_RUN(other_text_is_no_id)
TESTS_RUN(an_id_is_the_same_as_sixteen_bytes)
TESTS_RUN(jobs_are_found_by_id_and_share_their_names)
TESTS_RUN(the_table_counts_each_state)
TESTS_RUN(what_is_over_stays_over_but_the_dead_may_return)
TESTS_RUN(only_a_leased_job_can_be_done)
TESTS_RUN(a_job_costs_less_than_two_hundred_bytes)
TESTS_END()
