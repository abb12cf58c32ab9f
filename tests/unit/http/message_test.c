#include "http/message.h"

#include "tests/kit/t.h"

TEST(a_new_message_has_no_length_and_no_fields)
{
    struct arena a = {0};
    struct message m;
    message_init(&m, &a);
    CHECK_INT(-1, m.length);
    CHECK_INT(0, m.headers.count + m.trailers.count);
    CHECK_INT(0, message_path_only(&m).len);
    arena_fini(&a);
}

TEST(the_path_ends_at_the_first_question_mark)
{
    struct message m = {.path = SLICE("/a/b?c?d")};
    CHECK_TEXT("/a/b", message_path_only(&m));
    m.path = SLICE("*");
    CHECK_TEXT("*", message_path_only(&m));
}

TEST(statuses_have_their_registered_phrases)
{
    CHECK_TEXT("OK", slice_str(message_reason(200)));
    CHECK_TEXT("Not Found", slice_str(message_reason(404)));
    CHECK_TEXT("Request Header Fields Too Large", slice_str(message_reason(431)));
    CHECK_TEXT("Unknown", slice_str(message_reason(299)));
}

TEST(some_answers_have_no_body_whatever_they_say)
{
    CHECK(message_bodiless(SLICE("HEAD"), 200));
    CHECK(message_bodiless(SLICE("GET"), 204));
    CHECK(message_bodiless(SLICE("GET"), 304));
    CHECK(message_bodiless(SLICE("GET"), 103));
    CHECK(!message_bodiless(SLICE("GET"), 200));
    CHECK(!message_bodiless(SLICE("head"), 200));
}

TESTS_BEGIN()
TESTS_RUN(a_new_message_has_no_length_and_no_fields)
TESTS_RUN(the_path_ends_at_the_first_question_mark)
TESTS_RUN(statuses_have_their_registered_phrases)
TESTS_RUN(some_answers_have_no_body_whatever_they_say)
TESTS_END()
