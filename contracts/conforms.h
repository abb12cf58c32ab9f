#ifndef WEFT_CONTRACTS_CONFORMS_H
#define WEFT_CONTRACTS_CONFORMS_H

/* conforms - does a JSON value satisfy a position of a contract?
 *
 * Types, bounds, patterns, values and aspects are judged, and the words of JSON Schema that
 * importers keep as they stand.  What cannot be decided here (formats but the best known,
 * patterns that are not regular, words that nobody knows) is answered MAYBE. */
#include "contracts/answer.h"
#include "contracts/json_value.h"
#include "contracts/shape.h"

struct conforms_question {
    const struct shape_position *position;
    struct slice direction; /* request or response: members of the other do not count; empty: all do */
    /* A word that the position itself is taken not to say: "pattern" and the regular expression, a role and "", a word
     * and its text.  Empty: it says all. */
    struct slice without, text;
};

enum answer conforms_judge(const struct conforms_question *q, const struct json_value *v);
/* It is not surely refused. */
bool conforms(const struct shape_position *p, const struct json_value *v);
/* A text that surely is of a well-known format; NULL: of this one none is known. */
const char *conforms_format_sample(struct slice format);

#endif
