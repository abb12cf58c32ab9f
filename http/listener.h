#ifndef WEFT_HTTP_LISTENER_H
#define WEFT_HTTP_LISTENER_H

/* listener - accept, shed, hand to http with the right identity rules.
 *
 * Threads: belongs to the loop. */
#include "base/creds.h"
#include "base/sock.h"
#include "http/server.h"

struct listener;

struct listener_conf {
    const char *address;
    struct server *server; /* gets the streams; must outlive the listener */
    /* Whose mTLS to speak, asked at every accept so that a reload counts; NULL: plain. */
    struct creds *(*creds)(void *arg);
    void *arg;
    struct metric *full, *resumed; /* handshakes with certificates, and without; or NULL */
    bool may_lack_cert;            /* mTLS: a peer may show no certificate, and has no identity then */
    /* Somebody else has more time for this one: true takes it over; NULL: nobody. */
    bool (*give)(void *arg, int fd, const struct sock_addr *from);
    void (*kept)(void *arg);       /* with `give`: one is kept without having been offered */
    bool is_shared;                /* others will listen beside it, on loops of their own */
    const struct listener *beside; /* the first of those; NULL: it is the first, or alone */
};

/* IO: errno says why. */
MUST_USE enum err listener_open(struct loop *l, struct due_clock *clock, const struct listener_conf *conf,
                                struct listener **out);
void listener_close(struct listener **l);
/* A connection that another one has accepted. */
void listener_take(struct listener *l, int fd, const struct sock_addr *from);
/* With the port the kernel chose. */
struct slice listener_address(const struct listener *l);

#endif
