#ifndef WEFT_BUS_BUS_GET_H
#define WEFT_BUS_BUS_GET_H

/* bus_get - a body over 256 KiB on its way from the broker, in pieces and within the room we give.
 *
 * Lifetime: from bus_get_start to the last piece or `failed`, after either of which it
 *           is gone, or to bus_get_cut.  As bus_put otherwise.
 * Threads:  belongs to the loop. */
#include "bus/bus_put.h"

struct bus_get;

enum { BUS_GET_ROOM = 1 << 20 };

struct bus_get_owner {
    /* In order; borrowed for the call.  bus_get_took gives the room back. */
    void (*data)(void *arg, struct slice bytes, bool last);
    void (*failed)(void *arg, const struct bus_put_fault *fault);
};

struct bus_get_plan {
    const char *job; /* its result; or NULL: the body that this lease is to run */
    const Weft__Bus__V1__Lease *lease;
    uint64_t offset, length; /* length 0: to its end */
};
/* As bus_put_start. */
MUST_USE enum err bus_get_start(struct bus_client *c, const struct bus_get_plan *plan,
                                const struct bus_get_owner *owner, void *arg, struct bus_get **out);
/* So many bytes have been passed on. */
void bus_get_took(struct bus_get *g, size_t n);
/* No more of it.  NULL is fine. */
void bus_get_cut(struct bus_get **g);

#endif
