#ifndef WEFT_BROKER_LABELS_H
#define WEFT_BROKER_LABELS_H

/* labels - what a job needs of its worker, and what it would like.
 *
 *     gpu=a100,model=resnet@3?        hard requirements; those with ? are preferences
 *
 * Commas between them, no spaces; each is 1 to 64 letters, digits and _.-/:@=; at most 16.
 * A worker's own are written the same way, without ?.
 *
 *     gpu=a100,@customer-7            one that begins with @ is no requirement: it is the job's key
 *
 * Limits per key hold for the jobs of a service that have the same one.
 *
 * Threads: pure. */
#include "base/err.h"
#include "base/slice.h"

enum { LABELS_MOST = 16, LABELS_TEXT = LABELS_MOST * 66 };

bool labels_ok(struct slice text, bool preferences);
/* Without the @; empty: it has none. */
struct slice labels_key(struct slice text);
/* All but the key, in `room` unless that is all of them. */
struct slice labels_needs(struct slice text, char room[LABELS_TEXT]);
/* Has a worker with `has` all that `needs` requires?  Then `*liked` is how many preferences it meets. */
bool labels_fit(struct slice needs, struct slice has, unsigned *liked);

#endif
