#include "http/websocket.h"

#include "tests/kit/t.h"

static struct arena arena;
static struct message request, response;

static void begin(void)
{
    arena_init(&arena, 64 << 10);
    message_init(&request, &arena);
    message_init(&response, &arena);
    request.protocol = SLICE("websocket");
}

/* RFC 6455 section 1.3. */
TEST(the_answer_to_a_key_is_that_of_the_rfc)
{
    begin();
    CHECK_ERR(ERR_OK, headers_add(&request.headers, SLICE("sec-websocket-key"), SLICE("dGhlIHNhbXBsZSBub25jZQ==")));
    for (int i = 0; i < 2; i++) /* and what is there already stays */
        CHECK_ERR(ERR_OK, websocket_accept(&request, &response));
    CHECK_INT(1, response.headers.count);
    CHECK_TEXT("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", response.headers.v[0].value);
    arena_fini(&arena);
}

TEST(without_a_key_there_is_nothing_to_answer)
{
    begin();
    CHECK_ERR(ERR_OK, websocket_accept(&request, &response));
    CHECK_INT(0, response.headers.count);
    arena_fini(&arena);
}

TEST(a_key_is_made_once_and_no_two_are_the_same)
{
    begin();
    for (int i = 0; i < 2; i++)
        CHECK_ERR(ERR_OK, websocket_ask(&request));
    CHECK_ERR(ERR_OK, websocket_ask(&response));
    CHECK_INT(2, request.headers.count);
    CHECK_TEXT("13", headers_find(&request.headers, SLICE("sec-websocket-version"))->value);
    struct slice one = headers_find(&request.headers, SLICE("sec-websocket-key"))->value;
    struct slice other = headers_find(&response.headers, SLICE("sec-websocket-key"))->value;
    CHECK_INT(24, one.len);
    CHECK(!slice_eq(one, other));
    arena_fini(&arena);
}

TEST(only_its_own_name_makes_it_one)
{
    begin();
    CHECK(websocket_is(&request));
    request.protocol = SLICE("x-echo");
    CHECK(!websocket_is(&request));
    request.protocol = (struct slice){0};
    CHECK(!websocket_is(&request));
    arena_fini(&arena);
}

TESTS_BEGIN()
TESTS_RUN(the_answer_to_a_key_is_that_of_the_rfc)
TESTS_RUN(without_a_key_there_is_nothing_to_answer)
TESTS_RUN(a_key_is_made_once_and_no_two_are_the_same)
TESTS_RUN(only_its_own_name_makes_it_one)
TESTS_END()
