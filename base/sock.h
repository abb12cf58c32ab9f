#ifndef WEFT_BASE_SOCK_H
#define WEFT_BASE_SOCK_H

/* sock - addresses, listen, connect, accept; system calls only.
 *
 * "127.0.0.1:8080", "[::1]:8080", "0.0.0.0:0", "unix:/run/app.sock", and a bare
 * "localhost:8080" (127.0.0.1).  All sockets are non-blocking and close-on-exec;
 * TCP has TCP_NODELAY. */
#include <sys/socket.h>
#include <sys/un.h>

#include "base/buf.h"

struct sock_addr {
    struct sockaddr_storage sa;
    socklen_t len;
};

/* INPUT: not an address (`*why` is a static sentence). */
MUST_USE enum err sock_parse(struct slice text, struct sock_addr *out, const char **why);
void sock_print(const struct sock_addr *a, struct buf *out);
/* IO: errno says why.  An old unix socket nobody listens on is replaced. */
MUST_USE enum err sock_listen(const struct sock_addr *a, int *fd);
/* TCP: beside others of this process at the same address, among whom the kernel shares out the connections. */
MUST_USE enum err sock_listen_beside(const struct sock_addr *a, int *fd);
/* What the kernel chose for port 0. */
MUST_USE enum err sock_local(int fd, struct sock_addr *out);
/* AGAIN: nobody waits.  FULL: out of descriptors.  IO. */
MUST_USE enum err sock_accept(int fd, int *conn, struct sock_addr *from);
/* The connect is under way; wait for write, then sock_connected. */
MUST_USE enum err sock_connect(const struct sock_addr *a, int *fd);
/* OK, or IO with errno set. */
MUST_USE enum err sock_connected(int fd);
/* Two connected ends within this process. */
MUST_USE enum err sock_pair(int fds[2]);
bool sock_is_loopback(const struct sock_addr *a);

#endif
