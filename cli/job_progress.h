#ifndef WEFT_CLI_JOB_PROGRESS_H
#define WEFT_CLI_JOB_PROGRESS_H

/* job_progress - how much of a large body has been moved, in one line that changes, for a person who waits.
 *
 * Says nothing where standard error is no terminal, and nothing before a second has passed.
 *
 * Lifetime: a plain value. */
#include <stdbool.h>
#include <stdint.h>

struct job_progress {
    const char *verb; /* "sent" */
    int64_t total;    /* bytes; -1: not known */
    uint64_t done;
    int64_t begun_us, shown_us;
    bool shown; /* to be, and at all */
};

void job_progress_init(struct job_progress *p, const char *verb, int64_t total);
/* `done` bytes so far; `progress` is a struct job_progress. */
void job_progress_note(void *progress, uint64_t done);
/* The line goes away. */
void job_progress_end(struct job_progress *p);

#endif
