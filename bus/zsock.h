#ifndef WEFT_BUS_ZSOCK_H
#define WEFT_BUS_ZSOCK_H

/* zsock - THE libzmq room: a socket in our loop, drained to EAGAIN, CURVE keys, ZAP.
 *
 * Only here is it known that libzmq's descriptor is edge-triggered, that ROUTER drops
 * silently unless told otherwise, and that CURVE without ZAP authenticates nobody.
 * One message is one body frame; a ROUTER adds the peer's route.
 *
 * Lifetime: zsock_close frees at once, LINGER 0 (200 ms for a ROUTER).
 * Threads:  belongs to the loop. */
#include "base/loop.h"

struct zsock;

enum { ZSOCK_KEY = 32, ZSOCK_ROUTE = 8, ZSOCK_MESSAGE = 1 << 20 };

struct zsock_route {
    uint8_t len, id[ZSOCK_ROUTE];
};

/* `user` is what ZAP answered for this peer (its SPIFFE ID); empty on a DEALER. */
typedef void zsock_recv_fn(void *arg, const struct zsock_route *from, struct slice user, struct slice body);
/* What only the handshake knows: "the broker does not know our key", "the broker has gone".
 * libzmq goes on trying by itself. */
typedef void zsock_fault_fn(void *arg, const char *why);

/* A new CURVE key pair; zeros where there is no libzmq, which the socket that gets them says. */
void zsock_keys(uint8_t public_key[ZSOCK_KEY], uint8_t secret_key[ZSOCK_KEY]);

/* OK: `user` gets the identity bound to this key.  DENIED: nobody has registered it. */
typedef enum err zsock_admit_fn(void *arg, const uint8_t key[ZSOCK_KEY], struct slice *user);

struct zsock_router_conf {
    const char *endpoint; /* "tcp://127.0.0.1:4750"; port 0 lets the kernel choose */
    const uint8_t *secret_key;
    zsock_admit_fn *admit; /* answers on the loop */
    zsock_recv_fn *recv;
    void *arg;
};
/* Proves before it returns that an unregistered key is refused.  IO: `*why` says what failed. */
MUST_USE enum err zsock_router(struct loop *l, const struct zsock_router_conf *conf, struct zsock **out,
                               const char **why);

struct zsock_dealer_conf {
    const char *endpoint;
    const uint8_t *server_key, *public_key, *secret_key;
    zsock_recv_fn *recv;
    zsock_fault_fn *fault;
    void *arg;
};
MUST_USE enum err zsock_dealer(struct loop *l, const struct zsock_dealer_conf *conf, struct zsock **out,
                               const char **why);

void zsock_close(struct zsock **z);
/* What is queued may still leave for so long while it is closed (which then blocks). */
void zsock_linger(struct zsock *z, int ms);
/* The endpoint as bound, with its real port. */
const char *zsock_endpoint(const struct zsock *z);

/* Copies.  AGAIN: that peer is full: keep it and try later.  ABSENT: that peer is gone.
 * OK is no proof of delivery. */
MUST_USE enum err zsock_send(struct zsock *z, const struct zsock_route *to, struct slice body);

#endif
