#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { PIECE = 64 << 10 };

static enum err read_some(int fd, char *into, size_t room, size_t *got)
{
    ssize_t n;
    do
        n = read(fd, into, room);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return ERR_IO;
    *got = (size_t)n;
    return ERR_OK;
}

static enum err read_to_end(int fd, struct buf *out)
{
    for (;;) {
        char beyond;
        char *at = &beyond;
        size_t left = out->bound - buf_len(out), got = 0;
        size_t room = left < PIECE ? left : PIECE;
        if (room)
            TRY(buf_room(out, room, &at));
        TRY(read_some(fd, at, room ? room : 1, &got));
        if (got == 0)
            return ERR_OK;
        if (room == 0)
            return ERR_FULL;
        buf_wrote(out, got);
    }
}

/* All of it or nothing. */
static enum err read_all(int fd, struct buf *out)
{
    size_t before = buf_len(out);
    enum err e = read_to_end(fd, out);
    if (e != ERR_OK)
        buf_cut(out, before);
    return e;
}

enum err file_read(const char *path, struct buf *out)
{
    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, out);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_ABSENT : ERR_IO;
    enum err e = read_all(fd, out);
    int why = errno;
    close(fd);
    errno = why;
    return e;
}

static enum err write_all(int fd, struct slice bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.at, bytes.len);
        if (n < 0 && errno != EINTR)
            return ERR_IO;
        if (n > 0)
            bytes = slice_from(bytes, (size_t)n);
    }
    return ERR_OK;
}

/* The name is on disk only when its folder is. */
static enum err sync_folder(const char *path)
{
    struct slice folder = SLICE(".");
    size_t slash = 0;
    if (slice_find_last(slice_str(path), '/', &slash))
        folder = slash ? slice_of(path, slash) : SLICE("/");
    char *name = mem_copy(folder);
    int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mem_free(name);
    if (fd < 0)
        return ERR_IO;
    int rc = fsync(fd);
    close(fd);
    return rc == 0 ? ERR_OK : ERR_IO;
}

static enum err fill(int fd, struct slice bytes, unsigned mode)
{
    if (fchmod(fd, (mode_t)mode) != 0)
        return ERR_IO;
    TRY(write_all(fd, bytes));
    return fsync(fd) == 0 ? ERR_OK : ERR_IO;
}

static enum err write_beside(char *beside, const char *path, struct slice bytes, unsigned mode)
{
    int fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    enum err e = fill(fd, bytes, mode);
    int why = errno;
    close(fd);
    if (e == ERR_OK && rename(beside, path) == 0)
        return sync_folder(path);
    if (e != ERR_OK)
        errno = why;
    why = errno;
    unlink(beside);
    errno = why;
    return ERR_IO;
}

enum err file_write(const char *path, struct slice bytes, unsigned mode)
{
    struct buf beside;
    buf_init(&beside, BUF_TEXT_BOUND);
    buf_putf(&beside, "%s.XXXXXX", path);
    char *name = mem_copy(buf_slice(&beside));
    buf_fini(&beside);
    enum err e = write_beside(name, path, bytes, mode);
    int why = errno;
    mem_free(name);
    errno = why;
    return e;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}
