#include "cli/job_progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/now.h"

enum { MIB = 1 << 20, FIRST_US = 1000000, AGAIN_US = 200000 };

void job_progress_init(struct job_progress *p, const char *verb, int64_t total)
{
    *p = (struct job_progress){
        .verb = verb, .total = total, .begun_us = now_mono_us(&now_real), .shown = isatty(STDERR_FILENO)};
}

static void show(const struct job_progress *p, int64_t now_us)
{
    double mib = (double)p->done / MIB, seconds = (double)(now_us - p->begun_us) / 1e6;
    fprintf(stderr, "\r\033[K%s %.1f MiB", p->verb, mib);
    if (p->total > 0)
        fprintf(stderr, " of %.1f, %.0f %%", (double)p->total / MIB, 100.0 * (double)p->done / (double)p->total);
    fprintf(stderr, ", %.1f MiB/s", mib / seconds);
    fflush(stderr);
}

void job_progress_note(void *progress, uint64_t done)
{
    struct job_progress *p = progress;
    int64_t now_us = now_mono_us(&now_real);
    p->done = done;
    if (!p->shown || now_us - p->begun_us < FIRST_US || now_us - p->shown_us < AGAIN_US)
        return;
    p->shown_us = now_us;
    show(p, now_us);
}

void job_progress_end(struct job_progress *p)
{
    if (p->shown && p->shown_us)
        fprintf(stderr, "\r\033[K");
    p->shown = false;
}
