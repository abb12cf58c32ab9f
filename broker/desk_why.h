#ifndef WEFT_BROKER_DESK_WHY_H
#define WEFT_BROKER_DESK_WHY_H

/* desk_why - what holds a service's jobs back, and the sentence that says so.
 *
 * Threads: belongs to the loop. */
#include "broker/desk_room.h"

/* A static sentence when no lease of this service may begin now, whoever has credit; NULL: one may. */
const char *desk_why_held(const struct desk *d, const struct desk_line *s);

#endif
