#ifndef WEFT_HTTP_SERVER_H
#define WEFT_HTTP_SERVER_H

/* server - accepted connections of one listener, h1 or h2, handing transits up.
 *
 * ALPN or the first bytes decide the protocol: the h2 preface (RFC 9113 section
 * 3.4) is h2, anything else is HTTP/1.1, or bytes without HTTP where the configuration
 * says so: those come as one CONNECT.  TLS or plain is the caller's choice of stream.
 *
 * Lifetime: server_drain says GOAWAY / connection: close and lets exchanges finish, and hears for half a second
 *           more what is on its way;
 *           server_free cuts what is left.
 * Threads:  belongs to the loop. */
#include "base/creds.h"
#include "base/due.h"
#include "base/stream.h"
#include "http/transit.h"

struct server;

struct server_conf {
    /* A request has begun; set t->owner and t->owner_data before returning.  t->in is whole. */
    void (*accept)(struct transit *t, void *arg);
    /* A connection ended before it could ask for anything: who, and why.  May be NULL. */
    void (*refused)(struct slice peer_addr, const char *why, void *arg);
    /* An open connection was cut by server_recheck.  May be NULL. */
    void (*cut)(struct slice peer_id, const char *why, void *arg);
    void *arg;
    void (*left)(void *arg);   /* a connection that server_take took is no more; NULL: nobody asks */
    int64_t header_timeout_us; /* from the first byte of a request to its whole head; 10 s */
    int64_t idle_timeout_us;   /* a connection with no exchange; 5 min */
    int64_t stream_idle_us;    /* an exchange in which nothing moves; 5 min; 0: none */
    bool raw;                  /* without ALPN there is no HTTP here */
    uint32_t max_streams;      /* h2: at once per connection; 256 */
    uint32_t max_connections;  /* 10000; more are closed at once */
};

struct server *server_new(struct loop *l, struct due_clock *clock, const struct server_conf *conf);
/* Takes the stream (open, or about to be). */
void server_take(struct server *s, struct stream *stream, struct slice peer_addr);
/* Every peer is judged again by `now`, some each turn, and cut if it is not taken any more; also one whose handshake
 * began under older creds.  Keeps a reference. */
void server_recheck(struct server *s, struct creds *now);
/* `idle` is called once, when no exchange is left; may be NULL. */
void server_drain(struct server *s, void (*idle)(void *arg), void *arg);
void server_free(struct server **s);
uint32_t server_connections(const struct server *s);
uint32_t server_exchanges(const struct server *s);

#endif
