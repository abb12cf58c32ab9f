#ifndef WEFT_PROXY_JOB_RESULT_H
#define WEFT_PROXY_JOB_RESULT_H

/* job_result - what the function answered, answered again: its status, its fields, its body.
 *
 * Another sidecar said what it is, so nothing in it is believed: what is no HTTP
 * answer is refused.
 *
 * Threads: belongs to the loop. */
#include "proxy/job_visit.h"

/* Asks the broker for the result of v->id and answers with it, or with where the job is instead. */
void job_result_answer(struct job_visit *v);

#endif
