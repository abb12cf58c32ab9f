#ifndef WEFT_BUS_BUS_CLIENT_H
#define WEFT_BUS_BUS_CLIENT_H

/* bus_client - the DEALER end: says hello, sends records, matches answers, reconnects.
 *
 * Records queued in one turn of the loop leave as one ZeroMQ message.  Every beat
 * it renews, by itself, what `hello` says still runs; the Beat that answers comes to
 * `record`.  After a
 * silence of three beats the broker counts as lost: `lost` is called, calls in
 * flight are answered ERR_AGAIN, and hello is said again until welcomed.
 *
 * Lifetime: bus_client_close frees at once; calls in flight are answered ERR_CLOSED
 *           first.
 * Threads:  belongs to the loop. */
#include "base/due.h"
#include "weft/bus/v1/bus.pb-c.h"

struct bus_client;

struct bus_client_conf {
    const char *endpoint;   /* "tcp://10.0.0.9:4750"; copied, as are the two names */
    uint8_t server_key[32]; /* CURVE, binary */
    uint8_t public_key[32], secret_key[32];
    const char *service;  /* ours; "" for a caller only */
    const char *instance; /* fresh per process start */
    size_t max_waiting;   /* calls in flight; 10000 */
};

struct bus_client_owner {
    /* Fills `hello` with what still runs (arrays must live until the call returns). */
    void (*hello)(void *arg, Weft__Bus__V1__Hello *hello);
    void (*welcome)(void *arg, const Weft__Bus__V1__Welcome *welcome);
    void (*lost)(void *arg, const char *why);
    /* A record the broker sent by itself (Assign, Beat, Event). */
    void (*record)(void *arg, const Weft__Bus__V1__Record *record);
};

/* `answer` is NULL unless `e` is OK; borrowed for the call. */
typedef void bus_client_answer_fn(void *arg, enum err e, const Weft__Bus__V1__Record *answer);

/* NULL: this libzmq cannot. */
struct bus_client *bus_client_start(struct loop *l, struct due_clock *clock, const struct bus_client_conf *conf,
                                    const struct bus_client_owner *owner, void *arg);
void bus_client_close(struct bus_client **c);
bool bus_client_ready(const struct bus_client *c);

/* No answer wanted.  AGAIN: the broker is lost; nothing was sent.  FULL: over the bound. */
MUST_USE enum err bus_client_send(struct bus_client *c, Weft__Bus__V1__Record *record);
/* The answer comes exactly once, from the loop.  Errors as above, and then no answer comes.
 * `timeout_us` > 0: ERR_AGAIN after it. */
MUST_USE enum err bus_client_call(struct bus_client *c, Weft__Bus__V1__Record *record, int64_t timeout_us,
                                  bus_client_answer_fn *fn, void *arg);
/* What goes on for longer than one answer: records of blobs with this id come to it.  Said NULL when the broker is
 * lost, or the client is closed; it may end itself from inside. */
struct bus_client_stream {
    struct list link;
    uint64_t id;
    void (*record)(struct bus_client_stream *s, const Weft__Bus__V1__Record *record);
};
/* With a new id. */
void bus_client_stream_begin(struct bus_client *c, struct bus_client_stream *s,
                             void (*record)(struct bus_client_stream *s, const Weft__Bus__V1__Record *record));
void bus_client_stream_end(struct bus_client_stream *s);

/* Forget the answer of every call with this `arg`: its owner is going. */
void bus_client_forget(struct bus_client *c, void *arg);

#endif
