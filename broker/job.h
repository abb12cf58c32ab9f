#ifndef WEFT_BROKER_JOB_H
#define WEFT_BROKER_JOB_H

/* job - a job and its states, and the table of those that are not over.
 *
 * Memory holds the index of a job only: who, where to, when, how often.  What was
 * asked and what came of it is in the store.  The names of services, callers and
 * operations are kept once each, however many jobs share them.
 *
 * Lifetime: a job lives from job_new to job_free; everything else names it by id.
 * Threads:  belongs to the loop; reads no clock, does no I/O. */
#include "base/heap.h"
#include "base/index.h"
#include "base/list.h"
#include "base/map.h"
#include "base/slab.h"
#include "base/sm.h"

/* The numbers are those of the bus and of the store: they never change. */
enum job_state { JOB_DELAYED, JOB_QUEUED, JOB_LEASED, JOB_DONE, JOB_CANCELLED, JOB_DEAD, JOB_STATES };
extern const struct sm_row job_rows[JOB_STATES];

enum {
    JOB_ID = 26,
    JOB_ID_BYTES = 16,
    JOB_PRIORITIES = 10,
    JOB_PRIORITY = 5,
    JOB_ATTEMPTS = 5,
    JOB_NAME_MOST = 2048,
};

/* What else there is to know of a job, beside its request.  The numbers are stored: they never change. */
enum job_trait {
    JOB_CALLS_BACK = 1,
    JOB_AWAITS = 2,
    JOB_HAS_BLOBS = 4, /* its body or an answer of it lies in a file of its own */
};

/* A text shared by many jobs. */
struct job_name {
    size_t uses;
    size_t leased; /* as a service, or as a key: its jobs that are */
    size_t len;
    char text[]; /* with a NUL that is not counted */
};

static inline struct slice job_name_text(const struct job_name *n)
{
    return slice_of(n->text, n->len);
}

/* What the jobs of one caller for one operation have in common; kept once. */
struct job_kind {
    const struct job_name *service, *caller, *operation, *labels;
    const struct job_name *key; /* service, a line feed, the key in its labels; NULL: none */
    size_t uses;
};

/* Where a job waits. */
enum job_place { JOB_NOWHERE, JOB_IN_LINE, JOB_IN_DELAY, JOB_ASIDE };

struct job {
    union {                  /* by `place`; for the queue alone */
        struct list in_line; /* among the ready ones of its caller, or of those aside */
        struct heap_node in_delay;
    };
    const struct job_kind *kind;
    uint64_t token; /* of the latest lease: grows with every one, for ever */
    /* Unix milliseconds; 0: not yet, or none. */
    int64_t due_ms, deadline_ms, submitted_ms, started_ms;
    uint64_t timeout_ms; /* of one attempt; 0: none */
    uint64_t size;       /* bytes a worker has to take in */
    uint64_t events;     /* id of its last event */
    uint32_t attempt;    /* leases since it was submitted or revived: 1 is the first */
    uint32_t attempts;   /* failures it may have, the last one included */
    uint32_t crashes;    /* of `attempt`: ended by a worker going away */
    uint32_t releases;   /* of `attempt`: given back untouched */
    uint8_t state;       /* enum job_state; written by job_move only */
    uint8_t priority;    /* 0..9, 9 first */
    bool cancel_asked;
    uint8_t traits; /* enum job_trait */
    uint8_t place;  /* enum job_place */
    char id[JOB_ID + 1];
};

static inline struct slice job_service(const struct job *j)
{
    return job_name_text(j->kind->service);
}
static inline struct slice job_caller(const struct job *j)
{
    return job_name_text(j->kind->caller);
}
static inline struct slice job_operation(const struct job *j)
{
    return job_name_text(j->kind->operation);
}
static inline struct slice job_labels(const struct job *j)
{
    return job_name_text(j->kind->labels);
}

/* Every job that is not over, and how many there are in each state. */
struct job_table {
    struct index by_id;
    struct slab slab;
    struct map names, kinds;
    struct job_kind *recent; /* most jobs come from who came before */
    size_t count[JOB_STATES];
};

/* A zeroed table is empty and ready; fini frees the jobs in it. */
void job_table_fini(struct job_table *t);

/* Time-ordered, 26 characters of Crockford's base32: 48 bits of `wall_ms`, 80 of `random`. */
void job_id_make(char out[JOB_ID + 1], int64_t wall_ms, const uint8_t random[10]);
bool job_id_is(struct slice text);
/* The same id as 16 bytes, which sort as the texts do; it must be one. */
void job_id_bytes(struct slice text, uint8_t out[JOB_ID_BYTES]);
void job_id_text(const uint8_t bytes[JOB_ID_BYTES], char out[JOB_ID + 1]);

struct job_spec {
    struct slice id, service, caller, operation, labels;
    enum job_state state;
};
/* In the table, of its kind, the rest zero.  The id must be new and well formed. */
struct job *job_new(struct job_table *t, const struct job_spec *spec);
/* Room for so many, made at once. */
void job_table_expect(struct job_table *t, size_t count);
/* NULL: not one of ours, or over. */
struct job *job_find(const struct job_table *t, struct slice id);
/* Out of its queue and lease first. */
void job_free(struct job_table *t, struct job **j);
/* Walks them all in no particular order from `*at` = 0; the one just given may be freed.  NULL: the end. */
struct job *job_next(const struct job_table *t, size_t *at);

static inline enum job_state job_state(const struct job *j)
{
    return (enum job_state)j->state;
}

/* A move the table of states does not have stops the process: ask job_may where a peer decides. */
void job_move(struct job_table *t, struct job *j, enum job_state next);
/* Leased jobs of a service. */
size_t job_leased(const struct job_table *t, struct slice service);
bool job_may(enum job_state from, enum job_state to);
/* Done, cancelled or dead. */
bool job_over(enum job_state state);
const char *job_state_name(enum job_state state);

#endif
