#ifndef WEFT_BASE_METRIC_H
#define WEFT_BASE_METRIC_H

/* metric - counters, gauges, histograms; Prometheus text exposition 0.0.4.
 *
 * A family is declared once with its label names; a series is one set of label
 * values.  Callers keep the series pointer and add to it: one addition on the hot
 * path, no lookup.  Series are bounded per family (1000): past it, values go to
 * one series whose labels all read "other".
 *
 * Threads: belongs to the loop. */
#include "base/buf.h"

struct metric_set;
struct metric_family;

/* METRIC_FACT: a gauge that is the same in every part of a process; the parts of the others add up. */
enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_FACT };
enum { METRIC_BUCKETS = 17, METRIC_LABELS = 6, METRIC_REST_S = 600 };

struct metric {
    uint64_t count;                   /* counter, or histogram's number of samples */
    double value;                     /* gauge, or histogram's sum in microseconds */
    uint64_t buckets[METRIC_BUCKETS]; /* histogram only, not cumulative */
};

struct metric_set *metric_set_new(void);
void metric_set_free(struct metric_set **s);

/* `labels` are comma-separated names, "" for none: "direction,service,code".
 * Histograms have the upper bounds 100us 250us 500us 1ms 2.5ms ... 10s, +Inf, in seconds. */
struct metric_family *metric_family(struct metric_set *s, enum metric_kind kind, const char *name, const char *labels,
                                    const char *help);
/* Its series go once they have rested for 10 minutes (metric_sweep). */
void metric_fade(struct metric_family *f);
/* As many values as the family has labels.  Lives as long as the set, or until metric_sweep. */
struct metric *metric_series(struct metric_family *f, const struct slice *values);

static inline void metric_add(struct metric *m, uint64_t n)
{
    m->count += n;
}

static inline void metric_gauge(struct metric *m, double value)
{
    m->value = value;
}

void metric_observe_us(struct metric *m, int64_t us);

/* Now and then: lets go of what has faded; true: some have gone, so no pointer to a series that fades is good any more.
 */
bool metric_sweep(struct metric_set *s, int64_t now_us);

/* All of `from` into `sum`, of another thread perhaps: families and series that it lacks are made. */
void metric_merge(struct metric_set *sum, const struct metric_set *from);

/* The whole set as text. */
void metric_print(const struct metric_set *s, struct buf *out);

#endif
