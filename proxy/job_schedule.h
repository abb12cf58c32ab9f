#ifndef WEFT_PROXY_JOB_SCHEDULE_H
#define WEFT_PROXY_JOB_SCHEDULE_H

/* job_schedule - requests about schedules: list, show, pause, resume, run, delete.
 *
 * One is made by an ordinary request with weft-schedule and weft-cron (job_submit).
 * v->id is its name.
 *
 * Threads: belongs to the loop. */
#include "proxy/job_visit.h"

void job_schedule_list(struct job_visit *v);
void job_schedule_show(struct job_visit *v);
void job_schedule_pause(struct job_visit *v);
void job_schedule_resume(struct job_visit *v);
void job_schedule_run(struct job_visit *v);
void job_schedule_delete(struct job_visit *v);

#endif
