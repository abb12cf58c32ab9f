#ifndef WEFT_PROXY_JOB_STREAM_H
#define WEFT_PROXY_JOB_STREAM_H

/* job_stream - the events of a job as server-sent events (WHATWG HTML 9.2).
 *
 * Goes on behind Last-Event-ID; 204 when the job is over and everything was seen.  A
 * reader that is too slow is cut: it comes back with Last-Event-ID.
 *
 * Threads: belongs to the loop. */
#include "proxy/job_visit.h"

void job_stream_open(struct job_visit *v);

/* One event as it is sent. */
void job_stream_put(struct buf *out, const Weft__Bus__V1__Event *event);

#endif
