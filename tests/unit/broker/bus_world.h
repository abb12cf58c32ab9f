#ifndef WEFT_TESTS_UNIT_BROKER_BUS_WORLD_H
#define WEFT_TESTS_UNIT_BROKER_BUS_WORLD_H

/* bus_world - everything between the bus and the store, with sidecars that say what a test tells them.
 *
 * The services are "trainer" and "printer"; a job has one attempt.
 *
 * Lifetime: caller's memory, which must not move.  Threads: belongs to its loop. */
#include "broker/api.h"
#include "bus/bus_client.h"
#include "tests/kit/t.h"

#define ID(name) "spiffe://example.org/" name

enum { PEERS = 4, TURNS = 20000 };

struct world;

/* A sidecar, and the last thing it heard of each kind. */
struct peer {
    struct world *world;
    const char *identity;
    struct bus_client *client;
    uint8_t key[ZSOCK_KEY];
    Weft__Bus__V1__Lease running; /* what it says it runs, when job is set */
    unsigned welcomes, attached, dropped, answers, assigns, beats, events, lasts;
    Weft__Bus__V1__Record__BodyCase answer;
    char word[32], job[JOB_ID + 1], body[64], names[256];
    unsigned status;
    Weft__Bus__V1__State state;
    bool replayed;
    size_t count;
    char assigned[JOB_ID + 1], cancelled[JOB_ID + 1];
    uint64_t token;
};

/* Everything between the bus and the store, as the broker puts it together. */
struct world {
    struct loop *loop;
    struct due_clock *clock;
    struct metric_set *metrics;
    struct store *store;
    struct blob_shelf *shelf;
    char folder[64]; /* of it */
    struct desk *desk;
    struct almanac *almanac;
    struct api *api;
    struct front *front;
    struct authz *policy;
    const char *runner; /* of the service "trainer" */
    uint8_t public_key[ZSOCK_KEY], secret_key[ZSOCK_KEY];
    struct peer peers[PEERS];
    size_t peer_count;
    int64_t until_us; /* what keys are good for; 0: for ever */
};

#define UNTIL(w, claim)                                         \
    do {                                                        \
        for (int turn_ = 0; turn_ < TURNS && !(claim); turn_++) \
            loop_turn((w)->loop, true);                         \
        CHECK(claim);                                           \
    } while (0)

/* `runs` is what it claims to run of this job, or NULL. */
struct peer *bus_world_enter(struct world *w, const char *identity, const char *service, const struct peer *runs);
void bus_world_call(struct peer *p, Weft__Bus__V1__Record *r);
void bus_world_check_refused(struct peer *p, const char *word, unsigned status);
Weft__Bus__V1__Submit bus_world_a_submit(void);
void bus_world_submit(struct peer *p, Weft__Bus__V1__Submit *m);
void bus_world_credit(struct peer *p, const char *service);
/* As a result of the job that `of` was assigned. */
void bus_world_done(struct peer *p, struct peer *of);
void bus_world_give_up(struct peer *p);
/* A verb that names one job and nothing else. */
void bus_world_about(struct peer *p, Weft__Bus__V1__Record__BodyCase verb, const char *job);
void bus_world_watch(struct peer *p, const char *job);
void bus_world_open(struct world *w, const char *policy_text);
void bus_world_close(struct world *w);
/* One job of `web`, running at `trainer`. */
void bus_world_begin(struct peer *web, struct peer *trainer);

#endif
