#ifndef WEFT_CLI_CHECK_BASELINE_H
#define WEFT_CLI_CHECK_BASELINE_H

/* check_baseline - findings that somebody has accepted, by fingerprint: with a reason, an owner and a last day.
 *
 *     accepted:
 *       - fingerprint: 3f60b51c9d2a77e0
 *         reason: nobody calls it since May
 *         owner: shop
 *         expires: 2027-01-31
 *
 * An entry that has expired accepts nothing; one that meets nothing is stale.  Both are told.
 *
 * Lifetime: check_baseline_free frees all; what it hands out lives as long.
 * Threads:  belongs to one. */
#include "base/diag.h"

struct check_accepted {
    struct slice fingerprint; /* 16 hex digits */
    struct slice rule, where; /* for people */
    struct slice reason, owner;
    struct slice expires; /* "2027-01-31", or empty: never */
    unsigned line;
    bool expired; /* before today */
    bool met;     /* by a finding of this run */
};

struct check_baseline;

/* `today` is "2026-11-27".  INPUT: complaints are in `diag`. */
MUST_USE enum err check_baseline_read(const char *path, const char *today, struct diag *diag,
                                      struct check_baseline **out);
void check_baseline_free(struct check_baseline **b);
const char *check_baseline_path(const struct check_baseline *b);
size_t check_baseline_count(const struct check_baseline *b);
const struct check_accepted *check_baseline_at(const struct check_baseline *b, size_t i);
/* Who accepted it, and marks that; NULL: nobody, or not any more. */
const struct check_accepted *check_baseline_meet(struct check_baseline *b, struct slice fingerprint);
/* The same without a mark. */
bool check_baseline_accepts(const struct check_baseline *b, struct slice fingerprint);
/* As YAML. */
void check_baseline_put_head(struct buf *out);
void check_baseline_put(const struct check_accepted *a, struct buf *out);

#endif
