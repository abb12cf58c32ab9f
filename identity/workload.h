#ifndef WEFT_IDENTITY_WORKLOAD_H
#define WEFT_IDENTITY_WORKLOAD_H

/* workload - our identity from a SPIFFE Workload API, such as a SPIRE agent's: FetchX509SVID, gRPC over a local socket.
 *
 * The stream stays open, and each answer in it replaces the one before.  When it breaks, what is known goes on and the
 * endpoint is asked again after 1 s, 2 s, up to 30 s.  When it says that we have no identity any more, that counts at
 * once.
 *
 * Lifetime: workload_new, workload_close.
 * Threads:  belongs to the loop. */
#include "base/due.h"
#include "policy/svid_set.h"

struct workload;

struct workload_owner {
    void (*changed)(void *arg, struct svid_set *set); /* another one than before; neither closes us */
    void (*withdrawn)(void *arg, const char *why);    /* no identity is ours any more */
};

/* "unix:///run/spire/agent.sock" or "tcp://127.0.0.1:8081".  `*why` is a static sentence. */
bool workload_address_ok(struct slice endpoint, const char **why);
/* `known`: what the owner has already, or NULL. */
struct workload *workload_new(struct loop *l, struct due_clock *clock, const char *endpoint, struct svid_set *known,
                              const struct workload_owner *owner, void *arg);
void workload_close(struct workload **w);
/* For start-up: waits at most 10 s for the first answer.  IO: `fault` says why there is none. */
enum { WORKLOAD_FAULT = 256 };
MUST_USE enum err workload_first(const char *endpoint, struct svid_set **out, char fault[WORKLOAD_FAULT]);

#endif
