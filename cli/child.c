#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

enum { BY_SIGNAL = 128 };

struct child {
    pid_t pid; /* 0: it has ended */
    struct loop_signal *heard;
    child_ended_fn *ended;
    void *arg;
};

static void look(void *arg, int signo)
{
    struct child *c = arg;
    int how;
    (void)signo;
    if (c->pid == 0 || waitpid(c->pid, &how, WNOHANG) != c->pid)
        return;
    c->pid = 0;
    c->ended(c->arg, WIFSIGNALED(how) ? BY_SIGNAL + WTERMSIG(how) : WEXITSTATUS(how));
}

/* In the new process.  It ends with us, even when we are killed; what exec could not do goes through the pipe. */
static void become(char *const *argv, int said, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == parent)
        execvp(argv[0], argv);
    int error = errno;
    ssize_t told = write(said, &error, sizeof(error));
    _exit(told > 0 ? BY_SIGNAL - 1 : BY_SIGNAL - 2);
}

struct child *child_start(struct loop *l, char *const *argv, child_ended_fn *ended, void *arg)
{
    int says[2], error = 0;
    pid_t parent = getpid();
    if (pipe2(says, O_CLOEXEC) != 0)
        return NULL;
    pid_t pid = fork();
    if (pid == 0)
        become(argv, says[1], parent);
    close(says[1]);
    bool failed = pid < 0 || read(says[0], &error, sizeof(error)) > 0;
    if (pid < 0)
        error = errno;
    close(says[0]);
    if (failed) {
        if (pid > 0)
            (void)waitpid(pid, NULL, 0);
        errno = error;
        return NULL;
    }
    struct child *c = mem_new(sizeof(*c));
    *c = (struct child){.pid = pid, .ended = ended, .arg = arg};
    c->heard = loop_signal_new(l, SIGCHLD, look, c);
    (void)raise(SIGCHLD); /* it may have ended before anybody listened */
    return c;
}

void child_signal(struct child *c, int signo)
{
    if (c && c->pid > 0)
        (void)kill(c->pid, signo);
}

void child_free(struct child **c)
{
    if (!*c)
        return;
    if ((*c)->pid > 0) {
        (void)kill((*c)->pid, SIGKILL);
        (void)waitpid((*c)->pid, NULL, 0);
    }
    loop_signal_free(&(*c)->heard);
    mem_free(*c);
    *c = NULL;
}
