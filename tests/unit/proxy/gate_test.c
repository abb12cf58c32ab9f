#include "proxy/gate.h"

#include "tests/kit/t.h"

enum { SECOND = NOW_US_PER_S };

static struct now_hand hand;
static struct loop *loop;
static struct due_clock *clock_;
static struct gate gate;
static char said[64];

struct visitor {
    struct gate_wait wait;
    char name;
};

static struct visitor visitors[6];

static void on_turn(struct gate_wait *w, bool is_in)
{
    size_t n = strlen(said);
    said[n] = LIST_OF(w, struct visitor, wait)->name;
    said[n + 1] = is_in ? '+' : '-';
    said[n + 2] = '\0';
}

static void begin(uint32_t most, uint32_t queue)
{
    hand = (struct now_hand){.mono = SECOND};
    struct now now = now_by_hand(&hand);
    loop = loop_new_by(&now);
    clock_ = due_clock_new(loop);
    gate_init(&gate, loop, clock_, NULL, &(struct gate_conf){true, 1, most, queue, SECOND});
    said[0] = '\0';
    for (int i = 0; i < 6; i++) {
        visitors[i] = (struct visitor){.wait.fn = on_turn, .name = (char)('a' + i)};
        list_init(&visitors[i].wait.link);
    }
}

static void end(void)
{
    gate_fini(&gate);
    due_clock_free(&clock_);
    loop_free(&loop);
}

static void turns(void)
{
    for (int i = 0; i < 3; i++)
        loop_turn(loop, false);
}

static void comes(int i, enum err want)
{
    CHECK_ERR(want, gate_enter(&gate, &visitors[i].wait));
}

TEST(who_finds_no_room_waits_and_comes_in_in_order)
{
    begin(1, 2);
    comes(0, ERR_OK);
    comes(1, ERR_AGAIN);
    comes(2, ERR_AGAIN);
    comes(3, ERR_FULL);
    gate_leave(&gate, 10, false);
    CHECK_TEXT("", slice_str(said)); /* never inside the call */
    turns();
    CHECK_TEXT("b+", slice_str(said));
    gate_leave(&gate, 10, false);
    turns();
    CHECK_TEXT("b+c+", slice_str(said));
    gate_leave(&gate, 10, false);
    end();
}

TEST(nobody_overtakes_who_waits)
{
    begin(1, 2);
    comes(0, ERR_OK);
    comes(1, ERR_AGAIN);
    gate_leave(&gate, 10, false);
    comes(2, ERR_AGAIN); /* there is room, but not for this one */
    turns();
    CHECK_TEXT("b+", slice_str(said));
    gate_forget(&gate, &visitors[2].wait);
    gate_leave(&gate, 10, false);
    end();
}

TEST(who_waits_for_a_second_is_sent_away)
{
    begin(1, 3);
    comes(0, ERR_OK);
    comes(1, ERR_AGAIN);
    hand.mono += SECOND / 2;
    turns();
    comes(2, ERR_AGAIN);
    hand.mono += SECOND / 2;
    turns();
    CHECK_TEXT("b-", slice_str(said));
    hand.mono += SECOND / 2;
    turns();
    CHECK_TEXT("b-c-", slice_str(said));
    gate_leave(&gate, 10, false);
    end();
}

TEST(who_leaves_the_queue_is_not_called)
{
    begin(1, 3);
    comes(0, ERR_OK);
    comes(1, ERR_AGAIN);
    gate_forget(&gate, &visitors[1].wait);
    gate_forget(&gate, &visitors[1].wait);
    gate_leave(&gate, 10, false);
    turns();
    CHECK_TEXT("", slice_str(said));
    end();
}

TEST(without_adapting_everyone_comes_in)
{
    begin(1, 0);
    gate_set(&gate, &(struct gate_conf){false, 1, 1, 0, SECOND});
    for (int i = 0; i < 6; i++)
        comes(i, ERR_OK);
    for (int i = 0; i < 6; i++)
        gate_leave(&gate, 10, false);
    end();
}

TEST(gates_of_one_yard_have_one_limit_and_let_each_other_in)
{
    struct gate_yard yard;
    struct gate other;
    begin(1, 2);
    gate_fini(&gate);
    gate_yard_init(&yard);
    struct gate_conf conf = {true, 1, 1, 2, SECOND};
    gate_init(&gate, loop, clock_, &yard, &conf);
    gate_init(&other, loop, clock_, &yard, &conf);
    comes(0, ERR_OK);
    CHECK_ERR(ERR_AGAIN, gate_enter(&other, &visitors[1].wait));
    comes(2, ERR_AGAIN);
    CHECK_ERR(ERR_FULL, gate_enter(&other, &visitors[3].wait)); /* the queue's bound is one, too */
    gate_leave(&gate, 10, false);
    turns();
    CHECK_INT(2, strlen(said)); /* one of the two */
    bool there = said[0] == 'b';
    gate_leave(there ? &other : &gate, 10, false);
    turns();
    CHECK_INT(4, strlen(said));
    gate_leave(there ? &gate : &other, 10, false);
    gate_fini(&other);
    end();
    CHECK_INT(0, yard.limit.in_flight);
    CHECK_INT(0, yard.waiting);
    gate_yard_fini(&yard);
}

TESTS_BEGIN()
TESTS_RUN(who_finds_no_room_waits_and_comes_in_in_order)
TESTS_RUN(nobody_overtakes_who_waits)
TESTS_RUN(who_waits_for_a_second_is_sent_away)
TESTS_RUN(who_leaves_the_queue_is_not_called)
TESTS_RUN(without_adapting_everyone_comes_in)
TESTS_RUN(gates_of_one_yard_have_one_limit_and_let_each_other_in)
TESTS_END()
