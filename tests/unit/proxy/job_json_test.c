#include "proxy/job_json.h"

#include "tests/kit/t.h"

static Weft__Bus__V1__Job some_job(void)
{
    Weft__Bus__V1__Job job = WEFT__BUS__V1__JOB__INIT;
    job.job = (char *)(uintptr_t) "J1";
    job.service = (char *)(uintptr_t) "trainer";
    job.state = WEFT__BUS__V1__STATE__LEASED;
    job.attempt = 2;
    job.attempts = 5;
    job.priority = 5;
    job.submitted_ms = UINT64_C(1700000000123);
    return job;
}

static void check(const Weft__Bus__V1__Job *job, const char *want)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    job_json_put(&text, job);
    CHECK_TEXT(want, buf_slice(&text));
    buf_fini(&text);
}

#define LINKS \
    "\"links\":{\"self\":\"/v1/jobs/J1\",\"result\":\"/v1/jobs/J1/result\",\"events\":\"/v1/jobs/J1/events\"}}\n"

TEST(what_is_not_there_yet_is_left_out)
{
    Weft__Bus__V1__Job job = some_job();
    check(&job,
          "{\"job\":\"J1\",\"service\":\"trainer\",\"state\":\"leased\",\"attempt\":2,\"attempts\":5,\"crashes\":0,"
          "\"releases\":0,\"priority\":5,\"submitted_at\":\"2023-11-14T22:13:20.123Z\"," LINKS);
}

TEST(progress_that_is_json_stays_json_and_other_progress_is_text)
{
    static const struct {
        const char *type, *data, *want;
    } rows[] = {
        {"application/json", "{\"epoch\": 3}", "{\"epoch\": 3}"},
        {"application/json; charset=utf-8", "3", "3"},
        {"application/json", "{epoch", "\"{epoch\""},
        {"text/plain", "half \"way\"", "\"half \\\"way\\\"\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        Weft__Bus__V1__Job job = some_job();
        job.progress_type = (char *)(uintptr_t)rows[i].type;
        job.progress = (ProtobufCBinaryData){.len = strlen(rows[i].data), .data = (uint8_t *)(uintptr_t)rows[i].data};
        struct buf want;
        buf_init(&want, BUF_TEXT_BOUND);
        buf_putf(&want,
                 "{\"job\":\"J1\",\"service\":\"trainer\",\"state\":\"leased\",\"attempt\":2,\"attempts\":5,"
                 "\"crashes\":0,\"releases\":0,\"priority\":5,\"submitted_at\":\"2023-11-14T22:13:20.123Z\","
                 "\"progress\":%s," LINKS,
                 rows[i].want);
        check(&job, buf_text(&want));
        buf_fini(&want);
    }
}

TEST(states_have_the_names_that_queries_take)
{
    Weft__Bus__V1__State state;
    CHECK(job_json_parse_state(SLICE("dead"), &state));
    CHECK_INT(WEFT__BUS__V1__STATE__DEAD, state);
    CHECK_TEXT("cancelled", slice_str(job_json_state(WEFT__BUS__V1__STATE__CANCELLED)));
    CHECK_TEXT("unknown", slice_str(job_json_state((Weft__Bus__V1__State)9)));
    CHECK(!job_json_parse_state(SLICE("Dead"), &state));
}

TEST(a_list_ends_with_where_to_go_on)
{
    Weft__Bus__V1__Jobs jobs = WEFT__BUS__V1__JOBS__INIT;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    jobs.cursor = (char *)(uintptr_t) "c1";
    job_json_put_list(&text, &jobs);
    CHECK_TEXT("{\"jobs\":[],\"cursor\":\"c1\"}\n", buf_slice(&text));
    buf_fini(&text);
}

TEST(a_list_does_not_grow_with_what_functions_say)
{
    char reason[1000];
    memset(reason, 'r', sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = 0;
    Weft__Bus__V1__Job job = WEFT__BUS__V1__JOB__INIT, *items[] = {&job};
    job.job = (char *)(uintptr_t) "j1";
    job.reason = reason;
    job.progress_type = (char *)(uintptr_t) "text/plain";
    job.progress = (ProtobufCBinaryData){.len = 4, .data = (uint8_t *)(uintptr_t) "half"};
    Weft__Bus__V1__Jobs jobs = WEFT__BUS__V1__JOBS__INIT;
    jobs.n_jobs = 1;
    jobs.jobs = items;
    struct buf out;
    buf_init(&out, 4096);
    job_json_put_list(&out, &jobs);
    CHECK(slice_has(buf_slice(&out), slice_of(reason, 200)));
    CHECK(!slice_has(buf_slice(&out), slice_of(reason, 201)));
    CHECK(!slice_has(buf_slice(&out), SLICE("half")));
    buf_fini(&out);
}

TESTS_BEGIN()
TESTS_RUN(what_is_not_there_yet_is_left_out)
TESTS_RUN(progress_that_is_json_stays_json_and_other_progress_is_text)
TESTS_RUN(states_have_the_names_that_queries_take)
TESTS_RUN(a_list_ends_with_where_to_go_on)
TESTS_RUN(a_list_does_not_grow_with_what_functions_say)
TESTS_END()
