#include "base/confine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kit/t.h"

/* May its memory be read by a debugger, or end in a core dump? */
static bool dumpable(void)
{
    struct rlimit core;
    return prctl(PR_GET_DUMPABLE) != 0 || getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0;
}

/* One bit for each thing that is not as it should be. */
static int try_out(void)
{
    const char *missing = "";
    char line[256], *const argv[] = {"/bin/true", NULL};
    int wrong = 0, privileges = 0, filter = 0;
    if (confine_process(CONFINE_ON, &missing) != ERR_OK)
        return strstr(missing, "sanitizers") ? 0 : 1;
    wrong |= execv(argv[0], argv) == -1 && errno == EPERM ? 0 : 2;
    wrong |= ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 && errno == EPERM ? 0 : 4;
    wrong |= setuid(getuid()) == -1 && errno == EPERM ? 0 : 8;
    wrong |= syscall(SYS_swapon, "/", 0) == -1 && errno == EPERM ? 0 : 128;
    wrong |= syscall(SYS_mlockall, 0) == -1 && errno == ENOSYS ? 0 : 256; /* nobody's business, but not on the list */
    wrong |= dumpable() ? 512 : 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    wrong |= fd >= 0 ? 0 : 16; /* what a sidecar lives by goes on */
    close(fd);
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof(line), status)) {
        privileges |= strcmp(line, "NoNewPrivs:\t1\n") == 0;
        filter |= strcmp(line, "Seccomp:\t2\n") == 0;
    }
    wrong |= (privileges ? 0 : 32) | (filter ? 0 : 64);
    if (wrong)
        fprintf(stderr, "wrong: %d\n", wrong);
    return wrong != 0;
}

TEST(a_confined_process_starts_nothing_and_becomes_nobody)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(try_out());
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK_INT(0, WEXITSTATUS(status));
}

TESTS_BEGIN()
TESTS_RUN(a_confined_process_starts_nothing_and_becomes_nobody)
TESTS_END()
