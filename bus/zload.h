#ifndef WEFT_BUS_ZLOAD_H
#define WEFT_BUS_ZLOAD_H

/* zload - libzmq, loaded when the first socket is made.
 *
 * Most sidecars never make one, and libzmq brings the C++ runtime, Kerberos, PGM and
 * NORM with it: over 2 MB of memory and a third of the time to start.
 *
 * Lifetime: once loaded it stays.
 * Threads:  zload_calls from any. */
#include <zmq.h>

#define ZLOAD_CALLS(X) \
    X(bind)            \
    X(close)           \
    X(connect)         \
    X(ctx_new)         \
    X(ctx_term)        \
    X(curve_keypair)   \
    X(curve_public)    \
    X(getsockopt)      \
    X(msg_close)       \
    X(msg_data)        \
    X(msg_gets)        \
    X(msg_init)        \
    X(msg_more)        \
    X(msg_recv)        \
    X(msg_size)        \
    X(poll)            \
    X(send)            \
    X(setsockopt)      \
    X(socket)          \
    X(socket_monitor)  \
    X(z85_decode)      \
    X(z85_encode)

/* zmq_bind as `bind`, and so on; see zmq(3). */
struct zload {
#define ZLOAD_MEMBER(name) __typeof__(zmq_##name) *name;
    ZLOAD_CALLS(ZLOAD_MEMBER)
#undef ZLOAD_MEMBER
};

/* NULL: it is not there, or too old; `zload_fault` says so. */
const struct zload *zload_calls(void);
const char *zload_fault(void);

#endif
