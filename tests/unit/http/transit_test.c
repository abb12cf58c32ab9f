/* What a transit promises to both parties, with a carrier that only counts. */
#include "http/transit.h"

#include "tests/kit/recorder.h"
#include "tests/kit/t.h"

static struct {
    unsigned heads, infos, wakes, resets;
    size_t credited;
    enum err head_answer;
} said;

static enum err on_head(struct transit *t, bool end)
{
    (void)t;
    (void)end;
    said.heads++;
    return said.head_answer;
}

static enum err on_info(struct transit *t, unsigned status, const struct headers *fields)
{
    (void)t;
    (void)status;
    (void)fields;
    said.infos++;
    return ERR_OK;
}

static void on_wake(struct transit *t)
{
    (void)t;
    said.wakes++;
}

static void on_credit(struct transit *t, size_t n)
{
    (void)t;
    said.credited += n;
}

static void on_reset(struct transit *t, enum transit_why why)
{
    (void)t;
    (void)why;
    said.resets++;
}

static const struct transit_carrier carrier = {
    .head = on_head, .info = on_info, .wake = on_wake, .credit = on_credit, .reset = on_reset};

static struct transit_stock *stock;
static struct recorder r;

static struct transit *begin(void)
{
    memset(&said, 0, sizeof(said));
    stock = transit_stock_new();
    recorder_init(&r);
    r.credit = false;
    recorder_own(&r, transit_stock_take(stock, &carrier, NULL));
    return r.t;
}

static void end(void)
{
    if (r.t)
        transit_gone(r.t, TRANSIT_DONE);
    recorder_fini(&r);
    transit_stock_free(&stock);
}

TEST(writes_past_twice_the_window_take_nothing)
{
    static const char block[TRANSIT_WINDOW];
    struct transit *t = begin();
    CHECK_ERR(ERR_OK, transit_head(t, false));
    CHECK_ERR(ERR_OK, transit_write(t, slice_of(block, sizeof(block))));
    CHECK_ERR(ERR_OK, transit_write(t, slice_of(block, sizeof(block))));
    CHECK_ERR(ERR_FULL, transit_write(t, SLICE("x")));
    CHECK_INT(2 * TRANSIT_WINDOW, buf_len(&t->body));
    CHECK_INT(2, said.wakes);
    end();
}

TEST(sent_is_told_once_when_it_drains_below_the_low_water)
{
    static const char block[TRANSIT_LOW_WATER + 10];
    struct transit *t = begin();
    CHECK_ERR(ERR_OK, transit_head(t, false));
    CHECK_ERR(ERR_OK, transit_write(t, slice_of(block, sizeof(block))));
    transit_took(t, 10);
    CHECK_INT(0, r.sents);
    transit_took(t, 1);
    CHECK_INT(1, r.sents);
    transit_took(t, 1000);
    CHECK_INT(1, r.sents);
    CHECK_INT(1011, t->bytes_out);
    end();
}

TEST(a_head_that_was_refused_may_be_said_again)
{
    struct transit *t = begin();
    said.head_answer = ERR_FULL;
    CHECK_ERR(ERR_FULL, transit_head(t, true));
    CHECK(!t->out_head && !t->out_ended);
    said.head_answer = ERR_OK;
    CHECK_ERR(ERR_OK, transit_head(t, true));
    CHECK(t->out_head && t->out_ended);
    end();
}

TEST(credit_is_owed_byte_by_byte)
{
    struct transit *t = begin();
    transit_tell_head(t, false);
    transit_tell_data(t, SLICE("12345"));
    CHECK_INT(5, t->owed);
    transit_credit(t, 2);
    transit_credit(t, 0);
    CHECK_INT(3, t->owed);
    CHECK_INT(2, said.credited);
    end();
}

TEST(after_a_reset_nobody_hears_anything_but_gone)
{
    struct transit *t = begin();
    transit_tell_head(t, false);
    transit_reset(t, TRANSIT_WHY_CANCEL);
    transit_reset(t, TRANSIT_WHY_CANCEL);
    CHECK_INT(1, said.resets);
    transit_tell_data(t, SLICE("x"));
    transit_tell_end(t);
    CHECK_INT(0, r.data_bytes + r.ends);
    CHECK_ERR(ERR_CLOSED, transit_head(t, true));
    CHECK_ERR(ERR_CLOSED, transit_write(t, SLICE("x")));
    transit_finish(t);
    CHECK_INT(0, said.heads + said.wakes);
    transit_gone(t, TRANSIT_CANCELLED);
    CHECK_INT(TRANSIT_CANCELLED, r.how);
    end();
}

TEST(an_answer_declares_its_length_and_ends)
{
    struct transit *t = begin();
    t->in.method = SLICE("GET");
    CHECK_ERR(ERR_OK, transit_answer(t, 404, SLICE("text/plain"), SLICE("none")));
    CHECK_TEXT("4", headers_value(&t->out.headers, HEADERS_CONTENT_LENGTH));
    CHECK_TEXT("none", buf_slice(&t->body));
    CHECK(t->out_ended);
    end();
}

TEST(an_answer_to_head_has_the_length_and_not_the_body)
{
    struct transit *t = begin();
    t->in.method = SLICE("HEAD");
    CHECK_ERR(ERR_OK, transit_answer(t, 200, SLICE("text/plain"), SLICE("body")));
    CHECK_TEXT("4", headers_value(&t->out.headers, HEADERS_CONTENT_LENGTH));
    CHECK_INT(0, buf_len(&t->body));
    CHECK(t->out_ended);
    end();
}

TEST(a_transit_may_outlive_its_stock)
{
    struct transit *t = begin();
    struct transit_stock *gone = stock;
    stock = NULL;
    transit_stock_free(&gone);
    CHECK_ERR(ERR_OK, transit_head(t, false));
    end();
}

TEST(spare_memory_serves_the_next_one_when_it_is_small)
{
    static const char block[64 << 10];
    struct transit *t = begin();
    CHECK_ERR(ERR_OK, buf_add(&t->spare, slice_of(block, 1000)));
    char *mem = t->spare.mem;
    transit_gone(t, TRANSIT_DONE);
    t = transit_stock_take(stock, &carrier, NULL);
    CHECK(t->spare.mem == mem);
    CHECK_INT(0, buf_len(&t->spare));
    CHECK_ERR(ERR_OK, buf_add(&t->spare, slice_of(block, sizeof(block))));
    recorder_own(&r, t);
    r.gones = 0;
    transit_gone(t, TRANSIT_DONE);
    t = transit_stock_take(stock, &carrier, NULL);
    CHECK(t->spare.mem == NULL);
    recorder_own(&r, t);
    r.gones = 0;
    end();
}

TEST(a_transit_used_again_is_like_new)
{
    struct transit *t = begin();
    CHECK_ERR(ERR_OK, transit_head(t, false));
    CHECK_ERR(ERR_OK, transit_write(t, SLICE("old")));
    CHECK_ERR(ERR_OK, headers_add_copy(&t->in.headers, SLICE("x"), SLICE("y")));
    transit_tell_head(t, false);
    transit_tell_data(t, SLICE("z"));
    transit_gone(t, TRANSIT_DONE);
    struct transit *again = transit_stock_take(stock, &carrier, NULL);
    CHECK(again == t);
    CHECK_INT(0, buf_len(&again->body) + again->owed + again->in.headers.count + again->arena.used);
    CHECK(!again->out_head && !again->in_head && !again->is_gone);
    CHECK_INT(-1, again->in.length);
    r = (struct recorder){.body = r.body};
    recorder_own(&r, again);
    end();
}

TESTS_BEGIN()
TESTS_RUN(writes_past_twice_the_window_take_nothing)
TESTS_RUN(sent_is_told_once_when_it_drains_below_the_low_water)
TESTS_RUN(a_head_that_was_refused_may_be_said_again)
TESTS_RUN(credit_is_owed_byte_by_byte)
TESTS_RUN(after_a_reset_nobody_hears_anything_but_gone)
TESTS_RUN(an_answer_declares_its_length_and_ends)
TESTS_RUN(an_answer_to_head_has_the_length_and_not_the_body)
TESTS_RUN(a_transit_may_outlive_its_stock)
TESTS_RUN(spare_memory_serves_the_next_one_when_it_is_small)
TESTS_RUN(a_transit_used_again_is_like_new)
TESTS_END()
