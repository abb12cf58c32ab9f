#ifndef WEFT_PROXY_RELAY_H
#define WEFT_PROXY_RELAY_H

/* relay - THE heart: one exchange from accepted head to access-log line.
 *
 *   inbound   another sidecar (mTLS)  ->  us  ->  our function
 *   outbound  our function            ->  us  ->  another sidecar (mTLS)
 *
 * Inbound asks, in this order: the contract (accord: wait for it if it is on its
 * way), the policy (authz), what the verdict leads to (enforce), and only then opens
 * the way to the function.  Outbound picks the service, refuses what is known not to
 * fit, and shows the contract's digest.
 *
 * Lifetime: relay_start takes over `down`; everything ends by itself.  The relay
 *           keeps the snapshot it began with.
 * Threads:  belongs to the loop. */
#include "base/sm.h"
#include "proxy/accord.h"
#include "proxy/commons.h"
#include "proxy/gate.h"
#include "proxy/ledger.h"
#include "proxy/rate.h"
#include "proxy/snapshot.h"

enum relay_side { RELAY_INBOUND, RELAY_OUTBOUND };

/* What all relays of a sidecar share. */
struct relay_env {
    struct loop *loop;
    struct due_clock *clock;
    struct snapshot *snap; /* the current one */
    struct accord *accord;
    struct commons *commons; /* shared with other workers; NULL: there are none */
    struct ledger ledger;
    struct gate gate;          /* to our function */
    struct rate rate;          /* of those who call it, where there are no other workers */
    uint64_t id_seed, id_next; /* request ids */
    uint32_t exchanges;        /* in flight */
    struct list running;       /* exchanges; zeroed: none yet */
};

/* As the current snapshot wants it. */
void relay_env_limits(struct relay_env *env);
/* Every exchange with our function is asked again by the current policy; those it denies are refused or cut. */
void relay_recheck(struct relay_env *env);
/* Once nobody listens any more: what still goes to a function or a service is cut. */
void relay_cut_all(struct relay_env *env);
/* `to`: the service called (outbound), or NULL. */
void relay_start(struct relay_env *env, enum relay_side side, struct cluster *to, struct transit *down);

/* The table of states, for tools/states. */
extern const struct sm_table relay_states;

#endif
