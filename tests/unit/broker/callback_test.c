#include "broker/callback.h"

#include <stdio.h>

#include "tests/kit/t.h"

#define ID "01ARYZ6S41ZZZZZZZZZZZZZZZZ"

static const char *const allowed[] = {"https://hooks.example.org/weft", "http://127.0.0.1:9000/"};
static const struct callback_rules rules = {
    .allow = allowed,
    .allow_count = 2,
    .secret = {"0123456789abcdef01234567", 24},
    .tries = 12,
    .source = "spiffe://example.org/broker",
};

static const char *verdict_on(const char *url)
{
    struct web_url out;
    const char *why = NULL;
    return callback_allowed(&rules, slice_str(url), &out, &why) == ERR_OK ? NULL : why;
}

TEST(only_what_the_operator_has_listed_is_called)
{
    CHECK(!verdict_on("https://hooks.example.org/weft/a"));
    CHECK(!verdict_on("http://127.0.0.1:9000/x"));
    CHECK(verdict_on("https://hooks.example.org/other") != NULL);
    CHECK(verdict_on("http://169.254.169.254/latest") != NULL);
    CHECK(verdict_on("hooks") != NULL);
    struct callback_rules none = {0};
    struct web_url out;
    const char *why;
    CHECK_ERR(ERR_DENIED, callback_allowed(&none, SLICE("https://a/"), &out, &why));
    CHECK_TEXT("callback: the broker allows none (callbacks.allow)", slice_str(why));
}

TEST(a_name_must_not_lead_inside_but_an_address_that_is_written_may)
{
    struct web_url name, address;
    CHECK_ERR(ERR_OK, web_url_read(SLICE("https://hooks.example.org/"), &name));
    CHECK_ERR(ERR_OK, web_url_read(SLICE("http://10.0.0.1/"), &address));
    CHECK(!callback_private_ok(&rules, &name));
    CHECK(callback_private_ok(&rules, &address));
    struct callback_rules open = rules;
    open.private_too = true;
    CHECK(callback_private_ok(&open, &name));
}

static const char *field(struct buf *fields, const char *name)
{
    static char value[256];
    struct slice rest = buf_slice(fields), line;
    while (slice_split(&rest, '\n', &line)) {
        size_t len = strlen(name);
        if (slice_starts(line, slice_str(name)) && line.len > len && line.at[len] == ':') {
            snprintf(value, sizeof(value), "%.*s", SLICE_FMT(slice_from(slice_to(line, line.len - 1), len + 2)));
            return value;
        }
    }
    return "";
}

static struct record_job ended(enum job_state state)
{
    return (struct record_job){.id = SLICE(ID),
                               .service = SLICE("trainer"),
                               .state = state,
                               .attempt = 2,
                               .status = 200,
                               .submitted_ms = 1700000000000,
                               .started_ms = 1700000001000,
                               .ended_ms = 1700000002500};
}

/* The signature was computed apart, with Python's hmac over "ID/7.1700000003.BODY". */
TEST(an_event_is_a_cloudevent_that_is_signed)
{
    struct buf fields, body;
    buf_init(&fields, BUF_TEXT_BOUND);
    buf_init(&body, BUF_TEXT_BOUND);
    struct record_job job = ended(JOB_DONE);
    struct record_request request = {0};
    struct callback_news news = {.job = &job, .request = &request, .event = 7, .now_ms = 1700000003999};
    callback_compose(&rules, &news, &fields, &body);
    CHECK_TEXT("1.0", slice_str(field(&fields, "ce-specversion")));
    CHECK_TEXT(ID "/7", slice_str(field(&fields, "ce-id")));
    CHECK_TEXT("spiffe://example.org/broker", slice_str(field(&fields, "ce-source")));
    CHECK_TEXT("dev.weft.job.done", slice_str(field(&fields, "ce-type")));
    CHECK_TEXT("2023-11-14T22:13:22.500Z", slice_str(field(&fields, "ce-time")));
    CHECK_TEXT(ID, slice_str(field(&fields, "ce-subject")));
    CHECK_TEXT("application/json", slice_str(field(&fields, "content-type")));
    CHECK_TEXT(ID "/7", slice_str(field(&fields, "webhook-id")));
    CHECK_TEXT("1700000003", slice_str(field(&fields, "webhook-timestamp")));
    CHECK_TEXT("v1,24306bsZ4bRsIQUtfAHU0iJmNP53em7pa2KgEAfGb/U=", slice_str(field(&fields, "webhook-signature")));
    CHECK_TEXT("{\"job\":\"" ID "\",\"state\":\"done\",\"service\":\"trainer\",\"attempt\":2,\"status\":200,"
               "\"submitted_at\":\"2023-11-14T22:13:20.000Z\",\"started_at\":\"2023-11-14T22:13:21.000Z\","
               "\"ended_at\":\"2023-11-14T22:13:22.500Z\",\"result\":\"/v1/jobs/" ID "/result\"}",
               buf_slice(&body));
    buf_fini(&fields);
    buf_fini(&body);
}

TEST(an_openfaas_callback_is_the_answer_itself)
{
    struct buf fields, body;
    buf_init(&fields, BUF_TEXT_BOUND);
    buf_init(&body, BUF_TEXT_BOUND);
    struct record_job job = ended(JOB_DONE);
    const struct record_header call = {SLICE("x-call-id"), SLICE("c-1\r\nevil: 1")};
    struct record_request request = {.headers = &call, .header_count = 1, .callback_style = CALLBACK_OPENFAAS};
    const struct record_header type = {SLICE("content-type"), SLICE("text/plain")};
    struct record_result result = {.status = 201, .headers = &type, .header_count = 1, .body = SLICE("model")};
    struct callback_news news = {.job = &job, .request = &request, .result = &result, .event = 3, .tries = 4};
    callback_compose(&rules, &news, &fields, &body);
    CHECK_TEXT("c-1  evil: 1", slice_str(field(&fields, "x-call-id")));
    CHECK_TEXT("201", slice_str(field(&fields, "x-function-status")));
    CHECK_TEXT("trainer", slice_str(field(&fields, "x-function-name")));
    CHECK_TEXT("1.500", slice_str(field(&fields, "x-duration-seconds")));
    CHECK_TEXT("1700000000000000000", slice_str(field(&fields, "x-start-time")));
    CHECK_TEXT("4", slice_str(field(&fields, "x-retry")));
    CHECK_TEXT("11", slice_str(field(&fields, "x-retry-max")));
    CHECK_TEXT("text/plain", slice_str(field(&fields, "content-type")));
    CHECK_TEXT("", slice_str(field(&fields, "evil")));
    CHECK_TEXT("model", buf_slice(&body));
    buf_fini(&fields);
    buf_fini(&body);
}

TEST(answers_mean_told_again_or_never)
{
    static const unsigned again[] = {0, 408, 425, 429, 500, 503, 599}, never[] = {301, 400, 404, 410};
    CHECK_INT(CALLBACK_TOLD, callback_judge(200));
    CHECK_INT(CALLBACK_TOLD, callback_judge(204));
    for (size_t i = 0; i < sizeof(again) / sizeof(again[0]); i++)
        CHECK_INT(CALLBACK_AGAIN, callback_judge(again[i]));
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        CHECK_INT(CALLBACK_NEVER, callback_judge(never[i]));
}

TEST(tries_come_later_and_later_up_to_an_hour)
{
    CHECK_INT(3750, callback_delay_ms(1, 0));
    CHECK_INT(6250, callback_delay_ms(1, 2500));
    CHECK_INT(7500, callback_delay_ms(2, 0));
    CHECK_INT(2700000, callback_delay_ms(11, 0));
    CHECK_INT(4500000, callback_delay_ms(99, 1800000));
}

TEST(a_secret_is_spelled_as_standard_webhooks_do)
{
    char secret[CALLBACK_SECRET_MOST];
    size_t len;
    CHECK_ERR(ERR_OK, callback_secret(SLICE(" whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3\n"), secret, &len));
    CHECK_TEXT("0123456789abcdef01234567", slice_of(secret, len));
    CHECK_ERR(ERR_OK, callback_secret(SLICE("whsec_/+/+MzQ1Njc4OWFiY2RlZjAxMjM0NTY3OA=="), secret, &len));
    CHECK_INT(25, len);
    CHECK_ERR(ERR_INPUT, callback_secret(SLICE("whsec_c2hvcnQ="), secret, &len));
    CHECK_ERR(ERR_INPUT, callback_secret(SLICE("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"), secret, &len));
    CHECK_ERR(ERR_INPUT, callback_secret(SLICE("whsec_!!!!"), secret, &len));
}

TESTS_BEGIN()
TESTS_RUN(only_what_the_operator_has_listed_is_called)
TESTS_RUN(a_name_must_not_lead_inside_but_an_address_that_is_written_may)
TESTS_RUN(an_event_is_a_cloudevent_that_is_signed)
TESTS_RUN(an_openfaas_callback_is_the_answer_itself)
TESTS_RUN(answers_mean_told_again_or_never)
TESTS_RUN(tries_come_later_and_later_up_to_an_hour)
TESTS_RUN(a_secret_is_spelled_as_standard_webhooks_do)
TESTS_END()
