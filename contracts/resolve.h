#ifndef WEFT_CONTRACTS_RESOLVE_H
#define WEFT_CONTRACTS_RESOLVE_H

/* resolve - may a reader with this Avro schema read a value that was written with that one?
 *
 * The schema resolution of Avro 1.11, of one value: names without their namespace, aliases and
 * defaults of the reader, promotions of numbers, the writer's branch of a union against those
 * of the reader.  Branches are not told in our values: where a value fits several branches of
 * the writer and not all can be read, the answer is MAYBE, or NO when one is enough. */
#include "contracts/answer.h"
#include "contracts/json_value.h"
#include "contracts/shape.h"

/* PRE: the value conforms to the writer. */
enum answer resolve_value(const struct shape_position *writer, const struct shape_position *reader,
                          const struct json_value *v, bool one_is_enough);

#endif
