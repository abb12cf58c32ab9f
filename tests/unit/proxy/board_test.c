#include "proxy/board.h"

#include <stdio.h>

#include "base/json_out.h"
#include "tests/kit/t.h"

static void call(struct board *b, const char *peer, const char *operation, bool failed, int64_t us)
{
    board_add(b, &(struct board_call){
                     .peer = slice_str(peer), .operation = slice_str(operation), .failed = failed, .duration_us = us});
}

static void check_board(const struct board *b, const char *want)
{
    struct buf out;
    struct json_out j;
    buf_init(&out, BUF_TEXT_BOUND);
    json_out_init(&j, &out, 0);
    board_put(b, &j);
    CHECK_TEXT(want, buf_slice(&out));
    buf_fini(&out);
}

TEST(a_latency_lies_within_its_step_which_is_at_most_a_quarter_wide)
{
    CHECK_INT(0, board_step(-5));
    CHECK_INT(0, board_step(63));
    CHECK_INT(1, board_step(64));
    for (int64_t us = 64; us < INT64_C(1) << 29; us += us / 7 + 1) {
        unsigned step = board_step(us);
        CHECK(us < board_step_us(step));
        CHECK(us >= board_step_us(step - 1));
        CHECK(board_step_us(step) * 4 <= board_step_us(step - 1) * 5);
    }
    CHECK_INT(BOARD_STEPS - 1, board_step(INT64_MAX));
}

TEST(calls_are_told_apart_by_direction_peer_and_operation)
{
    struct board b;
    board_init(&b);
    call(&b, "orders", "get", false, 100);
    call(&b, "orders", "get", true, 100);
    call(&b, "orders", "put", false, 10);
    call(&b, "stock", "get", false, 10);
    board_add(&b, &(struct board_call){.inbound = true, .peer = SLICE("orders"), .operation = SLICE("get")});
    check_board(&b, "[{\"direction\":\"outbound\",\"peer\":\"orders\",\"operation\":\"get\",\"count\":2,\"errors\":1,"
                    "\"steps\":[[112,2]]},"
                    "{\"direction\":\"outbound\",\"peer\":\"orders\",\"operation\":\"put\",\"count\":1,\"errors\":0,"
                    "\"steps\":[[64,1]]},"
                    "{\"direction\":\"outbound\",\"peer\":\"stock\",\"operation\":\"get\",\"count\":1,\"errors\":0,"
                    "\"steps\":[[64,1]]},"
                    "{\"direction\":\"inbound\",\"peer\":\"orders\",\"operation\":\"get\",\"count\":1,\"errors\":0,"
                    "\"steps\":[[64,1]]}]");
    board_fini(&b);
}

TEST(names_beyond_its_bound_are_counted_together)
{
    struct board b;
    char peer[16];
    board_init(&b);
    for (int i = 0; i < 3 * BOARD_ROWS; i++) {
        snprintf(peer, sizeof(peer), "peer%d", i);
        call(&b, peer, "get", false, 10);
    }
    CHECK_INT(BOARD_ROWS + 1, b.by_name.count);
    CHECK_INT(2 * BOARD_ROWS, b.other->count);
    board_fini(&b);
}

TEST(the_boards_of_several_workers_add_up)
{
    struct board a, b, sum;
    board_init(&a);
    board_init(&b);
    board_init(&sum);
    call(&a, "orders", "get", false, 100);
    call(&b, "orders", "get", true, 10);
    board_merge(&sum, &a);
    board_merge(&sum, &b);
    check_board(&sum, "[{\"direction\":\"outbound\",\"peer\":\"orders\",\"operation\":\"get\",\"count\":2,\"errors\":1,"
                      "\"steps\":[[64,1],[112,1]]}]");
    board_fini(&a);
    board_fini(&b);
    board_fini(&sum);
}

TESTS_BEGIN()
TESTS_RUN(a_latency_lies_within_its_step_which_is_at_most_a_quarter_wide)
TESTS_RUN(calls_are_told_apart_by_direction_peer_and_operation)
TESTS_RUN(names_beyond_its_bound_are_counted_together)
TESTS_RUN(the_boards_of_several_workers_add_up)
TESTS_END()
