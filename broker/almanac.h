#ifndef WEFT_BROKER_ALMANAC_H
#define WEFT_BROKER_ALMANAC_H

/* almanac - schedules whose moments come: each makes one job, also when the broker dies in between.
 *
 * The job of a moment has a key made of the schedule and the moment, so that it is
 * submitted once however often it is tried; the schedule is written after it.  The
 * wall clock counts, and is looked at every minute at least: it may be set.
 *
 * Lifetime: almanac_free before the desk; what is under way is answered by the store.
 * Threads:  belongs to the loop. */
#include "base/due.h"
#include "broker/cron.h"
#include "broker/desk.h"
#include "broker/schedule.h"

struct almanac;

enum { ALMANAC_PER_CALLER = 1000, ALMANAC_MOST = 10000 };

struct almanac_conf {
    struct loop *loop;
    struct due_clock *clock;
    struct store *store;
    struct desk *desk;
    /* Asked at every moment: policy may have changed. */
    bool (*may)(void *arg, struct slice caller, struct slice service, struct slice operation);
    void *arg;
};

struct almanac *almanac_new(const struct almanac_conf *conf);
void almanac_free(struct almanac **a);
/* Takes up what the store has; what was missed is caught up with. */
void almanac_recover(struct almanac *a);
/* No moment makes a job any more. */
void almanac_drain(struct almanac *a);

/* What of a schedule is seen.  Borrowed until the turn ends. */
struct almanac_view {
    const struct schedule *is;
    int64_t next_ms; /* 0: paused */
};

/* `done` comes once, as the store says, except with an error here.  A schedule of that name is replaced, and keeps
 * when it was made, its runs and what it has dealt with, if its cron is the same.
 * FULL: too many.  INPUT: no cron. */
MUST_USE enum err almanac_put(struct almanac *a, const struct schedule *s, const struct record_request *request,
                              store_done_fn *done, void *arg);
enum almanac_change { ALMANAC_PAUSE, ALMANAC_RESUME, ALMANAC_DELETE };
/* What passed while it was paused is not caught up with.  ABSENT. */
MUST_USE enum err almanac_change(struct almanac *a, struct slice caller, struct slice name, enum almanac_change change,
                                 store_done_fn *done, void *arg);
/* A job of it now, beside its moments; `done` as desk_submit.  ABSENT; DENIED: policy; FULL: the caller's bound. */
MUST_USE enum err almanac_run(struct almanac *a, struct slice caller, struct slice name, desk_done_fn *done, void *arg);
/* ABSENT. */
MUST_USE enum err almanac_find(struct almanac *a, struct slice caller, struct slice name, struct almanac_view *out);
/* Up to `room` of a caller's, by name, those after `after`. */
size_t almanac_list(struct almanac *a, struct slice caller, struct slice after, struct almanac_view *out, size_t room);

#endif
