#ifndef WEFT_PROXY_JOB_OPTIONS_H
#define WEFT_PROXY_JOB_OPTIONS_H

/* job_options - how a request wants to be a job: the fields that say so.
 *
 *   Prefer            respond-async, wait=N
 *   Idempotency-Key   a quoted string, or bare (draft-ietf-httpapi-idempotency-key-header-07)
 *   weft-priority     0..9, 9 first; default 5
 *   weft-delay        a duration before the first attempt
 *   weft-timeout      a duration for one attempt
 *   weft-deadline     a duration from now, or unix milliseconds
 *   weft-attempts     1..100; default: the broker's
 *   weft-after        ids of jobs that it waits for, commas between
 *   weft-after-end    done (default) or any: how they must end
 *   weft-schedule     a name: not one job, but one at every moment of
 *   weft-cron         five fields in UTC, or @every and a duration
 *   weft-catch-up     one (default), all, none: what of moments that were missed
 *   weft-callback     a URL that hears of the end
 *
 * A field that comes twice or says something else is refused, with its name and
 * what to send instead.
 *
 * Threads: pure. */
#include "base/buf.h"
#include "proxy/prefer.h"

enum {
    JOB_OPTIONS_KEY = 255,
    JOB_OPTIONS_LABELS = 1056,
    JOB_OPTIONS_CALLBACK = 1024,
    JOB_OPTIONS_AFTER = 32,
    JOB_OPTIONS_ID = 48,
    JOB_OPTIONS_NAME = 64,
    JOB_OPTIONS_CRON = 256
};

struct job_options {
    struct prefer prefer;
    char key[JOB_OPTIONS_KEY + 1]; /* empty: none */
    uint32_t priority;
    uint32_t attempts;                   /* 0: the broker's default */
    uint64_t delay_ms;                   /* 0: none */
    uint64_t timeout_ms;                 /* 0: none */
    uint64_t deadline_ms;                /* unix; 0: none */
    char schedule[JOB_OPTIONS_NAME + 1]; /* empty: it is a job */
    char cron[JOB_OPTIONS_CRON + 1];
    enum job_options_catch_up { JOB_OPTIONS_ONE, JOB_OPTIONS_ALL, JOB_OPTIONS_NONE } catch_up;
    char after[JOB_OPTIONS_AFTER][JOB_OPTIONS_ID];
    size_t after_count;
    bool after_any_end;
    bool callback_openfaas;                  /* in its words; no field says so */
    char callback[JOB_OPTIONS_CALLBACK + 1]; /* empty: none */
    char labels[JOB_OPTIONS_LABELS + 1];     /* with commas between, as the bus has them */
};

/* INPUT: `complaint` is one sentence for people. */
MUST_USE enum err job_options_read(const struct headers *fields, int64_t wall_us, struct job_options *out,
                                   struct buf *complaint);

/* Does the field stay here: how to be a job, what framed it on this hop, what only we may say? */
bool job_options_keeps(const struct header *field);

/* The key in `value`, NUL-terminated.  INPUT: empty, over 255 bytes, or neither spelling. */
MUST_USE enum err job_options_key(struct slice value, char out[JOB_OPTIONS_KEY + 1]);

#endif
