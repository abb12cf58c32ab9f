#ifndef WEFT_PROXY_JOB_CHECKPOINT_H
#define WEFT_PROXY_JOB_CHECKPOINT_H

/* job_checkpoint - what a running function leaves for the attempt after its own, and finds of the one before.
 *
 *   PUT /v1/jobs/ID/checkpoint   any bytes; 204 when they are on the broker's disk
 *   GET /v1/jobs/ID/checkpoint   the last ones; 204: there are none
 *
 * Only by the function that has the job, through its own sidecar.
 *
 * Threads: belongs to the loop. */
#include "proxy/job_visit.h"

void job_checkpoint_put(struct job_visit *v);
void job_checkpoint_get(struct job_visit *v);

#endif
