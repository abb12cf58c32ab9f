#include "base/due.h"

#include "tests/kit/t.h"

struct fixture {
    struct now_hand hand;
    struct loop *loop;
    struct due_clock *clock;
};

struct bell {
    struct due due;
    struct due_clock *clock;
    int *order; /* counts rings over all bells */
    int rung;   /* which ring this one was; 0: not yet */
    int again;  /* how often it sets itself for now again */
};

static void ring(struct due *d)
{
    struct bell *b = (struct bell *)(void *)d;

    b->rung = ++*b->order;
    if (b->again-- > 0)
        due_in(b->clock, d, 0);
}

static void begin(struct fixture *f)
{
    struct now now = now_by_hand(&f->hand);

    f->hand = (struct now_hand){.mono = 1000};
    f->loop = loop_new_by(&now);
    f->clock = due_clock_new(f->loop);
}

static void end(struct fixture *f)
{
    due_clock_free(&f->clock);
    loop_free(&f->loop);
}

static struct bell bell(const struct fixture *f, int *order)
{
    struct bell b = {.clock = f->clock, .order = order};
    due_init(&b.due, ring);
    return b;
}

static void turn_at(struct fixture *f, int64_t mono)
{
    f->hand.mono = mono;
    loop_turn(f->loop, false);
}

TEST(deadlines_ring_in_order_and_not_before_their_time)
{
    struct fixture f;
    int order = 0;

    begin(&f);
    struct bell a = bell(&f, &order), b = bell(&f, &order), c = bell(&f, &order);
    due_at(f.clock, &a.due, 3000);
    due_in(f.clock, &b.due, 1000); /* at 2000 */
    due_at(f.clock, &c.due, 2500);
    turn_at(&f, 1999);
    CHECK_INT(0, order);
    turn_at(&f, 2600);
    CHECK_INT(1, b.rung);
    CHECK_INT(2, c.rung);
    CHECK_INT(0, a.rung);
    turn_at(&f, 3000);
    CHECK_INT(3, a.rung);
    CHECK(!due_waits(&a.due));
    end(&f);
}

TEST(a_deadline_moved_back_rings_once_at_its_new_time)
{
    struct fixture f;
    int order = 0;

    begin(&f);
    struct bell a = bell(&f, &order);
    due_at(f.clock, &a.due, 2000);
    due_at(f.clock, &a.due, 4000);
    turn_at(&f, 2000);
    CHECK_INT(0, order);
    turn_at(&f, 4000);
    turn_at(&f, 5000);
    CHECK_INT(1, order);
    end(&f);
}

TEST(a_deadline_moved_forward_rings_at_its_new_time)
{
    struct fixture f;
    int order = 0;

    begin(&f);
    struct bell a = bell(&f, &order);
    due_at(f.clock, &a.due, 9000);
    due_at(f.clock, &a.due, 2000);
    turn_at(&f, 2000);
    CHECK_INT(1, order);
    end(&f);
}

TEST(a_cancelled_deadline_is_silent_and_cancelling_twice_is_harmless)
{
    struct fixture f;
    int order = 0;

    begin(&f);
    struct bell a = bell(&f, &order);
    due_cancel(f.clock, &a.due);
    due_at(f.clock, &a.due, 2000);
    CHECK(due_waits(&a.due));
    due_cancel(f.clock, &a.due);
    due_cancel(f.clock, &a.due);
    CHECK(!due_waits(&a.due));
    turn_at(&f, 3000);
    CHECK_INT(0, order);
    end(&f);
}

TEST(a_deadline_set_for_now_by_its_own_call_waits_for_the_next_turn)
{
    struct fixture f;
    int order = 0;

    begin(&f);
    struct bell a = bell(&f, &order);
    a.again = 2;
    due_at(f.clock, &a.due, 1000);
    turn_at(&f, 1000);
    CHECK_INT(1, order);
    turn_at(&f, 1000);
    turn_at(&f, 1000);
    turn_at(&f, 1000);
    CHECK_INT(3, order);
    end(&f);
}

TEST(ten_thousand_deadlines_ring_in_order)
{
    enum { MANY = 10000 };
    static struct bell bells[MANY];
    struct fixture f;
    int order = 0;

    begin(&f);
    for (int i = 0; i < MANY; i++) {
        bells[i] = bell(&f, &order);
        due_at(f.clock, &bells[i].due, 2000 + (i * 7919L) % MANY); /* 7919 is prime to 10000: all differ */
    }
    turn_at(&f, 2000 + MANY);
    CHECK_INT(MANY, order);
    for (int i = 0; i < MANY; i++)
        CHECK_INT((i * 7919L) % MANY + 1, bells[i].rung);
    end(&f);
}

TESTS_BEGIN()
TESTS_RUN(deadlines_ring_in_order_and_not_before_their_time)
TESTS_RUN(a_deadline_moved_back_rings_once_at_its_new_time)
TESTS_RUN(a_deadline_moved_forward_rings_at_its_new_time)
TESTS_RUN(a_cancelled_deadline_is_silent_and_cancelling_twice_is_harmless)
TESTS_RUN(a_deadline_set_for_now_by_its_own_call_waits_for_the_next_turn)
TESTS_RUN(ten_thousand_deadlines_ring_in_order)
TESTS_END()
