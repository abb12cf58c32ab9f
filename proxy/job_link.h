#ifndef WEFT_PROXY_JOB_LINK_H
#define WEFT_PROXY_JOB_LINK_H

/* job_link - our standing with the broker: registers a CURVE key over mTLS, keeps the bus up.
 *
 * A fresh key pair is PUT to https://BROKER/.well-known/weft/bus-keys, which binds
 * it to our SPIFFE identity; the answer's fields weft-bus-key and weft-bus-endpoint
 * name the broker's key and its bus.  When the
 * bus is lost or refuses the key, it registers again: at once, then every second.
 * Calls are spread to whoever asked; records the broker sends by itself go to the
 * runner (Assign, Beat) and to watchers of a job (Event).
 *
 * Lifetime: job_link_close frees at once; every call in flight is answered first.
 * Threads:  belongs to the loop. */
#include "base/sm.h"
#include "bus/bus_client.h"
#include "proxy/snapshot.h"

struct job_link;

struct job_link_conf {
    struct loop *loop;
    struct due_clock *clock;
    struct snapshot *snap; /* identity, broker.https, broker.identity, service, broker.slots */
    /* for the runner */
    void (*hello)(void *arg, Weft__Bus__V1__Hello *hello);
    void (*welcome)(void *arg, const Weft__Bus__V1__Welcome *welcome);
    void (*assign)(void *arg, const Weft__Bus__V1__Assign *assign);
    void (*beat)(void *arg, const Weft__Bus__V1__Beat *beat);
    void (*lost)(void *arg, const char *why);
    void *arg;
};

struct job_link *job_link_new(const struct job_link_conf *conf);
void job_link_close(struct job_link **l);
/* After a reload: the next registration uses this identity. */
void job_link_reload(struct job_link *l, struct snapshot *snap);
/* Welcomed, and not lost since. */
bool job_link_ready(const struct job_link *l);
/* "not connected: connection refused", for /ready and refusals. */
const char *job_link_state(const struct job_link *l);
/* NULL while there is none. */
struct bus_client *job_link_bus(struct job_link *l);

/* Events of one job, in order, each once.  `fn` is called from the loop. */
struct job_link_watch {
    struct list link; /* list_init before the first use */
    char job[72];
    void (*fn)(struct job_link_watch *w, const Weft__Bus__V1__Event *event);
    /* the bus was lost; it watches again by itself from `after` on */
    uint64_t after;
};
void job_link_watch(struct job_link *l, struct job_link_watch *w);
void job_link_unwatch(struct job_link *l, struct job_link_watch *w);

/* Our function's contracts, shown to the broker once per connection, so that a worker's side can
 * judge a job that carries only a digest. */
void job_link_show_contract(struct job_link *l, struct contract *c);

/* The table of states, for tools/states. */
extern const struct sm_table job_link_states;

#endif
