#ifndef WEFT_BROKER_SESSION_H
#define WEFT_BROKER_SESSION_H

/* session - one client or worker on the bus: who it is, what it waits for, what we owe it.
 *
 * Lifetime: from the first frame of a route to silence or a broken route; others
 *           name it by `id`, which is never used again.
 * Threads:  belongs to the loop. */
#include "base/buf.h"
#include "base/list.h"
#include "broker/dispatch.h"
#include "broker/job.h"
#include "bus/zsock.h"

enum { SESSION_WATCHES = 1000, SESSION_NAME_MOST = 64 };

/* Events of a job it wants to hear. */
struct session_watch {
    struct list link;
    struct list by_job; /* of all who watch this job; for `watching` */
    struct session *session;
    uint64_t after;
    char job[JOB_ID + 1];
};

struct blob_seat;

struct session {
    struct list link;   /* of the front */
    struct list unsent; /* of those with records of this turn */
    uint64_t id;
    struct zsock_route route;
    char *identity; /* SPIFFE ID, as the door has it */
    char *service;  /* whose jobs it runs, or "" */
    char *instance;
    char *labels;
    bool greeted; /* has said hello */
    bool joined;  /* its credit counts */
    struct dispatch_worker worker;
    int64_t heard_us;
    uint8_t key[ZSOCK_KEY];
    int64_t until_us; /* what the key is good for, as far as we know */
    struct list watches;
    size_t watch_count;
    struct blob_seat *blobs; /* of blob_verbs; NULL: none yet */
    struct buf out;          /* records of this turn */
    size_t out_records;
};

struct session *session_new(uint64_t id, const struct zsock_route *route, struct slice identity);
void session_free(struct session **s);
void session_name(struct session *s, const char *service, const char *instance);
/* What its function has; none when they are not well formed. */
void session_label(struct session *s, const char *labels);
/* FULL: it watches too many. */
MUST_USE enum err session_watch(struct session *s, struct slice job, uint64_t after);
void session_unwatch(struct session *s, struct slice job);
struct session_watch *session_watches(struct session *s, struct slice job);

#endif
