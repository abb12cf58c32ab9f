#include "proxy/reply.h"

#include <stdio.h>

#include "tests/kit/caller.h"
#include "tests/kit/t.h"

static struct loop *loop;
static struct caller caller;

static void begin(const char *type)
{
    loop = loop_new();
    caller_init(&caller, loop, "POST", "/orders");
    if (type)
        caller_field(&caller, "content-type", type);
    caller.t->owner = &reply_owner;
}

static void end(void)
{
    for (int i = 0; i < 3; i++)
        loop_turn(loop, false);
    CHECK_INT(TRANSIT_DONE, caller.how);
    caller_fini(&caller);
    loop_free(&loop);
}

static bool body_has(const char *part)
{
    return slice_has(buf_slice(&caller.body), slice_str(part));
}

static void hears(const char *format, const char *value)
{
    char line[256];
    (void)snprintf(line, sizeof(line), format, value);
    if (!caller_heard(&caller, line))
        CHECK_TEXT(line, buf_slice(&caller.fields));
}

TEST(every_word_has_its_status_its_header_and_its_problem)
{
    for (unsigned w = 0; w < REPLY_COUNT; w++) {
        char text[256];
        begin(NULL);
        reply_refuse(caller.t, (enum reply_word)w, (struct slice){0}, SLICE("id-1"));
        caller_head(&caller, true);
        CHECK_INT(reply_status((enum reply_word)w), caller.status);
        hears("weft-error: %s", reply_word((enum reply_word)w));
        hears("weft-request-id: %s", "id-1");
        hears("content-type: %s", "application/problem+json");
        CHECK_INT(caller.status == 503 || caller.status == 429, caller_heard(&caller, "retry-after: 1"));
        (void)snprintf(text, sizeof(text), "{\"type\":\"urn:weft:error:%s\",", reply_word((enum reply_word)w));
        CHECK(slice_starts(buf_slice(&caller.body), slice_str(text)));
        (void)snprintf(text, sizeof(text), "\"status\":%u", caller.status);
        CHECK(body_has(text));
        CHECK(!body_has("\"detail\""));
        end();
    }
}

TEST(words_are_found_by_their_text_and_no_two_are_alike)
{
    for (unsigned w = 0; w < REPLY_COUNT; w++) {
        CHECK_INT(w, reply_find(slice_str(reply_word((enum reply_word)w))));
        CHECK(reply_status((enum reply_word)w) >= 400 && reply_status((enum reply_word)w) < 600);
        CHECK(*reply_what((enum reply_word)w) && *reply_fix((enum reply_word)w));
    }
    CHECK_INT(REPLY_COUNT, reply_find(SLICE("no-such-word")));
    CHECK_INT(REPLY_COUNT, reply_find(SLICE("")));
}

TEST(a_problem_says_what_where_and_how_to_mend_it)
{
    begin(NULL);
    reply_refuse(caller.t, REPLY_NO_ROUTE, SLICE("Nothing is configured for \"x\"."), (struct slice){0});
    caller_head(&caller, true);
    CHECK_TEXT("{\"type\":\"urn:weft:error:no-route\",\"title\":\"No service of that name is configured here.\","
               "\"status\":404,\"detail\":\"Nothing is configured for \\\"x\\\".\","
               "\"fix\":\"Add it under `services:`, or call it by one of the names there.\"}\n",
               buf_slice(&caller.body));
    CHECK(!slice_has(buf_slice(&caller.fields), SLICE("weft-request-id")));
    end();
}

TEST(a_ready_made_problem_is_sent_as_it_is)
{
    begin(NULL);
    reply_problem(caller.t, REPLY_CONTRACT_MISMATCH, SLICE("{\"rule\":\"member-removed\"}"), SLICE("id-2"));
    caller_head(&caller, true);
    CHECK_INT(412, caller.status);
    CHECK_TEXT("{\"rule\":\"member-removed\"}", buf_slice(&caller.body));
    hears("weft-request-id: %s", "id-2");
    hears("weft-error: %s", "contract-mismatch");
    end();
}

TEST(a_word_of_the_broker_need_not_be_one_of_ours)
{
    begin(NULL);
    reply_word_text(caller.t, 429, SLICE("queue-full"), SLICE("1000 jobs wait."));
    caller_head(&caller, true);
    CHECK_INT(429, caller.status);
    CHECK_TEXT("{\"type\":\"urn:weft:error:queue-full\",\"title\":\"queue-full\",\"status\":429,"
               "\"detail\":\"1000 jobs wait.\"}\n",
               buf_slice(&caller.body));
    end();
}

TEST(a_grpc_caller_gets_trailers_only_with_the_mapped_status)
{
    begin("application/grpc+proto");
    reply_refuse(caller.t, REPLY_POLICY_DENIED, SLICE("50% of \xc3\xa9"), SLICE("id-3"));
    CHECK(caller.t->out_ended);
    caller_head(&caller, true);
    CHECK_INT(200, caller.status);
    CHECK_INT(0, buf_len(&caller.body));
    hears("content-type: %s", "application/grpc");
    hears("grpc-status: %s", "7");
    hears("grpc-message: %s", "50%25 of %C3%A9");
    hears("weft-error: %s", "policy-denied");
    hears("weft-request-id: %s", "id-3");
    end();
}

TEST(a_grpc_caller_without_a_detail_reads_the_table)
{
    begin("application/grpc");
    reply_refuse(caller.t, REPLY_CONTRACT_UNKNOWN, (struct slice){0}, (struct slice){0});
    caller_head(&caller, true);
    hears("grpc-status: %s", "14");
    hears("grpc-message: %s", "The caller's contract has not been shown here.");
    end();
}

TEST(a_grpc_mismatch_is_a_failed_precondition_in_one_sentence)
{
    begin("application/grpc");
    reply_problem(caller.t, REPLY_CONTRACT_MISMATCH,
                  SLICE("{\"title\":\"t\",\"detail\":\"Order.qty is gone.\",\"proof\":\"long\"}"), (struct slice){0});
    caller_head(&caller, true);
    hears("grpc-status: %s", "9");
    CHECK(slice_has(buf_slice(&caller.fields), SLICE("Order.qty is gone.")));
    end();
}

TEST(the_answer_to_head_has_no_body)
{
    begin(NULL);
    caller.t->in.method = SLICE("HEAD");
    reply_refuse(caller.t, REPLY_DRAINING, (struct slice){0}, (struct slice){0});
    caller_head(&caller, true);
    CHECK_INT(503, caller.status);
    CHECK_INT(0, buf_len(&caller.body));
    end();
}

TEST(what_still_comes_of_a_refused_body_is_dropped_and_its_room_given_back)
{
    begin(NULL);
    reply_refuse(caller.t, REPLY_NO_ROUTE, (struct slice){0}, (struct slice){0});
    caller_head(&caller, false);
    for (int i = 0; i < 4; i++)
        caller_say(&caller, SLICE("0123456789"));
    CHECK_INT(40, caller.credited);
    caller_end(&caller);
    end();
}

TEST(the_table_for_people_has_a_row_for_every_word)
{
    struct buf doc;
    buf_init(&doc, BUF_TEXT_BOUND);
    reply_doc(&doc);
    struct slice rest = buf_slice(&doc), line;
    unsigned lines = 0;
    while (slice_split(&rest, '\n', &line)) {
        if (lines >= 2) {
            char row[64];
            (void)snprintf(row, sizeof(row), "| `%s` | %u | ", reply_word((enum reply_word)(lines - 2)),
                           reply_status((enum reply_word)(lines - 2)));
            CHECK(slice_starts(line, slice_str(row)));
        }
        lines++;
    }
    CHECK_INT(REPLY_COUNT + 2, lines);
    buf_fini(&doc);
}

TESTS_BEGIN()
TESTS_RUN(every_word_has_its_status_its_header_and_its_problem)
TESTS_RUN(words_are_found_by_their_text_and_no_two_are_alike)
TESTS_RUN(a_problem_says_what_where_and_how_to_mend_it)
TESTS_RUN(a_ready_made_problem_is_sent_as_it_is)
TESTS_RUN(a_word_of_the_broker_need_not_be_one_of_ours)
TESTS_RUN(a_grpc_caller_gets_trailers_only_with_the_mapped_status)
TESTS_RUN(a_grpc_caller_without_a_detail_reads_the_table)
TESTS_RUN(a_grpc_mismatch_is_a_failed_precondition_in_one_sentence)
TESTS_RUN(the_answer_to_head_has_no_body)
TESTS_RUN(what_still_comes_of_a_refused_body_is_dropped_and_its_room_given_back)
TESTS_RUN(the_table_for_people_has_a_row_for_every_word)
TESTS_END()
