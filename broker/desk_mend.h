#ifndef WEFT_BROKER_DESK_MEND_H
#define WEFT_BROKER_DESK_MEND_H

/* desk_mend - memory follows the store when the store has refused a change.
 *
 * Memory moves before the store has answered.  When there was no room, even in the
 * reserve, the job goes back to what the store has: a result that was refused may
 * then be said again under the same token.
 *
 * Threads: belongs to the loop. */
#include "broker/desk_room.h"

/* Where jobs of the store come back to; those that are leased get `grace_us`. */
struct recover_into desk_mend_into(struct desk *d, int64_t grace_us);
/* `refused` is the job as it would have been.  Nothing happens when memory has moved on since. */
void desk_mend(struct desk *d, const struct record_job *refused);

#endif
