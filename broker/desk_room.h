#ifndef WEFT_BROKER_DESK_ROOM_H
#define WEFT_BROKER_DESK_ROOM_H

/* desk_room - what the rooms of the desk share: its tables, its clocks, its lines.
 *
 * Private to desk*.c.  Threads: belongs to the loop. */
#include "base/arena.h"
#include "broker/after.h"
#include "broker/deadline.h"
#include "broker/desk.h"

enum { DESK_ROOM_LANES = 1000 };

/* One service: its queue and its workers.  Or, beside it, those of its jobs that need the same labels: they
 * wait in a lane of their own, so that they hold up nobody who needs less. */
struct desk_line {
    char *name;           /* of a lane: service, a line feed, labels */
    struct desk_line *of; /* a lane: its service */
    struct slice needs;   /* a lane: inside its name */
    struct list lanes;    /* a service: of these */
    struct list lane;     /* in them */
    size_t lane_count;
    bool tried; /* nobody can take its first job just now */
    struct queue queue;
    struct dispatch dispatch;
    uint32_t attempts, concurrency, per_minute, key_concurrency, key_per_minute;
    bool configured, paused;
    int64_t next_us; /* of a limited rate: no lease before it, monotonic */
    struct metric *queued, *aside, *delayed, *workers;
};

struct desk {
    struct desk_conf conf;
    struct job_table jobs;
    struct lease_table leases;
    struct map services;
    struct desk_line *recent; /* service that was needed last */
    struct after after;
    struct map keys;                 /* that hold jobs back, or that had one begin; of desk_key */
    struct heap keys_times;          /* of them, when the next one may begin */
    struct deadline_table deadlines; /* of jobs that have one, until they are over */
    struct list late;                /* recovered, and to wait for others once the store may be read */
    struct due timer;                /* next lease or delayed job */
    struct due expire;               /* retention */
    struct loop_task meet;           /* jobs meet credit at the end of the turn */
    struct metric_family *events, *queued, *aside, *delayed, *workers;
    struct metric *leased;
    int64_t id_ms; /* of the last job id, and its tail: ids of one millisecond ascend */
    uint8_t id_tail[10];
    bool draining;
};

/* What waits for the store. */
struct desk_waiting {
    struct desk *desk;
    desk_done_fn *done; /* or NULL */
    void *arg;
    struct record_job job; /* only what the step needs, in `text` */
    struct record_event event;
    bool last;
    uint64_t worker; /* of an assignment */
    struct arena text;
};

int64_t desk_room_wall_ms(const struct desk *d);
int64_t desk_room_mono_us(const struct desk *d);
/* NULL: no such service. */
struct desk_line *desk_room_line(const struct desk *d, struct slice service);
/* Made when it is new. */
struct desk_line *desk_room_need_line(struct desk *d, struct slice service);
/* Where a job with these labels waits; made when it is new.  NULL: over DESK_ROOM_LANES. */
struct desk_line *desk_room_need_lane(struct desk *d, struct desk_line *service, struct slice labels);
/* The service of a line: itself, or whose lane it is. */
struct desk_line *desk_room_service(struct desk_line *s);
struct desk_line *desk_room_line_of(const struct desk *d, const struct job *j);
/* For people; empty: nobody, or it has gone. */
struct slice desk_room_worker_name(const struct desk *d, uint64_t worker);

#endif
