#ifndef WEFT_BROKER_WORKER_VERBS_H
#define WEFT_BROKER_WORKER_VERBS_H

/* worker_verbs - what a worker says: credit, renewals, progress, outcomes.
 *
 * Threads: belongs to the loop. */
#include "broker/api.h"

void worker_verbs_credit(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void worker_verbs_renew(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void worker_verbs_progress(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void worker_verbs_done(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void worker_verbs_failed(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void worker_verbs_released(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);

#endif
