#ifndef WEFT_PROXY_JOB_UPLOAD_H
#define WEFT_PROXY_JOB_UPLOAD_H

/* job_upload - the body of a request that is too large for a record, on its way to the broker.
 *
 * Goes as it comes: what the broker has no room for yet is not read from the caller.
 *
 * Lifetime: goes with its visit.
 * Threads:  belongs to the loop. */
#include "bus/bus_put.h"
#include "proxy/job_visit.h"

struct job_upload;

/* What the visit has collected and these bytes begin it; they still owe credit.  When all has come and is on the
 * broker's disk, v->blob names it and v->begin is called; otherwise the visit is refused. */
void job_upload_begin(struct job_visit *v, const struct bus_put_plan *plan, struct slice bytes);
/* More of it, which owes credit. */
void job_upload_take(struct job_upload *u, struct slice bytes);
/* That was all. */
void job_upload_end(struct job_upload *u);
void job_upload_free(struct job_upload **u);

#endif
