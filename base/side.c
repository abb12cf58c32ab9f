#include "base/side.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include "base/check.h"
#include "base/mem.h"

struct side {
    struct side_conf conf;
    pthread_t thread;
    sem_t begun;
    enum err outcome; /* of begin; known once `begun` */
    struct loop *loop;
    struct post *post;
    struct post_letter stop;
};

static void stop(struct post_letter *letter)
{
    loop_stop(LIST_OF(letter, struct side, stop)->loop);
}

static void *run(void *arg)
{
    struct side *s = arg;
    s->loop = loop_new();
    s->post = post_new(s->loop);
    enum err outcome = s->conf.begin(s->conf.arg, s->loop);
    s->outcome = outcome;
    PRE(sem_post(&s->begun) == 0);
    if (outcome == ERR_OK) {
        loop_run(s->loop);
        s->conf.end(s->conf.arg);
    }
    return NULL;
}

/* The new thread has all signals blocked: they are the loop's that asked for them. */
static void start_thread(struct side *s)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    PRE(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    PRE(pthread_create(&s->thread, NULL, run, s) == 0);
    PRE(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    (void)pthread_setname_np(s->thread, s->conf.name);
}

static void join(struct side **s)
{
    PRE(pthread_join((*s)->thread, NULL) == 0);
    post_free(&(*s)->post); /* not before: whoever sent the last letter may still be waking the loop */
    loop_free(&(*s)->loop);
    (void)sem_destroy(&(*s)->begun);
    mem_free(*s);
    *s = NULL;
}

enum err side_start(const struct side_conf *conf, struct side **out)
{
    struct side *s = mem_new(sizeof(*s));
    *s = (struct side){.conf = *conf, .stop.read = stop};
    PRE(sem_init(&s->begun, 0, 0) == 0);
    start_thread(s);
    while (sem_wait(&s->begun) != 0)
        ;
    enum err e = s->outcome;
    if (e == ERR_OK)
        *out = s;
    else
        join(&s);
    return e;
}

void side_end(struct side **s)
{
    if (!*s)
        return;
    post_send((*s)->post, &(*s)->stop);
    join(s);
}

struct post *side_post(struct side *s)
{
    return s->post;
}
