#ifndef WEFT_CLI_TOP_TABLE_H
#define WEFT_CLI_TOP_TABLE_H

/* top_table - what changed between two looks at a sidecar's /top: rates, errors and latencies of each peer and
 * operation.
 *
 * Lifetime: top_look is the caller's; fini it.
 * Threads:  belongs to one. */
#include "base/doc.h"
#include "proxy/board.h"

struct top_row {
    struct slice direction, peer, operation;
    double count, errors;
    double steps[BOARD_STEPS]; /* of latency */
};

struct top_look {
    struct arena arena; /* what rows and endpoints refer to */
    struct top_row *rows;
    size_t row_count;
    double in_flight, at_us;
    const struct doc_node *endpoints; /* a list; or NULL */
};

/* INPUT: that is no answer of /top. */
MUST_USE enum err top_table_read(struct top_look *look, struct slice json);
void top_table_fini(struct top_look *look);

/* What came between two looks, the busiest peers first, each with its operations below it; `most` lines of
 * calls (0: all). */
void top_table_print(const struct top_look *now, const struct top_look *before, size_t most, struct buf *out);
/* The same as one JSON object on one line. */
void top_table_print_json(const struct top_look *now, const struct top_look *before, struct buf *out);
/* Of a row, in milliseconds; < 0: there were no calls. */
double top_table_quantile(const struct top_row *moved, double share);

#endif
