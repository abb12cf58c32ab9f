#include "base/ebb.h"

#include "tests/kit/t.h"

struct shore {
    struct now_hand hand;
    struct loop *loop;
    struct due_clock *clock;
    struct ebb ebb;
};

static void begin(struct shore *s)
{
    struct now now = now_by_hand(&s->hand);

    s->hand = (struct now_hand){.mono = 1000};
    s->loop = loop_new_by(&now);
    s->clock = due_clock_new(s->loop);
    ebb_init(&s->ebb, s->clock);
}

static void end(struct shore *s)
{
    ebb_fini(&s->ebb);
    due_clock_free(&s->clock);
    loop_free(&s->loop);
}

static void come(struct shore *s, int n)
{
    for (int i = 0; i < n; i++)
        ebb_came(&s->ebb);
}

static void go(struct shore *s, int n)
{
    for (int i = 0; i < n; i++)
        ebb_went(&s->ebb);
}

static uint64_t given_after(struct shore *s, int64_t us)
{
    s->hand.mono += us;
    loop_turn(s->loop, false);
    return s->ebb.given;
}

TEST(two_seconds_after_a_flood_its_memory_is_given_back_once)
{
    struct shore s;

    begin(&s);
    come(&s, 1000);
    go(&s, 255);
    CHECK_INT(0, given_after(&s, 3000000));
    go(&s, 1);
    CHECK_INT(0, given_after(&s, 1999999));
    go(&s, 700);
    CHECK_INT(1, given_after(&s, 1));
    go(&s, 44);
    CHECK_INT(1, given_after(&s, 60000000));
    end(&s);
}

TEST(where_as_many_come_as_go_nothing_is_given_back)
{
    struct shore s;

    begin(&s);
    come(&s, 300);
    for (int i = 0; i < 10; i++) {
        go(&s, 300);
        come(&s, 300);
        CHECK_INT(0, given_after(&s, 2000000));
    }
    go(&s, 300);
    CHECK_INT(1, given_after(&s, 2000000));
    end(&s);
}

TESTS_BEGIN()
TESTS_RUN(two_seconds_after_a_flood_its_memory_is_given_back_once)
TESTS_RUN(where_as_many_come_as_go_nothing_is_given_back)
TESTS_END()
