#include "base/loop.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/sock.h"
#include "tests/kit/t.h"

/* What happened, in order, as letters. */
static char trail[64];

static void note(char c)
{
    size_t n = strlen(trail);
    trail[n] = c;
    trail[n + 1] = '\0';
}

static struct loop *start(void)
{
    trail[0] = '\0';
    return loop_new();
}

struct letter {
    struct loop_task task;
    struct loop *loop;
    char c;
    struct loop_task *then;
    bool then_late;
};

static void write_letter(struct loop_task *t)
{
    struct letter *w = LIST_OF(t, struct letter, task);

    note(w->c);
    if (w->then && w->then_late)
        loop_defer_late(w->loop, w->then);
    else if (w->then)
        loop_defer(w->loop, w->then);
}

static struct letter letter(struct loop *l, char c)
{
    return (struct letter){.loop = l, .c = c};
}

TEST(a_deferred_call_is_made_once_and_not_from_inside_defer)
{
    struct loop *l = start();
    struct letter a = letter(l, 'a');

    loop_task_init(&a.task, write_letter);
    loop_defer(l, &a.task);
    loop_defer(l, &a.task);
    CHECK_TEXT("", slice_str(trail));
    loop_turn(l, false);
    loop_turn(l, false);
    CHECK_TEXT("a", slice_str(trail));
    loop_free(&l);
}

TEST(a_call_deferred_by_a_deferred_call_waits_for_the_next_turn)
{
    struct loop *l = start();
    struct letter a = letter(l, 'a'), late = letter(l, 'z');

    loop_task_init(&a.task, write_letter);
    loop_task_init(&late.task, write_letter);
    a.then = &a.task;
    loop_defer(l, &a.task);
    loop_defer_late(l, &late.task);
    loop_turn(l, false);
    CHECK_TEXT("aza", slice_str(trail)); /* once before the look at events, once after */
    loop_task_cancel(&a.task);
    loop_free(&l);
}

TEST(late_calls_come_after_all_deferred_ones_of_the_turn)
{
    struct loop *l = start();
    struct letter a = letter(l, 'a'), b = letter(l, 'b'), late = letter(l, 'z');

    loop_task_init(&a.task, write_letter);
    loop_task_init(&b.task, write_letter);
    loop_task_init(&late.task, write_letter);
    a.then = &late.task;
    a.then_late = true;
    loop_defer(l, &a.task);
    loop_defer(l, &b.task);
    loop_run(l); /* ends: nothing is left to wait for */
    CHECK_TEXT("abz", slice_str(trail));
    loop_free(&l);
}

TEST(a_cancelled_call_is_not_made)
{
    struct loop *l = start();
    struct letter a = letter(l, 'a');

    loop_task_init(&a.task, write_letter);
    loop_task_cancel(&a.task);
    loop_defer(l, &a.task);
    loop_task_cancel(&a.task);
    loop_run(l);
    CHECK_TEXT("", slice_str(trail));
    loop_free(&l);
}

struct reader {
    struct loop *loop;
    struct loop_watch *watch;
    struct letter task;
    int fd;
    unsigned seen;
    bool leave;
};

static void on_readable(void *arg, unsigned events)
{
    struct reader *r = arg;

    r->seen |= events;
    note('r');
    loop_defer(r->loop, &r->task.task);
    if (r->leave)
        loop_watch_free(&r->watch);
}

static struct reader reader(struct loop *l, int fd)
{
    return (struct reader){.loop = l, .fd = fd, .task = letter(l, 't')};
}

TEST(a_watch_speaks_every_turn_while_it_holds_and_rests_when_told)
{
    struct loop *l = start();
    int fds[2];

    CHECK_ERR(ERR_OK, sock_pair(fds));
    struct reader r = reader(l, fds[0]);
    loop_task_init(&r.task.task, write_letter);
    r.watch = loop_watch_new(l, fds[0], on_readable, &r);
    loop_watch_set(r.watch, LOOP_READ);
    loop_turn(l, false);
    CHECK_TEXT("", slice_str(trail));
    CHECK_INT(1, write(fds[1], "x", 1));
    loop_turn(l, true);
    loop_turn(l, true);
    CHECK_TEXT("rtrt", slice_str(trail)); /* what an event defers runs in the same turn */
    CHECK_INT(LOOP_READ, r.seen);
    loop_watch_set(r.watch, LOOP_READ | LOOP_WRITE);
    loop_turn(l, false);
    CHECK_INT(LOOP_READ | LOOP_WRITE, r.seen);
    loop_watch_set(r.watch, 0);
    loop_turn(l, false);
    CHECK_TEXT("rtrtrt", slice_str(trail));
    loop_watch_free(&r.watch);
    loop_free(&l);
    close(fds[0]);
    close(fds[1]);
}

TEST(what_late_calls_defer_comes_before_the_next_events)
{
    struct loop *l = start();
    struct letter late = letter(l, 'z'), end = letter(l, 'e');
    int fds[2];

    CHECK_ERR(ERR_OK, sock_pair(fds));
    struct reader r = reader(l, fds[0]);
    loop_task_init(&r.task.task, write_letter);
    r.watch = loop_watch_new(l, fds[0], on_readable, &r);
    loop_watch_set(r.watch, LOOP_READ);
    CHECK_INT(1, write(fds[1], "x", 1));
    loop_task_init(&late.task, write_letter);
    loop_task_init(&end.task, write_letter);
    late.then = &end.task;
    loop_defer_late(l, &late.task);
    loop_turn(l, true);
    CHECK_TEXT("zert", slice_str(trail));
    loop_watch_free(&r.watch);
    loop_free(&l);
    close(fds[0]);
    close(fds[1]);
}

TEST(a_watch_may_be_freed_by_its_own_call_and_the_loop_then_ends)
{
    struct loop *l = start();
    int fds[2];

    CHECK_ERR(ERR_OK, sock_pair(fds));
    struct reader r = reader(l, fds[0]);
    r.leave = true;
    loop_task_init(&r.task.task, write_letter);
    r.watch = loop_watch_new(l, fds[0], on_readable, &r);
    loop_watch_set(r.watch, LOOP_READ);
    CHECK_INT(1, write(fds[1], "x", 1));
    loop_run(l);
    CHECK_TEXT("rt", slice_str(trail));
    loop_free(&l);
    close(fds[0]);
    close(fds[1]);
}

struct edge {
    struct loop_edge *edge;
    int left; /* what a drained look would find */
    bool leave;
};

static bool edge_has(void *arg)
{
    return ((struct edge *)arg)->left > 0;
}

static void edge_take(void *arg)
{
    struct edge *e = arg;

    note('e');
    e->left--;
    if (e->leave)
        loop_edge_free(&e->edge);
}

TEST(an_edge_is_asked_again_though_its_descriptor_stays_silent)
{
    struct loop *l = start();
    struct edge e = {.left = 3};
    int fds[2];

    CHECK_ERR(ERR_OK, sock_pair(fds));
    e.edge = loop_edge_new(l, fds[0], edge_has, edge_take, &e);
    for (int i = 0; i < 3; i++)
        loop_turn(l, true); /* would sleep for ever if the loop trusted the descriptor */
    loop_turn(l, false);
    CHECK_TEXT("eee", slice_str(trail));
    loop_edge_free(&e.edge);
    loop_free(&l);
    close(fds[0]);
    close(fds[1]);
}

TEST(an_edge_may_be_freed_by_its_own_call)
{
    struct loop *l = start();
    struct edge e = {.left = 3, .leave = true}, other = {.left = 1};
    int fds[2];

    CHECK_ERR(ERR_OK, sock_pair(fds));
    e.edge = loop_edge_new(l, fds[0], edge_has, edge_take, &e);
    other.edge = loop_edge_new(l, fds[1], edge_has, edge_take, &other);
    loop_turn(l, true);
    CHECK_TEXT("ee", slice_str(trail));
    CHECK_INT(2, e.left);
    CHECK_INT(0, other.left);
    loop_edge_free(&other.edge);
    loop_free(&l);
    close(fds[0]);
    close(fds[1]);
}

static void on_wake(void *arg)
{
    (void)arg;
    note('w');
}

static void *send_wakes(void *arg)
{
    for (int i = 0; i < 3; i++)
        loop_wake_send(arg);
    return NULL;
}

TEST(wakes_sent_by_a_thread_become_one_call)
{
    struct loop *l = start();
    struct loop_wake *w = loop_wake_new(l, on_wake, NULL);
    pthread_t thread;

    CHECK_INT(0, pthread_create(&thread, NULL, send_wakes, w));
    CHECK_INT(0, pthread_join(thread, NULL));
    loop_turn(l, true);
    loop_turn(l, false);
    CHECK_TEXT("w", slice_str(trail));
    loop_wake_free(&w);
    loop_free(&l);
}

static void on_timer(void *arg)
{
    (void)arg;
    note('!');
}

TEST(a_timer_of_a_loop_with_our_own_clock_goes_by_that_clock)
{
    struct now_hand hand = {.mono = 1000};
    struct now now = now_by_hand(&hand);
    struct loop *l = loop_new_by(&now);
    struct loop_timer *t = loop_timer_new(l, on_timer, NULL);

    trail[0] = '\0';
    loop_timer_set(t, 5000);
    hand.mono = 4999;
    loop_turn(l, false);
    CHECK_TEXT("", slice_str(trail));
    hand.mono = 5000;
    loop_turn(l, true);
    loop_turn(l, false);
    CHECK_TEXT("!", slice_str(trail));
    CHECK_INT(5000, loop_turn_us(l));
    loop_timer_free(&t);
    loop_free(&l);
}

struct stop {
    struct loop *loop;
    struct loop_timer *timer;
    int64_t at_us;
};

static void on_stop(void *arg)
{
    struct stop *s = arg;

    CHECK(loop_turn_us(s->loop) >= s->at_us);
    loop_stop(s->loop);
}

TEST(a_timer_never_comes_early_and_stop_ends_the_run)
{
    struct loop *l = start();
    struct stop s = {.loop = l, .at_us = loop_turn_us(l) + 1500};

    s.timer = loop_timer_new(l, on_stop, &s);
    loop_timer_set(s.timer, s.at_us);
    loop_run(l);
    CHECK(now_mono_us(loop_now(l)) >= s.at_us);
    loop_timer_free(&s.timer);
    loop_free(&l);
}

static void on_signal(void *arg, int signo)
{
    *(int *)arg = signo;
}

TEST(a_signal_is_an_event_and_no_reason_to_go_on)
{
    struct loop *l = start();
    int seen = 0;
    struct loop_signal *s = loop_signal_new(l, SIGUSR2, on_signal, &seen);

    loop_run(l);
    CHECK_INT(0, raise(SIGUSR2));
    CHECK_INT(0, seen);
    loop_turn(l, true);
    CHECK_INT(SIGUSR2, seen);
    loop_signal_free(&s);
    loop_free(&l);
}

TESTS_BEGIN()
TESTS_RUN(a_deferred_call_is_made_once_and_not_from_inside_defer)
TESTS_RUN(a_call_deferred_by_a_deferred_call_waits_for_the_next_turn)
TESTS_RUN(late_calls_come_after_all_deferred_ones_of_the_turn)
TESTS_RUN(a_cancelled_call_is_not_made)
TESTS_RUN(a_watch_speaks_every_turn_while_it_holds_and_rests_when_told)
TESTS_RUN(what_late_calls_defer_comes_before_the_next_events)
TESTS_RUN(a_watch_may_be_freed_by_its_own_call_and_the_loop_then_ends)
TESTS_RUN(an_edge_is_asked_again_though_its_descriptor_stays_silent)
TESTS_RUN(an_edge_may_be_freed_by_its_own_call)
TESTS_RUN(wakes_sent_by_a_thread_become_one_call)
TESTS_RUN(a_timer_of_a_loop_with_our_own_clock_goes_by_that_clock)
TESTS_RUN(a_timer_never_comes_early_and_stop_ends_the_run)
TESTS_RUN(a_signal_is_an_event_and_no_reason_to_go_on)
TESTS_END()
