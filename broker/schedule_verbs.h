#ifndef WEFT_BROKER_SCHEDULE_VERBS_H
#define WEFT_BROKER_SCHEDULE_VERBS_H

/* schedule_verbs - what a caller says about its schedules: put, show, pause, resume, delete, run, list.
 *
 * Threads: belongs to the loop. */
#include "broker/api.h"

void schedule_verbs_put(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void schedule_verbs_change(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void schedule_verbs_list(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);

#endif
