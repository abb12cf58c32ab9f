#include "broker/fan_in.h"

#include "tests/kit/t.h"

static bool is_large;

static void check_entry(const char *want, const struct record_job *job, const struct record_result *result)
{
    struct buf text;
    struct json_out j;
    buf_init(&text, BUF_TEXT_BOUND);
    json_out_init(&j, &text, 0);
    fan_in_put(&j, &(struct fan_in_part){SLICE("J"), job, result, is_large});
    CHECK_TEXT(want, buf_slice(&text));
    buf_fini(&text);
}

static const struct record_job done = {.state = JOB_DONE};

static void check_body(const char *want, const char *type, struct slice body)
{
    const struct record_header field = {SLICE("content-type"), slice_str(type)};
    struct record_result result = {.status = 200, .headers = &field, .header_count = *type ? 1 : 0, .body = body};
    check_entry(want, &done, &result);
}

TEST(json_stays_json_when_it_is)
{
    check_body("{\"job\":\"J\",\"state\":\"done\",\"status\":200,\"type\":\"application/json\",\"body\":{\"a\":1}}",
               "application/json", SLICE("{\"a\":1}"));
    check_body(
        "{\"job\":\"J\",\"state\":\"done\",\"status\":200,\"type\":\"application/json; charset=utf-8\",\"body\":1}",
        "application/json; charset=utf-8", SLICE("1"));
    check_body(
        "{\"job\":\"J\",\"state\":\"done\",\"status\":200,\"type\":\"application/json\",\"text\":\"{\\\"a\\\":\"}",
        "application/json", SLICE("{\"a\":"));
}

TEST(other_bodies_are_text_or_base64)
{
    check_body("{\"job\":\"J\",\"state\":\"done\",\"status\":200,\"text\":\"model\"}", "", SLICE("model"));
    check_body("{\"job\":\"J\",\"state\":\"done\",\"status\":200,\"type\":\"image/png\",\"base64\":\"iVA=\"}",
               "image/png", SLICE("\x89P"));
}

TEST(who_did_not_end_well_says_why)
{
    struct record_job dead = {.state = JOB_DEAD, .reason = SLICE("no luck")};
    check_entry("{\"job\":\"J\",\"state\":\"dead\",\"reason\":\"no luck\"}", &dead, NULL);
    check_entry("{\"job\":\"J\",\"state\":\"gone\"}", NULL, NULL);
}

TEST(what_is_too_large_says_where_it_is)
{
    struct record_result blob = {.status = 200, .blob = {SLICE("0123456789abcdef0123456789abcdef"), UINT64_C(5) << 30}};
    check_entry(
        "{\"job\":\"J\",\"state\":\"done\",\"status\":200,\"size\":5368709120,\"result\":\"/v1/jobs/J/result\"}", &done,
        &blob);
    is_large = true;
    check_body("{\"job\":\"J\",\"state\":\"done\",\"status\":200,\"size\":5,\"result\":\"/v1/jobs/J/result\"}", "",
               SLICE("model"));
    is_large = false;
}

TESTS_BEGIN()
TESTS_RUN(json_stays_json_when_it_is)
TESTS_RUN(other_bodies_are_text_or_base64)
TESTS_RUN(who_did_not_end_well_says_why)
TESTS_RUN(what_is_too_large_says_where_it_is)
TESTS_END()
