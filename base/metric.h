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

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
enum { METRIC_BUCKETS = 17, METRIC_LABELS = 6 };

struct metric {
    uint64_t count;                   /* counter, or histogram's number of samples */
    double value;                     /* gauge, or histogram's sum */
    uint64_t buckets[METRIC_BUCKETS]; /* histogram only, not cumulative */
};

struct metric_set *metric_set_new(void);
void metric_set_free(struct metric_set **s);

/* `labels` are comma-separated names, "" for none: "direction,service,code".
 * Histograms have the upper bounds 100us 250us 500us 1ms 2.5ms ... 10s, +Inf, in seconds. */
struct metric_family *metric_family(struct metric_set *s, enum metric_kind kind, const char *name, const char *labels,
                                    const char *help);
/* As many values as the family has labels.  Lives as long as the set. */
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

/* The whole set as text. */
void metric_print(const struct metric_set *s, struct buf *out);

#endif
