#include "base/sig.h"

#include <signal.h>

#include "base/mem.h"

static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

struct sig {
    struct loop_signal *heard[SIGNALS];
    sig_fn *fn;
    void *arg;
    bool draining; /* the end was asked for once */
};

static enum sig_word word_of(struct sig *s, int signo)
{
    if (signo == SIGHUP)
        return SIG_RELOAD;
    if (signo == SIGUSR1)
        return SIG_DUMP;
    if (s->draining)
        return SIG_END_NOW;
    s->draining = true;
    return SIG_DRAIN;
}

static void on_signal(void *arg, int signo)
{
    struct sig *s = arg;

    s->fn(s->arg, word_of(s, signo));
}

struct sig *sig_new(struct loop *l, sig_fn *fn, void *arg)
{
    struct sig *s = mem_new(sizeof(*s));

    *s = (struct sig){.fn = fn, .arg = arg};
    (void)signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < SIGNALS; i++)
        s->heard[i] = loop_signal_new(l, signals[i], on_signal, s);
    return s;
}

void sig_free(struct sig **s)
{
    if (!*s)
        return;
    for (int i = 0; i < SIGNALS; i++)
        loop_signal_free(&(*s)->heard[i]);
    mem_free(*s);
    *s = NULL;
}
