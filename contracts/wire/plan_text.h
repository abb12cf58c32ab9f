#ifndef WEFT_CONTRACTS_WIRE_PLAN_TEXT_H
#define WEFT_CONTRACTS_WIRE_PLAN_TEXT_H

/* plan_text - a plan as people read it: one step a line, columns between tabs.
 *
 * Operation, path, operand, law and, when there is one, why.  Names with blanks or
 * other marks stand as JSON strings. */
#include "contracts/wire/plan.h"

void plan_text_put(const struct plan *p, struct buf *out);
/* INPUT: every line that is no step is in `diag`. */
MUST_USE enum err plan_text_parse(struct slice text, const char *file, struct diag *diag, struct plan **out);

#endif
