#ifndef WEFT_HTTP_POOL_H
#define WEFT_HTTP_POOL_H

/* pool - dialled connections to one endpoint: reuse, multiplex, retire.
 *
 * h2: one handshake in flight, up to 100 streams a connection, then another.
 * h1: one exchange a connection, idle ones kept.  raw: one CONNECT a connection, and it ends with it.  Requests wait in
 * a bounded queue while a connection is being made.
 *
 * After a failed dial all that wait are told, and for 50 ms requests fail at once
 * with the same fault; when to try again is the caller's business.  While another
 * connection serves they wait for room there instead: the endpoint is not gone.
 *
 * Lifetime: pool_close lets exchanges finish and then frees itself; `closed` tells.
 * Threads:  belongs to the loop. */
#include "base/creds.h"
#include "base/due.h"
#include "base/stream.h"
#include "http/transit.h"

struct pool;

enum pool_protocol { POOL_H1, POOL_H2, POOL_RAW };

struct pool_conf {
    /* A new stream to the endpoint, connecting; NULL: it cannot even begin (`*why`). */
    struct stream *(*dial)(void *arg, const char **why);
    /* A connection is ready, before its first request: room for the contract exchange.  May be NULL. */
    void (*opened)(struct pool *p, uint64_t conn_id, void *arg);
    /* After pool_close, when all has ended and the pool is about to be freed.  May be NULL. */
    void (*closed)(void *arg);
    void *arg;
    enum pool_protocol protocol;
    int64_t connect_timeout_us;       /* 1 s, to the end of the handshake */
    int64_t idle_timeout_us;          /* 5 min */
    int64_t stream_idle_us;           /* 5 min; 0: none */
    int64_t ping_us, ping_timeout_us; /* h2: 10 s, 20 s; 0: no PINGs */
    uint32_t max_streams;             /* h2: per connection, 100 */
    uint32_t max_connections;         /* 1024 */
    uint32_t max_waiting;             /* 1000 */
};

struct pool *pool_new(struct loop *l, struct due_clock *clock, const struct pool_conf *conf);
void pool_close(struct pool **p);
/* Whoever is at the other end is judged again by `now`; connections to those it does not take are cut, also such as
 * are still being made.  Keeps a reference. */
void pool_recheck(struct pool *p, struct creds *now);

/* A client transit, not yet sent: fill t->out, then transit_head.  NULL: the queue is full.
 * No connection: gone(TRANSIT_UNSENT) with `fault`.  h2: `conn_id` is known once head() or, with a
 * ready connection, this returns; it may be 0 while waiting. */
struct transit *pool_request(struct pool *p, const struct transit_owner *owner, void *owner_data);
/* The same on exactly this connection, for what must be ordered before others; NULL: it is gone. */
struct transit *pool_request_on(struct pool *p, uint64_t conn_id, const struct transit_owner *owner, void *owner_data);

struct pool_stats {
    uint32_t connections, in_flight, waiting;
    uint64_t dialled, failed;
};
struct pool_stats pool_stats(const struct pool *p);

#endif
