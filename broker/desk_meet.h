#ifndef WEFT_BROKER_DESK_MEET_H
#define WEFT_BROKER_DESK_MEET_H

/* desk_meet - ready jobs meet credit; leases end, delays pass, ended jobs are forgotten.
 *
 * Threads: belongs to the loop. */
#include "broker/desk_room.h"

void desk_meet_start(struct desk *d);
void desk_meet_stop(struct desk *d);
/* At the end of this turn. */
void desk_meet_soon(struct desk *d);
/* The next lease or delay may have changed. */
void desk_meet_timer(struct desk *d);
/* A lease has ended without an outcome. */
void desk_meet_give_back(struct desk *d, struct job *j, enum backoff_cause cause, struct slice reason);
/* A job has come to memory: its deadline counts. */
void desk_meet_enter(struct desk *d, const struct job *j);
/* It waits (again), ready or delayed. */
void desk_meet_line_up(struct desk *d, struct job *j);
/* It never runs (again): it is dead, for this reason. */
void desk_meet_bury(struct desk *d, struct job *j, struct slice reason);
/* The job is over: out of queue, lease and memory; the store keeps it. */
void desk_meet_leave(struct desk *d, struct job *j);

#endif
