#ifndef WEFT_CLI_TOP_TABLE_H
#define WEFT_CLI_TOP_TABLE_H

/* top_table - what changed between two looks at a sidecar's metrics: rates, errors, latencies.
 *
 * Reads the Prometheus text of /metrics; series that it does not know are passed over.
 *
 * Lifetime: caller's memory; top_table_fini.
 * Threads:  belongs to one; no input or output. */
#include "base/buf.h"

enum { TOP_BUCKETS = 64, TOP_ROWS = 512, TOP_NAME = 64 };

struct top_row {
    char direction[16], service[TOP_NAME], operation[TOP_NAME];
    double count, errors; /* since the process began */
};

struct top_histogram {
    char direction[16];
    double edges_s[TOP_BUCKETS], counts[TOP_BUCKETS]; /* cumulative; the last edge is infinite */
    unsigned buckets;
};

struct top_look {
    struct top_row *rows;
    size_t row_count;
    struct top_histogram latency[2];
    unsigned latency_count;
    double in_flight;
};

/* A zeroed look is one at a process that has done nothing. */
void top_table_read(struct top_look *look, struct slice metrics);
void top_table_fini(struct top_look *look);
/* Seconds under which `share` (0..1) of what came between the two stayed; < 0: nothing came. */
double top_table_quantile(const struct top_histogram *now, const struct top_histogram *before, double share);
/* The rows that moved first, as text with aligned columns. */
void top_table_print(const struct top_look *now, const struct top_look *before, double seconds, struct buf *out);

#endif
