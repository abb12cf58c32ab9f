#include "base/sig.h"

#include <signal.h>

#include "tests/kit/t.h"

static void note(void *arg, enum sig_word word)
{
    char *trail = arg;
    size_t n = strlen(trail);

    trail[n] = "DERU"[word]; /* drain, end, reload, dump */
}

static void send(struct loop *l, int signo)
{
    CHECK_INT(0, raise(signo));
    loop_turn(l, false);
}

TEST(each_signal_has_its_word_and_the_second_wish_to_end_is_urgent)
{
    struct loop *l = loop_new();
    char trail[16] = "";
    struct sig *s = sig_new(l, note, trail);

    send(l, SIGHUP);
    send(l, SIGUSR1);
    send(l, SIGTERM);
    send(l, SIGHUP);
    send(l, SIGINT);
    send(l, SIGTERM);
    send(l, SIGPIPE); /* ignored, or the test would end here */
    CHECK_TEXT("RUDREE", slice_str(trail));
    sig_free(&s);
    loop_free(&l);
}

TESTS_BEGIN()
TESTS_RUN(each_signal_has_its_word_and_the_second_wish_to_end_is_urgent)
TESTS_END()
