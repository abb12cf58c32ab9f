#ifndef WEFT_BROKER_API_H
#define WEFT_BROKER_API_H

/* api - the verbs of the bus: who may say them, what they do, what is answered.
 *
 * Between the front (records of a session) and the desk (jobs).  Every verb is
 * authorised: a worker runs the service whose identity is configured as its own, a
 * caller sees and cancels what it has submitted, and policy may say no to all and
 * yes to more (facts job("submit"), job("run"), job("see"), job("cancel")).
 *
 * Lifetime: api_free before desk and front.
 * Threads:  belongs to the loop. */
#include "broker/almanac.h"
#include "broker/blob_traffic.h"
#include "broker/desk.h"
#include "broker/front.h"
#include "broker/outbox.h"
#include "policy/authz.h"

struct api_conf {
    struct loop *loop;
    struct store *store;
    const char *instance; /* of this process */
    int64_t lease_us, beat_us;
    /* Who may run the jobs of a service; NULL: nobody. */
    const char *(*runner_of)(void *arg, struct slice service);
    /* The policy now in force. */
    struct authz *(*policy)(void *arg);
    const struct callback_rules *(*callbacks)(void *arg);
    struct outbox *outbox;
    struct due_clock *clock;
    struct blob_shelf *shelf;
    uint64_t payload_most, caller_most; /* bytes of one blob, and of all that one caller has */
    void *arg;
};

/* For the rooms of the verbs. */
struct api {
    struct api_conf conf;
    struct desk *desk;
    struct front *front;
    struct arena scratch; /* of one record; reset after it */
    struct almanac *almanac;
    struct map watched; /* by job: who watches it; of `watching` */
    struct blob_desk blobs;
};

enum { API_PAYLOAD = 256 << 10, API_CONTRACT = 64 << 10, API_KEY = 255, API_PATH = 8192 };

struct api *api_new(const struct api_conf *conf);
void api_free(struct api **a);
/* Both must be there before the first record. */
void api_bind(struct api *a, struct desk *d, struct front *f, struct almanac *almanac);

/* For the front. */
void api_record(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void api_undelivered(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void api_left(struct api *a, struct session *s);
/* For the desk. */
enum err api_assign(struct api *a, uint64_t worker, const struct record_job *job);
void api_event(struct api *a, struct slice job, const struct record_event *event, bool last);
void api_cancel(struct api *a, uint64_t worker, struct slice job, uint64_t token);
/* For the almanac: may this caller submit it just now? */
bool api_may_submit(struct api *a, struct slice caller, struct slice service, struct slice operation);
/* Tells every worker to finish what it runs and take no more. */
void api_drain(struct api *a);

#endif
