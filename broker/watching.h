#ifndef WEFT_BROKER_WATCHING_H
#define WEFT_BROKER_WATCHING_H

/* watching - events of jobs to whoever watches: what was, from the store, then what comes.
 *
 * Threads: belongs to the loop. */
#include "broker/api.h"

/* With the api. */
void watching_fini(struct api *a);
void watching_start(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void watching_event(struct api *a, struct slice job, const struct record_event *event, bool last);

#endif
