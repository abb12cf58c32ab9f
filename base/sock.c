#include "base/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

enum { BACKLOG = 1024, PORT_MAX = 65535 };

static enum err input(const char **why, const char *sentence)
{
    *why = sentence;
    return ERR_INPUT;
}

static enum err parse_unix(struct slice path, struct sock_addr *out, const char **why)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    if (path.len == 0)
        return input(why, "the path after unix: is empty");
    if (path.len >= sizeof(un.sun_path))
        return input(why, "the path after unix: is longer than 107 bytes");
    if (memchr(path.at, '\0', path.len))
        return input(why, "the path after unix: has a NUL in it");
    memcpy(un.sun_path, path.at, path.len);
    *out = (struct sock_addr){.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1)};
    memcpy(&out->sa, &un, sizeof(un));
    return ERR_OK;
}

static enum err parse_v6(const char *host, uint16_t port, struct sock_addr *out, const char **why)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (inet_pton(AF_INET6, host, &in6.sin6_addr) != 1)
        return input(why, "not an IPv6 address between [ and ]");
    *out = (struct sock_addr){.len = sizeof(in6)};
    memcpy(&out->sa, &in6, sizeof(in6));
    return ERR_OK;
}

static enum err parse_v4(const char *host, uint16_t port, struct sock_addr *out, const char **why)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &in.sin_addr) != 1)
        return input(why, "not a numeric address: 127.0.0.1:8080, [::1]:8080, localhost:8080 or unix:/path");
    *out = (struct sock_addr){.len = sizeof(in)};
    memcpy(&out->sa, &in, sizeof(in));
    return ERR_OK;
}

enum err sock_parse(struct slice text, struct sock_addr *out, const char **why)
{
    char host[64];
    size_t colon;
    uint64_t port;

    if (slice_starts(text, SLICE("unix:")))
        return parse_unix(slice_from(text, 5), out, why);
    if (!slice_find_last(text, ':', &colon))
        return input(why, "no port: write it after a colon, like 127.0.0.1:8080");
    if (slice_u64(slice_from(text, colon + 1), PORT_MAX, &port) != ERR_OK)
        return input(why, "the port is not a number from 0 to 65535");
    struct slice name = slice_to(text, colon);
    bool bracketed = name.len > 2 && name.at[0] == '[' && name.at[name.len - 1] == ']';
    if (bracketed)
        name = slice_of(name.at + 1, name.len - 2);
    if (name.len >= sizeof(host) || (name.len > 0 && memchr(name.at, '\0', name.len)))
        return input(why, "the address is too long");
    memcpy(host, name.len ? name.at : "", name.len);
    host[name.len] = '\0';
    return bracketed ? parse_v6(host, (uint16_t)port, out, why) : parse_v4(host, (uint16_t)port, out, why);
}

static void print_unix(const struct sock_addr *a, struct buf *out)
{
    struct sockaddr_un un;

    memcpy(&un, &a->sa, sizeof(un));
    size_t room = a->len > offsetof(struct sockaddr_un, sun_path) ? a->len - offsetof(struct sockaddr_un, sun_path) : 0;
    buf_putf(out, "unix:%.*s", (int)strnlen(un.sun_path, room), un.sun_path);
}

static void print_inet(const struct sock_addr *a, struct buf *out)
{
    char host[INET6_ADDRSTRLEN] = "";
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    if (a->sa.ss_family == AF_INET6) {
        memcpy(&in6, &a->sa, sizeof(in6));
        (void)inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof(host));
        buf_putf(out, "[%s]:%u", host, ntohs(in6.sin6_port));
        return;
    }
    memcpy(&in, &a->sa, sizeof(in));
    (void)inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
    buf_putf(out, "%s:%u", host, ntohs(in.sin_port));
}

void sock_print(const struct sock_addr *a, struct buf *out)
{
    if (a->sa.ss_family == AF_UNIX)
        print_unix(a, out);
    else
        print_inet(a, out);
}

static const struct sockaddr *generic(const struct sock_addr *a)
{
    return (const struct sockaddr *)(const void *)&a->sa;
}

static bool is_inet(const struct sock_addr *a)
{
    return a->sa.ss_family == AF_INET || a->sa.ss_family == AF_INET6;
}

static void no_delay(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static enum err open_socket(const struct sock_addr *a, int *fd)
{
    *fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return ERR_IO;
    if (is_inet(a))
        no_delay(*fd);
    return ERR_OK;
}

static enum err close_failed(int fd)
{
    int saved = errno;

    close(fd);
    errno = saved;
    return ERR_IO;
}

/* A socket file outlives its process.  Only one that refuses connections is dead. */
static bool is_dead_unix(const struct sock_addr *a)
{
    struct sockaddr_un un;
    struct stat st;
    int fd;

    if (a->sa.ss_family != AF_UNIX)
        return false;
    memcpy(&un, &a->sa, sizeof(un));
    if (lstat(un.sun_path, &st) != 0 || !S_ISSOCK(st.st_mode) || open_socket(a, &fd) != ERR_OK)
        return false;
    bool refused = connect(fd, generic(a), a->len) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused && unlink(un.sun_path) == 0;
}

static int bind_it(int fd, const struct sock_addr *a)
{
    if (bind(fd, generic(a), a->len) == 0)
        return 0;
    if (errno != EADDRINUSE)
        return -1;
    if (is_dead_unix(a))
        return bind(fd, generic(a), a->len);
    errno = EADDRINUSE;
    return -1;
}

static enum err listen_as(const struct sock_addr *a, bool beside, int *fd)
{
    int on = 1, made;

    TRY(open_socket(a, &made));
    if (is_inet(a) && setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
        return close_failed(made);
    if (beside && setsockopt(made, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
        return close_failed(made);
    if (bind_it(made, a) != 0 || listen(made, BACKLOG) != 0)
        return close_failed(made);
    *fd = made;
    return ERR_OK;
}

enum err sock_listen(const struct sock_addr *a, int *fd)
{
    return listen_as(a, false, fd);
}

enum err sock_listen_beside(const struct sock_addr *a, int *fd)
{
    return listen_as(a, is_inet(a), fd);
}

enum err sock_local(int fd, struct sock_addr *out)
{
    struct sock_addr a = {.len = sizeof(a.sa)};

    if (getsockname(fd, (struct sockaddr *)(void *)&a.sa, &a.len) != 0)
        return ERR_IO;
    *out = a;
    return ERR_OK;
}

static enum err accept_failed(void)
{
    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return ERR_FULL;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EOPNOTSUPP:
        return ERR_IO;
    }
    /* Everything else is about that one connection, which is gone (accept(2)). */
    return ERR_AGAIN;
}

enum err sock_accept(int fd, int *conn, struct sock_addr *from)
{
    struct sock_addr a = {.len = sizeof(a.sa)};
    int made = accept4(fd, (struct sockaddr *)(void *)&a.sa, &a.len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (made < 0)
        return accept_failed();
    if (is_inet(&a))
        no_delay(made);
    *conn = made;
    *from = a;
    return ERR_OK;
}

enum err sock_connect(const struct sock_addr *a, int *fd)
{
    int made;

    TRY(open_socket(a, &made));
    if (connect(made, generic(a), a->len) != 0 && errno != EINPROGRESS)
        return close_failed(made);
    *fd = made;
    return ERR_OK;
}

enum err sock_connected(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return ERR_IO;
    errno = error;
    return error ? ERR_IO : ERR_OK;
}

enum err sock_pair(int fds[2])
{
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0 ? ERR_OK : ERR_IO;
}

bool sock_is_loopback(const struct sock_addr *a)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    if (a->sa.ss_family == AF_UNIX)
        return true;
    if (a->sa.ss_family == AF_INET) {
        memcpy(&in, &a->sa, sizeof(in));
        return ntohl(in.sin_addr.s_addr) >> 24 == 127;
    }
    memcpy(&in6, &a->sa, sizeof(in6));
    if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
        return in6.sin6_addr.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}
