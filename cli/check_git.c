#include "cli/check_git.h"

#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { PIECE = 1 << 16 };

/* All of it, also when `out` is full: git must not die of a closed pipe. */
static enum err read_pipe(int fd, struct buf *out)
{
    enum err e = ERR_OK;
    for (;;) {
        char rest[4096], *at = rest;
        size_t room = sizeof(rest);
        if (e == ERR_OK && (e = buf_room(out, PIECE, &at)) == ERR_OK)
            room = PIECE;
        else
            at = rest;
        ssize_t got = read(fd, at, room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? ERR_IO : e;
        if (e == ERR_OK)
            buf_wrote(out, (size_t)got);
    }
}

static enum err run(char *const argv[], struct buf *out)
{
    int ends[2];
    if (pipe(ends) != 0)
        return ERR_IO;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    pid_t child;
    int failed = posix_spawnp(&child, "git", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    enum err e = failed ? ERR_IO : read_pipe(ends[0], out);
    close(ends[0]);
    int status = 0;
    while (!failed && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return e != ERR_OK ? e : status == 0 ? ERR_OK : ERR_ABSENT;
}

/* posix_spawnp takes char *, and changes none. */
static char *word(const char *text)
{
    return (char *)(uintptr_t)text;
}

enum err check_git_kind(const char *object, enum check_git_kind *out)
{
    char *argv[] = {word("git"), word("cat-file"), word("-t"), word("--end-of-options"), word(object), NULL};
    struct buf kind;
    buf_init(&kind, 2 * PIECE);
    enum err e = run(argv, &kind);
    struct slice said = buf_slice(&kind);
    enum check_git_kind is = slice_starts(said, SLICE("tree")) ? CHECK_GIT_FOLDER : CHECK_GIT_FILE;
    buf_fini(&kind);
    if (e != ERR_OK && e != ERR_ABSENT)
        return e;
    *out = e == ERR_OK ? is : CHECK_GIT_NOTHING;
    return ERR_OK;
}

enum err check_git_show(const char *object, struct buf *out)
{
    char *argv[] = {word("git"), word("show"), word("--end-of-options"), word(object), NULL};
    return run(argv, out);
}

enum err check_git_list(const char *object, struct buf *out)
{
    char *argv[] = {word("git"),         word("ls-tree"),          word("-r"),   word("-z"),
                    word("--name-only"), word("--end-of-options"), word(object), NULL};
    return run(argv, out);
}
