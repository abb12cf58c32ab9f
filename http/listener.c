#include "http/listener.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/stream.h"

enum { TURN_ACCEPTS = 64, PAUSE_US = 100000 };

struct listener {
    struct loop *loop;
    struct due_clock *clock;
    struct listener_conf conf;
    struct loop_watch *watch;
    struct due pause; /* out of descriptors: look again then */
    struct buf address;
    int fd;
};

void listener_take(struct listener *l, int fd, const struct sock_addr *from)
{
    struct buf peer;
    buf_init(&peer, 256);
    sock_print(from, &peer);
    struct stream *stream = stream_fd_new(l->loop, fd, false);
    if (l->conf.creds) {
        struct stream_tls_conf tls = {
            .role = STREAM_SERVER,
            .creds = l->conf.creds(l->conf.arg),
            .alpn = {"h2", "http/1.1"},
            .full = l->conf.full,
            .resumed = l->conf.resumed,
            .may_lack_cert = l->conf.may_lack_cert,
            .may_lack_alpn = true, /* then its first bytes tell */
        };
        stream = stream_tls_new(l->loop, stream, &tls);
    }
    server_take(l->conf.server, stream, buf_slice(&peer));
    buf_fini(&peer);
}

static void rest(struct listener *l)
{
    log_event(LOG_ERROR, "accept-failed", LOG_TEXT("listener", buf_slice(&l->address)),
              LOG_STR("why", "out of file descriptors; looking again in 100 ms"));
    loop_watch_set(l->watch, 0);
    due_in(l->clock, &l->pause, PAUSE_US);
}

static void accept_some(void *arg, unsigned events)
{
    (void)events;
    struct listener *l = arg;
    for (int i = 0; i < TURN_ACCEPTS; i++) {
        struct sock_addr from;
        int fd;
        enum err e = sock_accept(l->fd, &fd, &from);
        if (e == ERR_FULL)
            rest(l);
        if (e != ERR_OK)
            return;
        if (!l->conf.give || !l->conf.give(l->conf.arg, fd, &from))
            listener_take(l, fd, &from);
    }
}

static void look_again(struct due *due)
{
    struct listener *l = (struct listener *)(void *)((char *)due - offsetof(struct listener, pause));
    loop_watch_set(l->watch, LOOP_READ);
}

/* A unix socket has one queue for all; for TCP each has one of its own. */
static enum err listen_beside(const struct listener *first, int *fd)
{
    struct sock_addr addr;
    TRY(sock_local(first->fd, &addr));
    if (addr.sa.ss_family != AF_UNIX)
        return sock_listen_beside(&addr, fd);
    *fd = fcntl(first->fd, F_DUPFD_CLOEXEC, 0);
    return *fd < 0 ? ERR_IO : ERR_OK;
}

/* The kernel would let a stranger of the same user in, too: so it is looked first whether anybody is there. */
static enum err listen_first(const struct sock_addr *addr, int *fd)
{
    int alone;
    if (addr->sa.ss_family == AF_UNIX)
        return sock_listen(addr, fd);
    TRY(sock_listen(addr, &alone));
    close(alone);
    return sock_listen_beside(addr, fd);
}

static enum err listen_at(const struct listener_conf *conf, const struct sock_addr *addr, int *fd)
{
    if (conf->beside)
        return listen_beside(conf->beside, fd);
    return conf->is_shared ? listen_first(addr, fd) : sock_listen(addr, fd);
}

enum err listener_open(struct loop *loop, struct due_clock *clock, const struct listener_conf *conf,
                       struct listener **out)
{
    struct sock_addr addr;
    const char *why;
    int fd;
    TRY(sock_parse(slice_str(conf->address), &addr, &why));
    TRY(listen_at(conf, &addr, &fd));
    struct listener *l = mem_new(sizeof(*l));
    *l = (struct listener){.loop = loop, .clock = clock, .conf = *conf, .fd = fd};
    buf_init(&l->address, 256);
    if (sock_local(fd, &addr) == ERR_OK)
        sock_print(&addr, &l->address);
    due_init(&l->pause, look_again);
    l->watch = loop_watch_new(loop, fd, accept_some, l);
    loop_watch_set(l->watch, LOOP_READ);
    *out = l;
    return ERR_OK;
}

/* Whoever has been connected by the kernel would be reset. */
static void take_the_rest(struct listener *l)
{
    struct sock_addr from;
    int fd;
    while (sock_accept(l->fd, &fd, &from) == ERR_OK) {
        if (l->conf.kept)
            l->conf.kept(l->conf.arg);
        listener_take(l, fd, &from);
    }
}

void listener_close(struct listener **l)
{
    if (!*l)
        return;
    take_the_rest(*l);
    due_cancel((*l)->clock, &(*l)->pause);
    loop_watch_free(&(*l)->watch);
    close((*l)->fd);
    buf_fini(&(*l)->address);
    mem_free(*l);
    *l = NULL;
}

struct slice listener_address(const struct listener *l)
{
    return buf_slice(&l->address);
}
