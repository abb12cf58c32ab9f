#ifndef WEFT_HTTP_TRANSIT_H
#define WEFT_HTTP_TRANSIT_H

/* transit - one request and its response, in flight on one connection.
 *
 * Two parties meet here.  The *carrier* is the connection (h1 or h2, server or
 * client side, or anything else that can play one, such as the job runner).  The
 * *owner* is whoever answers or asks: the relay, an admin handler, a test.
 *
 *   in   what arrives from the wire   server: the request    client: the response
 *   out  what leaves to the wire      server: the response   client: the request
 *
 * Bodies are pushed.  The carrier calls data() with borrowed bytes and stops
 * reading from its peer once the window it gave (TRANSIT_WINDOW) is used up; the
 * owner gives room back with transit_credit as it passes the bytes on.  The owner
 * writes with transit_write, which takes everything up to its bound; sent() tells
 * when it has drained.  So a slow reader slows the writer all the way back.
 *
 * Lifetime: made by the carrier (server side) or by pool_request (client side).
 *           gone() comes exactly once, last, from the loop, never from inside a call
 *           of the owner's; after it the owner calls transit_free, at once or later:
 *           heads and everything in `arena` live until then.
 * Threads:  belongs to the loop. */
#include "base/buf.h"
#include "base/list.h"
#include "http/message.h"

enum { TRANSIT_WINDOW = 256 << 10, TRANSIT_LOW_WATER = 64 << 10 };

/* How it ended. */
enum transit_end {
    TRANSIT_DONE,      /* both messages whole */
    TRANSIT_RESET,     /* the peer gave up on it (RST_STREAM, connection closed in the middle) */
    TRANSIT_CANCELLED, /* the owner gave up on it: transit_reset */
    TRANSIT_UNSENT,    /* provably never reached a peer's application: refused stream, GOAWAY
                          below it, no connection; repeating is safe */
    TRANSIT_NONSENSE,  /* the peer broke the protocol */
    TRANSIT_LATE,      /* a deadline of the carrier's own passed */
};

/* Why an owner resets. */
enum transit_why { TRANSIT_WHY_CANCEL, TRANSIT_WHY_REFUSED, TRANSIT_WHY_INTERNAL, TRANSIT_WHY_PROTOCOL };

struct transit;
struct creds_peer;

struct transit_owner {
    /* t->in is whole; never for 1xx.  t->in_ended: no body, end() is next.  Server side it comes
     * right after accept and may be NULL. */
    void (*head)(struct transit *t);
    void (*info)(struct transit *t,
                 unsigned status); /* client only: a 1xx came, t->in.headers has its fields; may be NULL */
    void (*data)(struct transit *t, struct slice bytes); /* borrowed for the call; owes credit */
    void (*end)(struct transit *t);                      /* t->in.trailers is whole; nothing more comes in */
    void (*sent)(struct transit *t);                     /* out has drained below TRANSIT_LOW_WATER; may be NULL */
    void (*gone)(struct transit *t, enum transit_end how);
};

struct transit_carrier {
    enum err (*head)(struct transit *t, bool end); /* t->out is filled; send it */
    enum err (*info)(struct transit *t, unsigned status, const struct headers *fields);
    void (*wake)(struct transit *t); /* t->body has bytes, or out_ended was set */
    void (*credit)(struct transit *t, size_t n);
    void (*reset)(struct transit *t, enum transit_why why);
    void (*free)(struct transit *t); /* gives the memory back; NULL when it is of a stock */
};

struct transit_stock;

struct transit {
    const struct transit_carrier *carrier;
    const struct transit_owner *owner;
    void *owner_data;
    void *carrier_data;

    struct arena arena;
    struct message in, out;
    struct buf body;  /* out bytes not yet on the wire */
    struct buf spare; /* memory that its owner may use, and move out and back in; serves the next one, too */
    size_t owed;      /* in bytes handed to the owner and not yet credited */

    bool in_head, in_ended;   /* what the owner has been told */
    bool out_head, out_ended; /* what the owner has said */
    bool is_reset;            /* the owner gave up: it hears nothing more but gone() */
    bool is_gone;

    struct list link;            /* the carrier's; its stock's once it is free */
    struct transit_stock *stock; /* where it goes back to; NULL: carrier->free */

    /* about the connection; live as long as the transit */
    struct slice peer_id;    /* verified SPIFFE ID of the other side, or empty */
    struct creds_peer *peer; /* what it has shown for that, borrowed; or NULL */
    int64_t peer_until_us;   /* when the certificate that says so ends, since 1970; 0: nobody knows */
    struct slice peer_addr;  /* for logs */
    const char *fault;       /* with gone: static or in `arena`, for people; may be NULL */
    bool is_h1;
    uint64_t bytes_in, bytes_out;
    uint64_t conn_id; /* unique per connection in this process */
};

/* For carriers. */
void transit_init(struct transit *t, const struct transit_carrier *carrier, void *carrier_data);
void transit_fini(struct transit *t);

/* Where freed transits wait to be used again with their arena's first block; keeps a few.
 * Transits may outlive the stock's owner: the memory goes with the last of both. */
struct transit_stock *transit_stock_new(void);
void transit_stock_free(struct transit_stock **s);
/* One like new, from the stock; transit_free brings it back.  Never NULL. */
struct transit *transit_stock_take(struct transit_stock *s, const struct transit_carrier *carrier, void *carrier_data);

/* What came from the wire, to the owner; nothing once the owner has reset.  Any of these may
 * come back with t->is_reset set. */
void transit_tell_head(struct transit *t, bool end); /* t->in is filled; `end`: and there is no body */
void transit_tell_info(struct transit *t, unsigned status);
void transit_tell_data(struct transit *t, struct slice bytes);
void transit_tell_end(struct transit *t);
/* `n` bytes of t->body are on their way: drops them and tells sent() when it crosses the low water. */
void transit_took(struct transit *t, size_t n);
/* Exactly once; from the loop. */
void transit_gone(struct transit *t, enum transit_end how);

/* For owners.  Sends t->out (status or method, headers).  `end`: there is no body.
 * FULL: the peer would not take so large a head.  PRE: not sent before. */
MUST_USE enum err transit_head(struct transit *t, bool end);
/* A 1xx before the head (server side); 101 is not for this. */
MUST_USE enum err transit_info(struct transit *t, unsigned status, const struct headers *fields);
/* Copies.  FULL: over TRANSIT_WINDOW * 2 unsent bytes (nothing is taken): an owner that credits
 * only what it has passed on never sees it.  CLOSED: it is reset or gone. */
MUST_USE enum err transit_write(struct transit *t, struct slice bytes);
/* t->out.trailers, if any, follow the body. */
void transit_finish(struct transit *t);
void transit_credit(struct transit *t, size_t n);
/* Both directions at once; gone() follows.  Harmless when it is gone already. */
void transit_reset(struct transit *t, enum transit_why why);
/* After gone(). */
void transit_free(struct transit **t);

/* A whole answer in one call: status, content-type, body; for small answers of our own. */
MUST_USE enum err transit_answer(struct transit *t, unsigned status, struct slice type, struct slice body);

#endif
