#ifndef WEFT_BROKER_DESK_WRITE_H
#define WEFT_BROKER_DESK_WRITE_H

/* desk_write - one step of a job, written to the store and told when it is durable.
 *
 * Lifetime: a desk_waiting lives from desk_write_wait to the store's answer.
 * Threads:  belongs to the loop. */
#include "broker/desk_room.h"

/* What a step says besides what the job in memory says. */
struct desk_step {
    const char *event; /* or NULL */
    uint64_t guard;
    struct slice reason, worker;
    struct slice progress, progress_type, checkpoint;
    const struct record_result *result;
    bool progress_is_json;
};

/* `done` may be NULL. */
struct desk_waiting *desk_write_wait(struct desk *d, desk_done_fn *done, void *arg);
void desk_write_free(struct desk_waiting *w);
/* Keeps copies of the texts that are told of after the turn. */
void desk_write_keep(struct desk_waiting *w, const struct record_job *r);
void desk_write_event(struct desk_waiting *w, struct job *j, const struct desk_step *step, int64_t at_ms);
/* Writes the job as it now is; then counts, logs and tells the event, and calls `done`. */
void desk_write_step(struct desk *d, struct job *j, const struct desk_step *step, struct desk_waiting *w);
/* The event is durable. */
void desk_write_tell(struct desk_waiting *w);

#endif
