#ifndef WEFT_PROXY_JOB_DOWNLOAD_H
#define WEFT_PROXY_JOB_DOWNLOAD_H

/* job_download - a result that is too large for a record, on its way from the broker to who asked.
 *
 * The head goes out with the first bytes, so that what cannot be had is refused with
 * its word.  A caller that reads slowly is read for slowly.
 *
 * Lifetime: goes with its visit.
 * Threads:  belongs to the loop. */
#include "bus/bus_get.h"
#include "proxy/job_visit.h"

struct job_download;

/* `from` and `count` (not 0) of the result of v->id; v->down->out is filled, and has not been sent. */
void job_download_begin(struct job_visit *v, uint64_t from, uint64_t count);
/* The caller has taken what it was sent. */
void job_download_sent(struct job_download *d);
void job_download_free(struct job_download **d);

#endif
