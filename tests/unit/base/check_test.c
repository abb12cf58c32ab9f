#include "base/check.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kit/t.h"

/* Runs `fn` in a process of its own whose stderr is `*said`; gives back the signal that ended it, or 0. */
static int run_apart(void (*fn)(void), char *said, size_t room)
{
    int ends[2];
    CHECK_INT(0, pipe(ends));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        fn();
        _exit(0);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], said, room - 1);
    said[n > 0 ? n : 0] = '\0';
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void break_pre(void)
{
    signal(SIGABRT, SIG_DFL);
    PRE(1 + 1 == 3);
}

static void break_post(void)
{
    signal(SIGABRT, SIG_DFL);
    POST(1 > 2);
}

static void keep_both(void)
{
    PRE(1 + 1 == 2);
    POST(2 > 1);
}

TEST(a_broken_promise_stops_the_process_and_says_which)
{
    char said[256];
    CHECK_INT(SIGABRT, run_apart(break_pre, said, sizeof(said)));
    CHECK(slice_ends(slice_str(said), SLICE(" caller broke: 1 + 1 == 3\n")));
    CHECK(slice_has(slice_str(said), SLICE("/check_test.c:")));
    CHECK_INT(SIGABRT, run_apart(break_post, said, sizeof(said)));
    CHECK(slice_ends(slice_str(said), SLICE(" callee broke: 1 > 2\n")));
}

TEST(a_kept_promise_goes_on)
{
    char said[256];
    CHECK_INT(0, run_apart(keep_both, said, sizeof(said)));
    CHECK_TEXT("", slice_str(said));
}

TESTS_BEGIN()
TESTS_RUN(a_broken_promise_stops_the_process_and_says_which)
TESTS_RUN(a_kept_promise_goes_on)
TESTS_END()
