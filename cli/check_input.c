#include "cli/check_input.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

extern char **environ;

struct place {
    const char *revision; /* NULL: the disk */
};

/* git show's output; what it complains of goes to our standard error. */
static enum err read_pipe(int fd, struct buf *out)
{
    enum err e = ERR_OK;
    for (;;) {
        char *at;
        if (e == ERR_OK)
            e = buf_room(out, 1 << 16, &at);
        char rest[4096];
        ssize_t got = read(fd, e == ERR_OK ? at : rest, e == ERR_OK ? 1 << 16 : sizeof(rest));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? ERR_IO : e;
        if (e == ERR_OK)
            buf_wrote(out, (size_t)got);
    }
}

static enum err run_git(const char *object, struct buf *out)
{
    int ends[2];
    if (pipe(ends) != 0)
        return ERR_IO;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    char *argv[] = {"git", "show", "--end-of-options", (char *)(uintptr_t)object, NULL};
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

static enum err read_from(const struct place *p, const char *path, struct buf *out)
{
    if (!p->revision)
        return file_read(path, out);
    struct buf object;
    buf_init(&object, BUF_TEXT_BOUND);
    buf_putf(&object, "%s:%s", p->revision, path);
    enum err e = run_git(buf_text(&object), out);
    buf_fini(&object);
    return e;
}

static enum err read_beside(void *arg, const char *path, struct buf *out)
{
    return read_from(arg, path, out);
}

static const char *reason(enum err e, const char *path, bool disk)
{
    struct stat s;
    if (disk && stat(path, &s) == 0 && S_ISDIR(s.st_mode))
        return "it is a directory; name one file";
    switch (e) {
    case ERR_ABSENT:
        return disk ? "no such file" : "git does not have it";
    case ERR_FULL:
        return "it is larger than 64 MiB";
    default:
        return disk ? strerror(errno) : "git cannot be run";
    }
}

/* "git:HEAD~1:api/orders.yaml" is a revision and a path; relative paths are as git reads them, from the top. */
static enum err part(const char *where, struct arena *arena, struct place *p, const char **path)
{
    struct slice rest = slice_str(where);
    size_t colon;
    *path = where;
    if (!slice_starts(rest, SLICE("git:")))
        return ERR_OK;
    rest = slice_from(rest, 4);
    if (!slice_find(rest, ':', &colon) || colon == 0 || colon + 1 == rest.len)
        return ERR_INPUT;
    p->revision = arena_keep(arena, slice_to(rest, colon)).at;
    *path = arena_keep(arena, slice_from(rest, colon + 1)).at;
    return ERR_OK;
}

enum err check_input_read(const char *where, enum import_format format, struct diag *diag, struct contract **out)
{
    struct arena arena;
    struct buf text;
    struct place place = {0};
    struct diag_place whole = {.file = where};
    const char *path;
    arena_init(&arena, 0);
    buf_init(&text, IMPORT_BYTES);
    enum err e = part(where, &arena, &place, &path);
    if (e != ERR_OK) {
        diag_add(diag, DIAG_ERROR, &whole, "git:HEAD~1:api/orders.yaml", "a revision and a path are expected");
    } else if ((e = read_from(&place, path, &text)) != ERR_OK) {
        diag_add(diag, DIAG_ERROR, &whole, NULL, "cannot be read: %s", reason(e, path, !place.revision));
    } else {
        struct import_input in = {
            .format = format, .name = path, .text = buf_slice(&text), .read = read_beside, .arg = &place};
        e = import_contract(&in, diag, out);
    }
    buf_fini(&text);
    arena_fini(&arena);
    return e == ERR_OK ? ERR_OK : ERR_INPUT;
}
