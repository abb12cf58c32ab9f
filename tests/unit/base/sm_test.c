#include "base/sm.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kit/t.h"

enum { QUEUED, LEASED, DONE };

static const struct sm_row rows[] = {
    [QUEUED] = {"queued", SM_TO(LEASED), SM_FIRST},
    [LEASED] = {"leased", SM_TO(QUEUED) | SM_TO(DONE), 0},
    [DONE] = {"done", 0, SM_LAST},
};

/* Does this end the process?  In one of its own, to find out. */
static bool stops(unsigned first, unsigned next)
{
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct sm m;
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        sm_init(&m, rows, first);
        sm_move(&m, next);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

TEST(moves_of_the_table_are_made)
{
    struct sm m;
    sm_init(&m, rows, QUEUED);
    sm_move(&m, LEASED);
    sm_move(&m, QUEUED);
    sm_move(&m, LEASED);
    CHECK_TEXT("leased", slice_str(sm_name(&m)));
    sm_move(&m, DONE);
    CHECK_INT(DONE, m.at);
}

TEST(moves_the_table_does_not_have_stop_the_process)
{
    CHECK(!stops(QUEUED, LEASED));
    CHECK(stops(QUEUED, DONE));
    CHECK(stops(QUEUED, QUEUED));
    CHECK(stops(QUEUED, 32));
    CHECK(stops(LEASED, DONE));
}

TESTS_BEGIN()
TESTS_RUN(moves_of_the_table_are_made)
TESTS_RUN(moves_the_table_does_not_have_stop_the_process)
TESTS_END()
