#ifndef WEFT_BROKER_DESK_AFTER_H
#define WEFT_BROKER_DESK_AFTER_H

/* desk_after - jobs that wait for others to end, and go on when they have.
 *
 * Such a job is delayed and in no queue.  What it waits for is in its request, so
 * nothing more is stored: after a restart the ends of the others are looked up.
 *
 * Threads: belongs to the loop. */
#include "broker/desk_room.h"

/* Is it to be held, not queued? */
bool desk_after_holds(const struct job *j);
/* It has come to memory: it waits, goes on, or is dead because one of the others did not end well. */
void desk_after_enter(struct desk *d, struct job *j);
/* The end of this job is durable. */
void desk_after_ended(struct desk *d, struct slice job, enum job_state how);
/* Held back while the store must not be read (recovery): all that were enter now. */
void desk_after_later(struct desk *d, const struct job *j);
void desk_after_settle(struct desk *d);
/* What it waits for, for people. */
void desk_after_why(const struct desk *d, const struct job *j, struct buf *out);

/* As desk_shows. */
bool desk_after_shows(const struct desk *d, struct slice runner, struct slice other);

#endif
