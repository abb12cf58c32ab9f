#ifndef WEFT_CONTRACTS_CONFORMS_H
#define WEFT_CONTRACTS_CONFORMS_H

/* conforms - does a JSON value satisfy a position of a contract?
 *
 * The reader's side of the question: what a strict reader of this contract would
 * refuse is refused.  What cannot be decided here (patterns, formats) is let through. */
#include "contracts/json_value.h"
#include "contracts/shape.h"

bool conforms(const struct shape_position *p, const struct json_value *v);
/* At a type itself, without a position's constraints. */
bool conforms_type(const struct shape_type *t, const struct json_value *v);

#endif
