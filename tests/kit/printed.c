#include "tests/kit/printed.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/kit/t.h"

enum { OUTPUT = 1 << 20 };

static int redirect(int fd, const char *path)
{
    int kept = dup(fd);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(kept >= 0 && file >= 0);
    dup2(file, fd);
    close(file);
    return kept;
}

static void restore(int fd, int kept)
{
    fflush(NULL);
    dup2(kept, fd);
    close(kept);
}

static void take(const char *path, struct buf *into)
{
    buf_init(into, OUTPUT);
    CHECK_ERR(ERR_OK, file_read(path, into));
    unlink(path);
}

struct printed printed_by(int (*command)(int argc, char **argv), int argc, char **argv)
{
    char out[] = "/tmp/weft-printed-out-XXXXXX", err[] = "/tmp/weft-printed-err-XXXXXX";
    close(mkstemp(out));
    close(mkstemp(err));
    fflush(NULL);
    int kept_out = redirect(STDOUT_FILENO, out), kept_err = redirect(STDERR_FILENO, err);
    struct printed p = {.status = command(argc, argv)};
    restore(STDOUT_FILENO, kept_out);
    restore(STDERR_FILENO, kept_err);
    take(out, &p.out);
    take(err, &p.err);
    return p;
}

void printed_fini(struct printed *p)
{
    buf_fini(&p->out);
    buf_fini(&p->err);
}
