#include "base/side.h"

#include <pthread.h>
#include <string.h>

#include "base/guard.h"
#include "tests/kit/t.h"

struct play {
    struct loop *loop; /* of the test */
    struct post *home;
    enum err outcome;
    pthread_t begun_on, ended_on;
    unsigned begins, ends;
};

struct note {
    struct post_letter letter;
    struct play *play;
    char name;
    pthread_t read_on;
};

static char heard[16];
static unsigned answers;

static enum err begin(void *arg, struct loop *l)
{
    struct play *p = arg;
    CHECK(l != p->loop);
    p->begun_on = pthread_self();
    p->begins++;
    return p->outcome;
}

static void end(void *arg)
{
    struct play *p = arg;
    p->ended_on = pthread_self();
    p->ends++;
}

static void read_at_home(struct post_letter *letter)
{
    (void)letter;
    answers++;
}

static void read_there(struct post_letter *letter)
{
    struct note *n = LIST_OF(letter, struct note, letter);
    n->read_on = pthread_self();
    size_t len = strlen(heard);
    heard[len] = n->name;
    heard[len + 1] = '\0';
    letter->read = read_at_home;
    post_send(n->play->home, letter);
}

static void open_play(struct play *p, enum err outcome)
{
    *p = (struct play){.loop = loop_new(), .outcome = outcome};
    p->home = post_new(p->loop);
    heard[0] = '\0';
    answers = 0;
}

static void close_play(struct play *p)
{
    post_free(&p->home);
    loop_free(&p->loop);
}

TEST(letters_are_read_in_order_on_the_thread_of_the_side)
{
    struct play p;
    struct side *s = NULL;
    struct note notes[3];
    open_play(&p, ERR_OK);
    CHECK_ERR(ERR_OK, side_start(&(struct side_conf){.name = "side", .begin = begin, .end = end, .arg = &p}, &s));
    CHECK_INT(1, p.begins);
    for (int i = 0; i < 3; i++) {
        notes[i] = (struct note){.letter.read = read_there, .play = &p, .name = (char)('a' + i)};
        list_init(&notes[i].letter.link);
        post_send(side_post(s), &notes[i].letter);
    }
    while (answers < 3)
        loop_turn(p.loop, true);
    side_end(&s);
    CHECK(s == NULL);
    CHECK_TEXT("abc", slice_str(heard));
    for (int i = 0; i < 3; i++)
        CHECK(pthread_equal(notes[i].read_on, p.begun_on));
    CHECK(!pthread_equal(p.begun_on, pthread_self()));
    CHECK(pthread_equal(p.begun_on, p.ended_on));
    CHECK_INT(1, p.ends);
    close_play(&p);
}

TEST(a_side_that_cannot_begin_is_none)
{
    struct play p;
    struct side *s = NULL;
    open_play(&p, ERR_IO);
    CHECK_ERR(ERR_IO, side_start(&(struct side_conf){.name = "side", .begin = begin, .end = end, .arg = &p}, &s));
    CHECK(s == NULL);
    CHECK_INT(1, p.begins);
    CHECK_INT(0, p.ends);
    close_play(&p);
}

TEST(a_post_that_ends_leaves_its_letters_unread)
{
    struct play p;
    struct note n = {.letter.read = read_at_home};
    open_play(&p, ERR_OK);
    list_init(&n.letter.link);
    post_send(p.home, &n.letter);
    close_play(&p);
    CHECK_INT(0, answers);
}

static struct guard *guard;
static uint64_t sum;

static void *add(void *arg)
{
    for (int i = 0; i < 100000; i++) {
        guard_enter(guard);
        sum++;
        guard_leave(guard);
    }
    return arg;
}

TEST(behind_a_guard_no_step_is_lost)
{
    pthread_t other;
    sum = 0;
    guard = guard_new();
    CHECK_INT(0, pthread_create(&other, NULL, add, NULL));
    add(NULL);
    CHECK_INT(0, pthread_join(other, NULL));
    CHECK_INT(200000, sum);
    guard_free(&guard);
    guard_enter(NULL); /* alone there is nothing to guard */
    guard_leave(NULL);
}

TESTS_BEGIN()
TESTS_RUN(letters_are_read_in_order_on_the_thread_of_the_side)
TESTS_RUN(a_side_that_cannot_begin_is_none)
TESTS_RUN(a_post_that_ends_leaves_its_letters_unread)
TESTS_RUN(behind_a_guard_no_step_is_lost)
TESTS_END()
