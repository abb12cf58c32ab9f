#include "base/stream.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/sock.h"

/* stream over a plain socket.
 *
 * A connecting one waits for write alone, then asks the kernel how it went.  An
 * open one says so in its first turn and from then on passes on what the loop hears. */
enum fd_state { FD_CONNECTING, FD_OPENING, FD_OPEN, FD_BROKEN };

struct stream_fd {
    struct stream stream;
    struct loop *loop;
    struct loop_watch *watch;
    struct loop_task opened;
    int fd;
    enum fd_state state;
    unsigned wanted;
    char fault[80];
};

_Static_assert((int)STREAM_READ == (int)LOOP_READ && (int)STREAM_WRITE == (int)LOOP_WRITE, "events pass unchanged");

static struct stream_fd *self(struct stream *s)
{
    return (struct stream_fd *)s;
}

static void say(struct stream_fd *f, unsigned events)
{
    if (f->stream.fn)
        f->stream.fn(f->stream.arg, events);
}

/* The C library's sentence, as the middle of ours: "Connection refused" becomes "connection refused". */
static void explain(struct stream_fd *f, int error)
{
    const char *text = strerrordesc_np(error);

    (void)snprintf(f->fault, sizeof(f->fault), "%s", text ? text : "the socket failed");
    f->fault[0] = (char)tolower((unsigned char)f->fault[0]);
}

static enum err failed(struct stream_fd *f, enum err gone)
{
    if (errno == EAGAIN || errno == EINTR)
        return ERR_AGAIN;
    explain(f, errno);
    return gone;
}

static enum err fd_read(struct stream *s, char *into, size_t room, size_t *got)
{
    struct stream_fd *f = self(s);

    if (f->state == FD_CONNECTING)
        return ERR_AGAIN;
    ssize_t n = recv(f->fd, into, room, 0);
    /* A reset after the FIN is still an end to recv: only the socket's error tells. */
    if (n == 0 && sock_connected(f->fd) == ERR_OK)
        return ERR_CLOSED;
    if (n == 0)
        errno = ECONNRESET;
    if (n <= 0)
        return failed(f, errno == ECONNRESET ? ERR_PEER : ERR_IO);
    *got = (size_t)n;
    return ERR_OK;
}

static enum err fd_write(struct stream *s, struct slice bytes, size_t *took)
{
    struct stream_fd *f = self(s);

    if (f->state == FD_CONNECTING)
        return ERR_AGAIN;
    ssize_t n = send(f->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
    if (n < 0)
        return failed(f, ERR_IO);
    *took = (size_t)n;
    return ERR_OK;
}

static void fd_want(struct stream *s, unsigned events)
{
    struct stream_fd *f = self(s);

    f->wanted = events;
    if (f->state == FD_OPEN)
        loop_watch_set(f->watch, events);
}

static void fd_shut(struct stream *s)
{
    /* It fails only when the pipe is gone, and then the next read says so. */
    (void)shutdown(self(s)->fd, SHUT_WR);
}

static void fd_close(struct stream *s)
{
    struct stream_fd *f = self(s);

    loop_task_cancel(&f->opened);
    loop_watch_free(&f->watch);
    close(f->fd);
    mem_free(f);
}

static struct slice nobody(const struct stream *s)
{
    (void)s;
    return (struct slice){0};
}

static const char *fd_fault(const struct stream *s)
{
    return ((const struct stream_fd *)s)->fault;
}

static const struct stream_ops fd_ops = {
    .read = fd_read,
    .write = fd_write,
    .want = fd_want,
    .shut = fd_shut,
    .close = fd_close,
    .peer_id = nobody,
    .alpn = nobody,
    .fault = fd_fault,
};

static void open_up(struct stream_fd *f)
{
    f->state = FD_OPEN;
    loop_watch_set(f->watch, f->wanted);
    say(f, STREAM_OPEN);
}

static void settle_connect(struct stream_fd *f)
{
    if (sock_connected(f->fd) == ERR_OK) {
        open_up(f);
        return;
    }
    explain(f, errno);
    f->state = FD_BROKEN;
    loop_watch_set(f->watch, 0);
    say(f, STREAM_BROKEN);
}

static void on_events(void *arg, unsigned events)
{
    struct stream_fd *f = arg;

    if (f->state == FD_CONNECTING)
        settle_connect(f);
    else
        say(f, events);
}

static void on_opened(struct loop_task *t)
{
    open_up(LIST_OF(t, struct stream_fd, opened));
}

struct stream *stream_fd_new(struct loop *l, int fd, bool connecting)
{
    struct stream_fd *f = mem_new(sizeof(*f));

    PRE(fd >= 0);
    *f = (struct stream_fd){.stream = {.ops = &fd_ops}, .loop = l, .fd = fd};
    f->state = connecting ? FD_CONNECTING : FD_OPENING;
    f->watch = loop_watch_new(l, fd, on_events, f);
    loop_task_init(&f->opened, on_opened);
    if (connecting)
        loop_watch_set(f->watch, LOOP_WRITE);
    else
        loop_defer(l, &f->opened);
    return &f->stream;
}
