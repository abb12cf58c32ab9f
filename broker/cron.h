#ifndef WEFT_BROKER_CRON_H
#define WEFT_BROKER_CRON_H

/* cron - moments that come again: five fields, or @every DURATION; in UTC, which has no gaps and no second 2:30.
 *
 *     minute 0-59   hour 0-23   day 1-31   month 1-12 or JAN-DEC   weekday 0-7 or SUN-SAT (0 and 7 are Sunday)
 *
 * Each is *, a number, a range 9-17, any of them with a step 0-59/15, and lists of those with
 * commas.  When day and weekday both say something, either is enough, as cron has always had
 * it.  @hourly @daily @weekly @monthly @yearly stand for what they say.
 *
 * Times are unix milliseconds.
 *
 * Threads: pure. */
#include "base/slice.h"

struct cron {
    int64_t every_ms; /* 0: the fields */
    uint64_t minutes;
    uint32_t hours, days, months, weekdays; /* bit n: n */
    bool any_day, any_weekday;
};

/* INPUT: `*why` is a sentence that names the field; also when no moment ever comes (31 2). */
MUST_USE enum err cron_read(struct slice text, struct cron *out, const char **why);
/* The first moment after `after_ms`; @every counts from `since_ms`.  0: none before the year 10000. */
int64_t cron_next_ms(const struct cron *c, int64_t since_ms, int64_t after_ms);
/* The last moment after `after_ms` and not after `now_ms`; 0: there is none. */
int64_t cron_last_ms(const struct cron *c, int64_t since_ms, int64_t after_ms, int64_t now_ms);

#endif
