#ifndef WEFT_BROKER_STORE_H
#define WEFT_BROKER_STORE_H

/* store - the promise: submitted once per key, completed once, in order, and kept.
 *
 * A change is answered exactly once, on the loop, in the order of store_apply and
 * never from inside it, after it is durable; what it carries is copied.  A change
 * is all or nothing: state, result, event and key together.  A refused one
 * changes nothing.  Reads are answered at once and show every change answered so
 * far, perhaps newer ones too.
 *
 * Implementations: store_mem (the specification; forgets at the end of the
 * process) and store_lmdb.  One suite runs over both.
 *
 * Lifetime: bytes read live until the end of this turn of the loop (outside of a
 *           turn: of the next one).  store_close answers all changes first.
 * Threads:  belongs to the loop. */
#include "base/loop.h"
#include "broker/record.h"
#include "broker/schedule.h"

struct store;

enum { STORE_CONTRACTS = 1000, STORE_LIST_MOST = 200, STORE_SCAN_MOST = 1000, STORE_EXPIRE_MOST = 100 };

struct store_answer {
    /* OK.
     * ABSENT: no such job.
     * STALE:  made under a token that is not the latest, or the job is over, or its state has moved on.
     * EXISTS: submit: the key is known with another fingerprint.
     * FULL:   no room for submits and contracts; for other changes only when the reserve kept for
     *         them is used up too.  Expiring always works, and makes room.
     * PEER:   the stored job is damaged.
     * CLOSED: of store_submit_all: another of them was refused, so this one was not stored. */
    enum err e;
    bool replayed;        /* submit: the key was known; nothing was stored */
    char job[JOB_ID + 1]; /* submit: the job that the key (or this submit) stands for */
    size_t count;         /* store_expire: how many were deleted */
};
typedef void store_done_fn(void *arg, const struct store_answer *answer);

struct store_change {
    struct record_job job; /* as it shall be */
    /* The token it was made under: the latest one the maker knew.  A grant says here the token before,
     * and in `job` the new one. */
    uint64_t guard;
    const struct record_request *request; /* not NULL: a submit, and the job is new */
    const struct record_result *result;   /* or NULL */
    struct slice checkpoint;              /* at NULL: unchanged */
    struct record_event event;            /* no name: none; its id is job.events */
};

/* A submit whose request has a key is one per (caller, operation, key) while the first job is kept. */
void store_apply(struct store *s, const struct store_change *change, store_done_fn *done, void *arg);
/* Submits that are stored all or not at all; each is answered with its own `arg`, in order.  No two have the same key.
 */
void store_submit_all(struct store *s, const struct store_change *changes, size_t count, store_done_fn *done,
                      void *const *args);
/* Contracts by digest.  Past STORE_CONTRACTS the one that was put longest ago goes; putting again renews. */
void store_put_contract(struct store *s, struct slice digest, struct slice text, store_done_fn *done, void *arg);
/* Deletes up to STORE_EXPIRE_MOST jobs that ended before `before_ms`, their keys and events too.
 * A count of STORE_EXPIRE_MOST: there may be more. */
void store_expire(struct store *s, int64_t before_ms, store_done_fn *done, void *arg);

/* A callback owed for this event of the job: what is left of it, or NULL: it is paid, or not to be tried again.
 * ABSENT, STALE: nothing, or another one, is owed. */
void store_settle(struct store *s, struct slice job, uint64_t event, const struct record_debt *left,
                  store_done_fn *done, void *arg);

/* A schedule under its schedule_key: as it shall be, or NULL: it goes.  `request` NULL: it stays what it was. */
void store_put_schedule(struct store *s, struct slice key, const struct schedule *schedule,
                        const struct record_request *request, store_done_fn *done, void *arg);

/* ABSENT: no such.  PEER: it is damaged, which has been counted and logged. */
MUST_USE enum err store_read_job(struct store *s, struct slice id, struct record_job *out);
MUST_USE enum err store_read_request(struct store *s, struct slice id, struct record_request *out);
MUST_USE enum err store_read_result(struct store *s, struct slice id, struct record_result *out);
MUST_USE enum err store_read_checkpoint(struct store *s, struct slice id, struct slice *out);
MUST_USE enum err store_read_debt(struct store *s, struct slice id, struct record_debt *out);
/* The request of a schedule. */
MUST_USE enum err store_read_plan(struct store *s, struct slice key, struct record_request *out);
MUST_USE enum err store_read_contract(struct store *s, struct slice digest, struct slice *text);

/* false: enough. */
typedef bool store_event_fn(void *arg, const struct record_event *event);
/* Events of a job with ids above `after`, in order. */
void store_read_events(struct store *s, struct slice id, uint64_t after, store_event_fn *fn, void *arg);

struct store_list {
    struct slice service, caller; /* empty: any */
    bool by_state;
    enum job_state state;
    struct slice cursor; /* empty: from the newest on */
    size_t limit;        /* at most STORE_LIST_MOST */
};
struct store_page {
    const struct record_job *jobs; /* newest first */
    size_t count;
    struct slice cursor; /* where to go on; empty: that was all */
};
/* A page looks at STORE_SCAN_MOST jobs at most, so it may be short, even empty, and yet have a cursor. */
void store_list(struct store *s, const struct store_list *what, struct store_page *out);

/* At start: every job that is not over, oldest first.  Damaged ones are logged, counted and left out.
 * `job` lives during the call, in which the store must not be read; what was read before is gone. */
typedef void store_live_fn(void *arg, const struct record_job *job);
void store_each_live(struct store *s, store_live_fn *fn, void *arg);

/* Every schedule; as store_each_live otherwise. */
typedef void store_schedule_fn(void *arg, const struct schedule *schedule);
void store_each_schedule(struct store *s, store_schedule_fn *fn, void *arg);
/* Every callback that is owed, in the order of jobs; false: enough.  As store_each_live otherwise. */
typedef bool store_debt_fn(void *arg, struct slice job, const struct record_debt *debt);
void store_each_debt(struct store *s, store_debt_fn *fn, void *arg);

struct store_stats {
    uint64_t damaged; /* records seen that are */
    uint64_t changes, commits, flushes;
    uint64_t used_bytes, room_bytes; /* 0: unbounded */
    uint64_t live;                   /* jobs that were not over when it was opened */
    bool full;                       /* submits are refused */
};
void store_stats(const struct store *s, struct store_stats *out);
/* What an acknowledgement means here, for people. */
const char *store_durability(const struct store *s);

/* --- blobs: files that records name, kept by somebody else (blob_shelf) --- */

/* What becomes of one of them. */
enum store_need_step {
    STORE_NEED_ASKED,    /* a change that names it is on its way: it must stay */
    STORE_NEED_ANSWERED, /* and was answered */
    STORE_NEED_ADDED,    /* a record needs it, durably */
    STORE_NEED_DROPPED,  /* and does so no more */
};
struct store_need {
    enum store_need_step step;
    struct slice digest, caller; /* borrowed for the call; ASKED and ANSWERED have no caller */
    uint64_t size;
};
/* On the loop, in the order of the changes; ADDED and DROPPED before the change is answered. */
typedef void store_need_fn(void *arg, const struct store_need *need);
void store_watch_needs(struct store *s, store_need_fn *fn, void *arg);
/* At start: each one that a record needs, as ADDED, in the order of digests. */
void store_each_need(struct store *s, store_need_fn *fn, void *arg);

/* NULL is fine. */
void store_close(struct store **s);

#endif
