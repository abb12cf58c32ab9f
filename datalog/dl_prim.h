#ifndef WEFT_DATALOG_DL_PRIM_H
#define WEFT_DATALOG_DL_PRIM_H

/* dl_prim - what is computed rather than looked up: arithmetic, strings,
 * comparisons, and the tallies of aggregates.
 *
 * Arithmetic is checked: what does not fit is an outcome, never a wrapped number.
 *
 * Threads: belongs to one run. */
#include "datalog/dl_rule.h"

struct dl_prim {
    struct dl_sym *symbols; /* where new texts go */
    uint64_t max_bytes;     /* of those */
    struct buf scratch;
    bool wraps;           /* at 32 bits, instead of an overflow */
    datalog_word counter; /* what autoinc() gives next */
    const char *why;      /* of the last INPUT or LIMIT; static text */
};

void dl_prim_init(struct dl_prim *p, struct dl_sym *symbols, uint64_t max_bytes);
void dl_prim_fini(struct dl_prim *p);

/* INPUT: the value does not exist.  LIMIT: too many bytes of symbols. */
MUST_USE enum err dl_prim_value(struct dl_prim *p, const struct dl_expr *e, const datalog_word *slots,
                                datalog_word *out);
MUST_USE enum err dl_prim_holds(struct dl_prim *p, const struct dl_goal *g, const datalog_word *slots, bool *holds);

/* The values of a range, one after the other. */
struct dl_range {
    enum datalog_type type;
    datalog_word at, end, step;
    bool down; /* to `end`, which is not part of it */
    bool over;
};
MUST_USE enum err dl_prim_range(struct dl_prim *p, const struct dl_goal *each, const datalog_word *slots,
                                struct dl_range *out);
/* false: there are no more. */
bool dl_prim_range_next(struct dl_range *r, datalog_word *out);

/* An aggregate on its way. */
struct dl_tally {
    enum dl_fold fold;
    const struct dl_expr *target; /* NULL: count */
    enum datalog_type type;       /* of the target */
    uint64_t count;
    datalog_word value;
    double mean_sum;
};

MUST_USE enum err dl_prim_tally(struct dl_prim *p, struct dl_tally *t, datalog_word value);
/* false: there is no least, most or mean of nothing. */
bool dl_prim_tallied(const struct dl_tally *t, datalog_word *out);

/* <0, 0, >0 in the order of the type; symbols by text. */
int dl_prim_order(const struct dl_sym *symbols, enum datalog_type type, datalog_word a, datalog_word b);
/* INPUT: the text is no number of this type, as files hold them. */
MUST_USE enum err dl_prim_parse(enum datalog_type type, struct slice text, datalog_word *out);
/* With the fewest digits that read back the same; with a point, so that a program reads it as a float, or as is. */
void dl_prim_put_float(datalog_word w, bool point, struct buf *out);
/* As it is written in a program: quoted, decimal, with a point.  Of a longer symbol than `most` bytes
 * the beginning and "...". */
void dl_prim_put(const struct dl_sym *symbols, enum datalog_type type, datalog_word w, size_t most, struct buf *out);

#endif
