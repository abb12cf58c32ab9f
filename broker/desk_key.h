#ifndef WEFT_BROKER_DESK_KEY_H
#define WEFT_BROKER_DESK_KEY_H

/* desk_key - limits of the jobs of a service that have the same key.
 *
 * A job whose key has as many running as it may, or had one begin too lately, is set
 * aside when its turn comes, so that it holds up nobody; when its key is free again it
 * is the first in its line.  Of those aside the highest priority goes first, then who
 * was there first.
 *
 * Threads: belongs to the loop. */
#include "broker/desk_room.h"

void desk_key_start(struct desk *d);
/* The jobs are out of it by now. */
void desk_key_stop(struct desk *d);

/* May a job of its key begin?  NULL: yes; else why not, for people. */
const char *desk_key_held(const struct desk *d, const struct desk_line *service, const struct job *j);
/* The first of this line's jobs is held. */
void desk_key_set_aside(struct desk *d, struct desk_line *line, struct job *j);
/* The first of this line's jobs has the turn of its key, and nobody runs it: one that waits in another line may go. */
void desk_key_pass(struct desk *d, const struct desk_line *line, const struct job *j);
/* A lease of the job begins; or it has gone from lease or line. */
void desk_key_began(struct desk *d, const struct desk_line *service, const struct job *j);
void desk_key_freed(struct desk *d, const struct job *j);
/* The limits are others. */
void desk_key_rethink(struct desk *d);

/* When a rate lets the next one begin; false: none waits for that. */
bool desk_key_next(const struct desk *d, int64_t *at_us);
void desk_key_wake(struct desk *d);

#endif
