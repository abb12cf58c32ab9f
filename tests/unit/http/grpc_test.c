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

TESTS_BEGIN()
TESTS_RUN(only_the_whole_media_type_is_grpc)
TESTS_RUN(a_word_decides_before_the_http_status)
TESTS_RUN(http_statuses_have_the_meaning_that_grpc_clients_expect)
TESTS_RUN(messages_are_percent_encoded)
TESTS_END()
