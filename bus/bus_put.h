#ifndef WEFT_BUS_BUS_PUT_H
#define WEFT_BUS_BUS_PUT_H

/* bus_put - a body over 256 KiB on its way to the broker, in pieces and within the room it gives.
 *
 * Never more than that room is in memory here: what does not fit is not taken.
 *
 * Lifetime: from bus_put_start to `kept` or `failed`, after either of which it is
 *           gone, or to bus_put_cut.  The client must outlive it, or be closed, which
 *           fails it.
 * Threads:  belongs to the loop. */
#include "bus/bus_client.h"

struct bus_put;

enum { BUS_PUT_PIECE = 128 << 10, BUS_PUT_DIGEST = 32 };

/* Why it failed.  A word of docs/errors.md, or "" when the broker was lost. */
struct bus_put_fault {
    const char *word, *detail;
    unsigned status; /* the HTTP status it maps to; 0 when the broker was lost */
};

/* Each from the loop, never from inside a call of bus_put. */
struct bus_put_owner {
    void (*room)(void *arg); /* more may be written */
    /* All of it is on the broker's disk; name it by this in a record on the same connection. */
    void (*kept)(void *arg, const uint8_t digest[BUS_PUT_DIGEST], uint64_t size);
    void (*failed)(void *arg, const struct bus_put_fault *fault);
};

struct bus_put_plan {
    uint64_t size; /* 0: not known */
    /* A result of this attempt; NULL: the body of a job, of this service and operation. */
    const Weft__Bus__V1__Lease *lease;
    const char *service, *operation;
};
/* AGAIN: the broker is lost.  FULL: too much waits for it. */
MUST_USE enum err bus_put_start(struct bus_client *c, const struct bus_put_plan *plan,
                                const struct bus_put_owner *owner, void *arg, struct bus_put **out);
/* Copies as much as there is room for; that much.  `last`: these bytes end it, if all of them were taken. */
size_t bus_put_write(struct bus_put *p, struct slice bytes, bool last);
/* Was the end taken?  Then nothing more may be written. */
bool bus_put_is_whole(const struct bus_put *p);
/* Nothing of it stays at the broker.  NULL is fine. */
void bus_put_cut(struct bus_put **p);

/* For bus_get.c. */
struct bus_put_fault bus_put_fault_of(const Weft__Bus__V1__Problem *problem);

#endif
