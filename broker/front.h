#ifndef WEFT_BROKER_FRONT_H
#define WEFT_BROKER_FRONT_H

/* front - the ROUTER end: identities, bounds, who is told what when full.
 *
 * Frames in become records for api; records out are collected per session and leave
 * as one message at the end of the turn.  A session that cannot take its message, or
 * that has been silent for long, is dropped: its sidecar says hello again, and its
 * leases decide about its jobs.
 *
 * Lifetime: front_close frees at once.
 * Threads:  belongs to the loop. */
#include "base/due.h"
#include "base/metric.h"
#include "broker/session.h"
#include "weft/bus/v1/bus.pb-c.h"

struct front;

enum { FRONT_SESSIONS = 20000 };

/* OK: whose key it is, and until when (monotonic): then the session ends.  DENIED: nobody's. */
typedef enum err front_admit_fn(void *arg, const uint8_t key[ZSOCK_KEY], struct slice *identity, int64_t *until_us);

struct front_conf {
    struct loop *loop;
    struct due_clock *clock;
    const char *endpoint; /* "tcp://127.0.0.1:4750" */
    const uint8_t *secret_key;
    front_admit_fn *admit;
    int64_t silence_us;
    struct metric_set *metrics;
    void (*record)(void *arg, struct session *s, const Weft__Bus__V1__Record *r);
    /* A record that did not reach its peer, for its route is gone or full. */
    void (*undelivered)(void *arg, struct session *s, const Weft__Bus__V1__Record *r);
    void (*left)(void *arg, struct session *s); /* before it is freed */
    void *arg;
};

/* IO: `*why`. */
MUST_USE enum err front_open(const struct front_conf *conf, struct front **out, const char **why);
void front_close(struct front **f);
const char *front_endpoint(const struct front *f);

/* Copies.  Too much for one message: a Problem goes instead. */
void front_send(struct front *f, struct session *s, Weft__Bus__V1__Record *r);
/* NULL: gone. */
struct session *front_session(struct front *f, uint64_t id);
/* Another session of the same process, or NULL. */
struct session *front_twin(struct front *f, const struct session *s);
typedef void front_each_fn(void *arg, struct session *s);
void front_each(struct front *f, front_each_fn *fn, void *arg);
/* Sessions whose key may not speak any more end now. */
void front_recheck(struct front *f);
/* What has been said and not yet sent goes out now. */
void front_flush(struct front *f);

#endif
