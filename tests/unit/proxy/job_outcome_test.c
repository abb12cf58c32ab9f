#include "proxy/job_outcome.h"

#include "tests/kit/t.h"

TEST(an_answer_decides_what_becomes_of_the_job)
{
    static const struct {
        unsigned status;
        const char *word;
        enum job_outcome outcome;
    } rows[] = {
        {200, "", JOB_OUTCOME_DONE},
        {303, "", JOB_OUTCOME_DONE},
        {404, "", JOB_OUTCOME_DONE},
        {408, "", JOB_OUTCOME_AGAIN},
        {429, "", JOB_OUTCOME_AGAIN},
        {500, "", JOB_OUTCOME_AGAIN},
        {503, "", JOB_OUTCOME_AGAIN},
        {503, "app-unreachable", JOB_OUTCOME_ABSENT},
        {502, "app-reset", JOB_OUTCOME_CRASH},
        {403, "policy-denied", JOB_OUTCOME_REFUSED},
        {412, "contract-mismatch", JOB_OUTCOME_UNFIT},
        {428, "contract-unknown", JOB_OUTCOME_REFUSED},
        {404, "operation-unknown", JOB_OUTCOME_REFUSED},
        {422, "body-unfit", JOB_OUTCOME_REFUSED},
        {504, "request-timeout", JOB_OUTCOME_AGAIN},
        {502, "answer-unfit", JOB_OUTCOME_AGAIN},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_INT(rows[i].outcome, job_outcome_of(rows[i].status, slice_str(rows[i].word)));
}

TEST(retry_after_is_seconds_or_a_date_and_a_day_at_most)
{
    const int64_t now_us = INT64_C(784111777) * 1000000; /* Sun, 06 Nov 1994 08:49:37 GMT */
    static const struct {
        const char *value;
        uint64_t ms;
    } rows[] = {
        {"", 0},
        {"0", 0},
        {"7", 7000},
        {"86400", 86400000},
        {"99999999999", 86400000},
        {"-7", 0},
        {"soon", 0},
        {"Sun, 06 Nov 1994 08:49:38 GMT", 1000},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
        {"Sun, 06 Nov 1994 08:49:38 GMT and more", 0},
        {"Tue, 06 Nov 2294 08:49:37 GMT", 86400000},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_INT(rows[i].ms, job_outcome_retry_ms(slice_str(rows[i].value), now_us));
}

TESTS_BEGIN()
TESTS_RUN(an_answer_decides_what_becomes_of_the_job)
TESTS_RUN(retry_after_is_seconds_or_a_date_and_a_day_at_most)
TESTS_END()
