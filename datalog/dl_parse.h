#ifndef WEFT_DATALOG_DL_PARSE_H
#define WEFT_DATALOG_DL_PARSE_H

/* dl_parse - tokens to items, or every error with its caret line.
 *
 * After an error reading goes on behind the next `.`, so one run names them all.
 * Nesting, literals of a rule and alternatives of a disjunction are bounded.
 *
 * Lifetime: what it gives lives in `arena` and points into the texts. */
#include "datalog/dl_ast.h"

enum {
    DL_PARSE_DEPTH = 32,        /* parentheses, components, aggregates */
    DL_PARSE_LITERALS = 64,     /* of one rule */
    DL_PARSE_ALTERNATIVES = 64, /* of one rule, multiplied out */
};

/* All texts in order.  Complaints are in texts->diag. */
struct dl_item *dl_parse(const struct dl_texts *texts, struct arena *arena);

#endif
