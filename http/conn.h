#ifndef WEFT_HTTP_CONN_H
#define WEFT_HTTP_CONN_H

/* conn - what a server or a pool asks of one connection, whichever protocol it speaks.
 *
 * Implementations: h1_server, h2_server, h1_client, h2_client, raw_conn.  Each is the carrier
 * of its transits.
 *
 * Lifetime: made over a stream that it takes and closes.  closed() comes exactly
 *           once, from the loop; every transit has had gone() before it; after it
 *           returns the conn is freed by its implementation.  conn_close asks for
 *           that: it never frees inside the call.
 * Threads:  belongs to the loop. */
#include "base/due.h"
#include "base/stream.h"
#include "http/transit.h"

struct conn;
struct creds_peer;

/* Who keeps the connection: a server or a pool. */
struct conn_host {
    /* server side: a request's head is whole; the host sets owner and owner_data */
    void (*accept)(struct conn *c, struct transit *t);
    /* client side: the handshake is done, requests can be sent */
    void (*ready)(struct conn *c);
    /* an exchange has ended, or the peer has changed what it allows (GOAWAY: c->draining);
     * c->exchanges and c->room are up to date */
    void (*freed)(struct conn *c);
    /* `fault` for people: NULL when it ended well */
    void (*closed)(struct conn *c, const char *fault);
};

struct conn_ops {
    /* Client side.  Carries `t`, made by the pool and perhaps begun already: from here on the conn
     * is its carrier and sends what t->out, t->body, t->out_head and t->out_ended say so far.
     * PRE: c->ready, c->room > 0.  Calls nothing of the owner's before it returns. */
    void (*request)(struct conn *c, struct transit *t);
    /* no new exchanges; GOAWAY or connection: close; closes when the last has ended */
    void (*drain)(struct conn *c);
    /* now; exchanges end with gone() */
    void (*close)(struct conn *c);
};

struct conn {
    const struct conn_ops *ops;
    const struct conn_host *host;
    void *host_data;
    struct list link;        /* the host's */
    struct stream *stream;   /* the pool's: borrowed, good until it is ready */
    struct creds_peer *peer; /* the host's: who is at the other end, or NULL */
    uint64_t judged;         /* the host's: the last time it asked who that is */
    uint64_t id;             /* unique in this process */
    uint32_t exchanges;      /* in flight */
    uint32_t room;           /* client side: how many more it can take now */
    bool ready;              /* the handshake was done; stays so */
    bool draining;
};

struct conn_conf {
    struct loop *loop;
    struct transit_stock *stock; /* server side: transits come from it; outlives the conn */
    struct h2_mem *mem;          /* h2: blocks shared by its host's conns; outlives them; NULL: malloc's */
    struct due_clock *clock;
    const struct conn_host *host;
    void *host_data;
    struct slice peer_addr;     /* copied */
    int64_t connect_timeout_us; /* client side, to the end of the handshake */
    int64_t header_timeout_us;  /* server side */
    int64_t idle_timeout_us;
    int64_t stream_idle_us;
    int64_t ping_us, ping_timeout_us; /* h2 client */
    uint32_t max_streams;
};

uint64_t conn_next_id(void);

/* `already` was read while the protocol was being told apart; server side streams are open. */
struct conn *h1_server_new(const struct conn_conf *conf, struct stream *stream, struct slice already);
struct conn *h2_server_new(const struct conn_conf *conf, struct stream *stream, struct slice already);
/* The stream may still be connecting.  h1: a kept connection that closes without a byte of an answer
 * ends its exchange with TRANSIT_RESET and the fault CONN_KEPT_CLOSED: the function may or may not have
 * seen the request, so whether to repeat it depends on the request. */
#define CONN_KEPT_CLOSED "the function closed a kept connection"
struct conn *h1_client_new(const struct conn_conf *conf, struct stream *stream);
struct conn *h2_client_new(const struct conn_conf *conf, struct stream *stream);
/* Bytes without HTTP, carried as one CONNECT (raw_conn.c). */
struct conn *raw_conn_server(const struct conn_conf *conf, struct stream *stream);
struct conn *raw_conn_client(const struct conn_conf *conf, struct stream *stream);

#endif
