#ifndef WEFT_BROKER_SCHEDULE_H
#define WEFT_BROKER_SCHEDULE_H

/* schedule - a request that becomes a job again and again: what is said and stored of it.
 *
 * Kept in two rows: this one is rewritten with every run, the request is not.
 *
 * Lifetime: as record: what is read lies in the arena given; what is written is borrowed.
 * Threads:  pure. */
#include "broker/record.h"

enum { SCHEDULE_NAME = 64, SCHEDULE_CRON = 256, SCHEDULE_KEY = 32 };

/* What becomes of moments that passed while nobody was there.  The numbers are stored: they never change. */
enum schedule_catch_up {
    SCHEDULE_CATCH_ONE,  /* the last of them is run */
    SCHEDULE_CATCH_ALL,  /* each of them is */
    SCHEDULE_CATCH_NONE, /* none is, but one that passed within the last minute */
    SCHEDULE_CATCH_UPS,
};

struct schedule {
    struct slice caller, name, cron;
    struct slice service, operation, labels;
    enum schedule_catch_up catch_up;
    bool paused;
    uint32_t priority, attempts;
    uint64_t timeout_ms;
    int64_t deadline_in_ms; /* after each moment; 0: none */
    int64_t made_ms;
    int64_t last_ms; /* the moment that was dealt with last */
    uint64_t runs;
    struct slice last_job; /* empty: none yet */
    struct slice fault;    /* why the last moment made no job; empty: it did */
};

/* 1 to 64 letters, digits and ._- */
bool schedule_name_ok(struct slice name);
/* Of its rows. */
void schedule_key(struct slice caller, struct slice name, char out[SCHEDULE_KEY]);
MUST_USE enum err schedule_put(struct buf *out, const struct schedule *s);
/* PEER: as record_get. */
MUST_USE enum err schedule_get(struct slice bytes, struct arena *arena, struct schedule *out);

#endif
