#ifndef WEFT_CLI_JOB_SHOW_H
#define WEFT_CLI_JOB_SHOW_H

/* job_show - what a sidecar and a broker say of jobs, for a person at a terminal.
 *
 * What is no JSON of the expected shape is shown as it came. */
#include <stdio.h>

#include "base/slice.h"

/* A job: one line a fact. */
void job_show_status(FILE *to, struct slice json);
/* Jobs: one line each, and how to go on. */
void job_show_list(FILE *to, struct slice json);
/* What it waits for, why it failed, or that nothing keeps it. */
void job_show_why(FILE *to, struct slice json);
/* The broker's services. */
void job_show_queues(FILE *to, struct slice json);
/* One event of a job, without an end of line: its name, a bar when the progress has a measure, what it says. */
void job_show_event(FILE *to, const char *name, struct slice json);

void job_show_schedule(FILE *to, struct slice json);
void job_show_schedules(FILE *to, struct slice json);

/* false: one of them was refused. */
bool job_show_batch(FILE *to, struct slice json);

#endif
