#include "http/grpc.h"

#include "tests/kit/t.h"

static bool is_grpc(const char *type)
{
    struct arena a = {0};
    struct message m;
    message_init(&m, &a);
    CHECK_ERR(ERR_OK, headers_add_token(&m.headers, HEADERS_CONTENT_TYPE, slice_str(type)));
    bool is = grpc_is(&m);
    arena_fini(&a);
    return is;
}

TEST(only_the_whole_media_type_is_grpc)
{
    CHECK(is_grpc("application/grpc"));
    CHECK(is_grpc("application/grpc+proto"));
    CHECK(is_grpc("Application/GRPC; charset=x"));
    CHECK(!is_grpc("application/grpc-web"));
    CHECK(!is_grpc("application/grp"));
    CHECK(!is_grpc(""));
}

TEST(a_word_decides_before_the_http_status)
{
    CHECK_INT(9, grpc_status_of(412, SLICE("contract-mismatch")));
    CHECK_INT(14, grpc_status_of(428, SLICE("contract-unknown")));
    CHECK_INT(7, grpc_status_of(500, SLICE("policy-denied")));
}

TEST(http_statuses_have_the_meaning_that_grpc_clients_expect)
{
    CHECK_INT(14, grpc_status_of(502, SLICE("")));
    CHECK_INT(14, grpc_status_of(503, SLICE("no-such-word")));
    CHECK_INT(4, grpc_status_of(504, SLICE("")));
    CHECK_INT(7, grpc_status_of(403, SLICE("")));
    CHECK_INT(8, grpc_status_of(429, SLICE("")));
    CHECK_INT(10, grpc_status_of(508, SLICE("")));
    CHECK_INT(16, grpc_status_of(401, SLICE("")));
    CHECK_INT(2, grpc_status_of(418, SLICE("")));
}

static void check_message(const char *want, const char *text)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    grpc_put_message(&out, slice_str(text));
    CHECK_TEXT(want, buf_slice(&out));
    buf_fini(&out);
}

TEST(messages_are_percent_encoded)
{
    check_message("100%25 done", "100% done");
    check_message("a%0D%0Ab", "a\r\nb");
    check_message("%C3%A9", "\xc3\xa9");
}

TEST(a_message_is_read_as_it_was_meant)
{
    static const char *const rows[][2] = {
        {"100%25 done", "100% done"}, {"a%0d%0Ab", "a\r\nb"}, {"%C3%A9", "\xc3\xa9"}, {"50%", "50%"}, {"%4", "%4"},
        {"%zz%41", "%zzA"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out;
        buf_init(&out, BUF_TEXT_BOUND);
        grpc_read_message(&out, slice_str(rows[i][0]));
        CHECK_TEXT(rows[i][1], buf_slice(&out));
        buf_fini(&out);
    }
}

TEST(a_function_that_has_ended_so_has_an_http_status_and_back)
{
    CHECK_INT(200, (long)grpc_http_status(GRPC_OK));
    CHECK_INT(404, (long)grpc_http_status(GRPC_NOT_FOUND));
    CHECK_INT(400, (long)grpc_http_status(GRPC_FAILED_PRECONDITION));
    CHECK_INT(500, (long)grpc_http_status(99));
    CHECK_TEXT("DATA_LOSS", slice_str(grpc_status_name(15)));
    CHECK_TEXT("UNKNOWN", slice_str(grpc_status_name(17)));
    static const unsigned both[] = {GRPC_INVALID_ARGUMENT,   GRPC_NOT_FOUND,         GRPC_PERMISSION_DENIED,
                                    GRPC_UNAUTHENTICATED,    GRPC_DEADLINE_EXCEEDED, GRPC_UNAVAILABLE,
                                    GRPC_RESOURCE_EXHAUSTED, GRPC_ABORTED,           GRPC_UNIMPLEMENTED,
                                    GRPC_INTERNAL,           GRPC_CANCELLED};
    for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++)
        CHECK_INT((long)both[i], (long)grpc_status_of_answer(grpc_http_status(both[i])));
    CHECK_INT(GRPC_OUT_OF_RANGE, (long)grpc_status_of_answer(416));
    CHECK_INT(GRPC_UNKNOWN, (long)grpc_status_of_answer(418));
}

TEST(a_timeout_is_a_number_and_a_unit)
{
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {{"1H", 3600000000},           {"2M", 120000000}, {"3S", 3000000}, {"4m", 4000}, {"5u", 5}, {"6000n", 6},
                {"99999999S", 99999999000000}};
    int64_t us = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_ERR(ERR_OK, grpc_timeout_us(slice_str(rows[i].text), &us));
        CHECK_INT(rows[i].us, us);
    }
    static const char *const bad[] = {"", "S", "1", "1s", "-1S", "123456789S", "1.5S", " 1S"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_ERR(ERR_INPUT, grpc_timeout_us(slice_str(bad[i]), &us));
}

TEST(a_timeout_is_never_printed_longer)
{
    struct buf out;
    static const int64_t times[] = {-1, 0, 1500000, 99999999, 100000000, 123456789012};
    static const char *const want[] = {"0u", "0u", "1500000u", "99999999u", "100000m"};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        buf_init(&out, BUF_TEXT_BOUND);
        grpc_put_timeout(&out, times[i]);
        if (i < 5)
            CHECK_TEXT(want[i], buf_slice(&out));
        int64_t us = 0;
        CHECK_ERR(ERR_OK, grpc_timeout_us(buf_slice(&out), &us));
        CHECK(us <= (times[i] > 0 ? times[i] : 0));
        buf_fini(&out);
    }
}

TESTS_BEGIN()
TESTS_RUN(only_the_whole_media_type_is_grpc)
TESTS_RUN(a_word_decides_before_the_http_status)
TESTS_RUN(http_statuses_have_the_meaning_that_grpc_clients_expect)
TESTS_RUN(messages_are_percent_encoded)
TESTS_RUN(a_message_is_read_as_it_was_meant)
TESTS_RUN(a_function_that_has_ended_so_has_an_http_status_and_back)
TESTS_RUN(a_timeout_is_a_number_and_a_unit)
TESTS_RUN(a_timeout_is_never_printed_longer)
TESTS_END()
