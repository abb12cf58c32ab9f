#include "contracts/wire/rewrite_records.h"

#include "tests/kit/t.h"

static struct plan *plan_of(const char *text)
{
    struct diag diag;
    struct plan *plan;
    diag_init(&diag);
    CHECK_ERR(ERR_OK, plan_parse(slice_str(text), "plan", &diag, &plan));
    diag_fini(&diag);
    return plan;
}

static const char steps[] = "rename\t/\tqty -> quantity\ndefault\t/\tcurrency = \"EUR\"\n";

static enum err rewrite_in_pieces(struct rewrite *r, struct slice body, size_t piece, struct buf *out)
{
    for (size_t at = 0; at < body.len; at += piece) {
        struct slice p = slice_to(slice_from(body, at), piece);
        char *copy = test_malloc(p.len);
        memcpy(copy, p.at, p.len);
        enum err e = rewrite_feed(r, slice_of(copy, p.len), out);
        test_free(copy);
        if (e != ERR_OK)
            return e;
    }
    return rewrite_finish(r, out);
}

/* Whole and cut into pieces of every size up to 9; `fault` is NULL when `want` comes out. */
static void gives(enum rewrite_framing framing, const char *body, const char *want, const char *fault)
{
    struct plan *plan = plan_of(steps);
    struct slice in = slice_str(body);
    for (size_t piece = 1; piece < 10; piece++) {
        struct buf out;
        buf_init(&out, 1 << 16);
        struct rewrite *r = rewrite_records_new(plan, REWRITE_MAX_HOLD, framing);
        enum err e = rewrite_in_pieces(r, in, piece < 9 ? piece : in.len + 1, &out);
        CHECK_TEXT(fault ? fault : "", slice_str(rewrite_fault(r)));
        CHECK_ERR(fault ? ERR_PEER : ERR_OK, e);
        if (!fault)
            CHECK_TEXT(want, buf_slice(&out));
        rewrite_free(&r);
        buf_fini(&out);
    }
    plan_unref(&plan);
}

TEST(each_line_is_a_text_of_its_own)
{
    gives(
        REWRITE_LINES, "{\"qty\":1}\n{\"qty\":2,\"currency\":\"USD\"}\r\n\n  \n{}",
        "{\"quantity\":1,\"currency\":\"EUR\"}\n{\"quantity\":2,\"currency\":\"USD\"}\r\n\n  \n{\"currency\":\"EUR\"}",
        NULL);
    gives(REWRITE_LINES, "", "", NULL);
    gives(REWRITE_LINES, "\n", "\n", NULL);
    gives(REWRITE_LINES, "{\"qty\":1}\n{\"qty\":1,\"qty\":2}\n", NULL,
          "text 2: duplicate member \"qty\" at /qty (byte 9)");
    gives(REWRITE_LINES, "{\"qty\":1} {}\n", NULL, "text 1: more bytes after the value at / (byte 10)");
    gives(REWRITE_LINES, "{\"qty\":\n1}", NULL, "text 1: the text ends before its value does at /qty (byte 7)");
}

TEST(the_data_of_each_event_is_a_text_and_the_rest_stays)
{
    gives(
        REWRITE_EVENTS,
        ": hello\nid: 1\nevent: placed\ndata: {\"qty\":1}\n\ndata:{\"qty\":2}\nretry: 10\n\ndata\ndata:\ndatum: x\nd\n",
        ": hello\nid: 1\nevent: placed\ndata: {\"quantity\":1,\"currency\":\"EUR\"}\n\n"
        "data:{\"quantity\":2,\"currency\":\"EUR\"}\nretry: 10\n\ndata\ndata:\ndatum: x\nd\n",
        NULL);
    gives(REWRITE_EVENTS, "data: {\"qty\":1}", "data: {\"quantity\":1,\"currency\":\"EUR\"}", NULL);
    gives(REWRITE_EVENTS, "data: [DONE]\n", NULL, "text 1: the body is not an object at / (byte 0)");
}

TEST(steps_are_counted_over_all_texts)
{
    struct plan *plan = plan_of(steps);
    struct buf out;
    buf_init(&out, 1 << 16);
    struct rewrite *r = rewrite_records_new(plan, REWRITE_MAX_HOLD, REWRITE_LINES);
    CHECK_ERR(ERR_OK, rewrite_feed(r, SLICE("{\"qty\":1}\n{}\n{\"qty\":1}\n"), &out));
    CHECK_INT(2, rewrite_applied(r)[0]);
    CHECK_INT(3, rewrite_applied(r)[1]);
    /* What came is out, although the body goes on. */
    CHECK(slice_ends(buf_slice(&out), SLICE("{\"quantity\":1,\"currency\":\"EUR\"}\n")));
    rewrite_free(&r);
    buf_fini(&out);
    plan_unref(&plan);
}

TEST(the_offset_of_a_fault_is_that_in_the_body)
{
    struct plan *plan = plan_of(steps);
    struct buf out;
    buf_init(&out, 1 << 16);
    struct rewrite *r = rewrite_records_new(plan, REWRITE_MAX_HOLD, REWRITE_EVENTS);
    CHECK_ERR(ERR_PEER, rewrite_feed(r, SLICE("id: 7\ndata: {\"qty\":01}\n"), &out));
    CHECK_INT(20, rewrite_offset(r));
    rewrite_free(&r);
    buf_fini(&out);
    plan_unref(&plan);
}

TEST(media_types_tell_the_framing)
{
    static const struct {
        const char *media;
        bool known;
        enum rewrite_framing framing;
    } rows[] = {{"application/json", true, REWRITE_WHOLE},
                {"Application/Problem+JSON", true, REWRITE_WHOLE},
                {"application/x-ndjson", true, REWRITE_LINES},
                {"application/jsonl", true, REWRITE_LINES},
                {"text/event-stream", true, REWRITE_EVENTS},
                {"text/plain", false, REWRITE_WHOLE},
                {"+json", false, REWRITE_WHOLE},
                {"", false, REWRITE_WHOLE}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum rewrite_framing framing;
        CHECK_INT(rows[i].known, rewrite_records_framing(slice_str(rows[i].media), &framing));
        CHECK_INT(rows[i].framing, framing);
    }
}

TESTS_BEGIN()
TESTS_RUN(each_line_is_a_text_of_its_own)
TESTS_RUN(the_data_of_each_event_is_a_text_and_the_rest_stays)
TESTS_RUN(steps_are_counted_over_all_texts)
TESTS_RUN(the_offset_of_a_fault_is_that_in_the_body)
TESTS_RUN(media_types_tell_the_framing)
TESTS_END()
