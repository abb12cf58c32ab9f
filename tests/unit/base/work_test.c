#include "base/work.h"

#include <pthread.h>
#include <semaphore.h>

#include "tests/kit/t.h"

struct item {
    struct work_item work;
    pthread_t ran_on;
    sem_t *started; /* posted when run begins; NULL: no */
    sem_t *go_on;   /* waited for in run; NULL: no */
    int *order;
    int done; /* which `done` this was; 0: not yet */
    bool ran;
};

static void run(struct work_item *w)
{
    struct item *i = (struct item *)(void *)w;

    i->ran_on = pthread_self();
    if (i->started)
        (void)sem_post(i->started);
    if (i->go_on)
        (void)sem_wait(i->go_on);
}

static void done(struct work_item *w, bool ran)
{
    struct item *i = (struct item *)(void *)w;

    i->done = ++*i->order;
    i->ran = ran;
}

static struct item item(int *order)
{
    return (struct item){.work = {.run = run, .done = done}, .order = order};
}

TEST(items_run_on_another_thread_and_are_answered_here_in_order)
{
    struct loop *l = loop_new();
    struct work *w = work_new(l, "work-test");
    int order = 0;
    struct item items[20];

    for (int i = 0; i < 20; i++) {
        items[i] = item(&order);
        work_start(w, &items[i].work);
    }
    while (order < 20)
        loop_turn(l, true);
    for (int i = 0; i < 20; i++) {
        CHECK_INT(i + 1, items[i].done);
        CHECK(items[i].ran);
        CHECK(!pthread_equal(pthread_self(), items[i].ran_on));
    }
    work_free(&w);
    loop_free(&l);
}

TEST(freeing_waits_for_the_running_item_and_answers_every_other)
{
    enum { MANY = 50 };
    struct loop *l = loop_new();
    struct work *w = work_new(l, "work-test");
    int order = 0, ran = 0;
    struct item first = item(&order), rest[MANY];
    sem_t started, go_on;

    CHECK_INT(0, sem_init(&started, 0, 0));
    CHECK_INT(0, sem_init(&go_on, 0, 0));
    first.started = &started;
    first.go_on = &go_on;
    work_start(w, &first.work);
    for (int i = 0; i < MANY; i++) {
        rest[i] = item(&order);
        work_start(w, &rest[i].work);
    }
    CHECK_INT(0, sem_wait(&started));
    CHECK_INT(0, sem_post(&go_on));
    work_free(&w);
    CHECK_INT(1, first.done);
    CHECK(first.ran);
    CHECK_INT(MANY + 1, order);
    for (int i = 0; i < MANY; i++) {
        CHECK_INT(i + 2, rest[i].done);
        CHECK(!rest[i].ran || ran == i); /* the thread may begin a few before it hears of the end */
        ran += rest[i].ran;
    }
    loop_free(&l);
}

TESTS_BEGIN()
TESTS_RUN(items_run_on_another_thread_and_are_answered_here_in_order)
TESTS_RUN(freeing_waits_for_the_running_item_and_answers_every_other)
TESTS_END()
