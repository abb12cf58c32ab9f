#ifndef WEFT_PROXY_JOB_OUTCOME_H
#define WEFT_PROXY_JOB_OUTCOME_H

/* job_outcome - what an attempt's answer means for the job.
 *
 * Threads: pure. */
#include "base/slice.h"

enum job_outcome {
    JOB_OUTCOME_DONE,    /* the function's own answer, also a 404 */
    JOB_OUTCOME_AGAIN,   /* the function asks for another attempt */
    JOB_OUTCOME_CRASH,   /* it went away in the middle */
    JOB_OUTCOME_REFUSED, /* refused here; no attempt helps */
    JOB_OUTCOME_UNFIT,   /* our contract does not fit the caller's; another version's may */
    JOB_OUTCOME_ABSENT,  /* it never began: nobody answers behind this sidecar */
};

/* `word` is the relay's weft-error; empty: the answer is the function's. */
enum job_outcome job_outcome_of(unsigned status, struct slice word);

/* Retry-After (RFC 9110 section 10.2.3): seconds or a date; 0: neither, or past.  A day at most. */
uint64_t job_outcome_retry_ms(struct slice retry_after, int64_t wall_us);

#endif
