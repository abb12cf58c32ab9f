#ifndef WEFT_CLI_REPORT_TABLE_H
#define WEFT_CLI_REPORT_TABLE_H

/* report_table - what sidecars have counted of contracts: peers by operations by verdicts.
 *
 * Made from their /metrics pages; several pages add up.
 *
 * Lifetime: caller's memory; copies what it needs of a page. */
#include "base/arena.h"
#include "base/buf.h"

struct report_row {
    struct slice peer, operation, verdict;
    uint64_t exchanges;
    uint64_t refused; /* of them, because of the contract */
    uint64_t audited; /* of them, that passed only because enforcement is audit */
    struct slice *rules;
    size_t rule_count;
};

/* A member of answers, as the function of the sidecar sent it. */
struct report_field {
    struct slice peer, operation, field;
    uint64_t seen;    /* in so many of the answers that were looked at */
    uint64_t sampled; /* answers that were looked at */
};

struct report_table {
    struct arena arena;
    struct report_row *rows;
    size_t count, room;
    struct report_field *fields; /* those of no name only count answers, until report_table_sort */
    size_t field_count, field_room;
};

void report_table_init(struct report_table *t);
void report_table_fini(struct report_table *t);

/* Takes the weft_contract_* series; the rest of the page is not looked at. */
void report_table_add(struct report_table *t, struct slice metrics);
/* By peer, operation and verdict, or field. */
void report_table_sort(struct report_table *t);
void report_table_put_text(const struct report_table *t, struct buf *out);
void report_table_put_json(const struct report_table *t, struct buf *out);
/* Which members the callers get: what hurts whom if it goes. */
void report_table_put_fields_text(const struct report_table *t, struct buf *out);
void report_table_put_fields_json(const struct report_table *t, struct buf *out);

#endif
