#ifndef WEFT_TOOLS_RULE_EXAMPLE_H
#define WEFT_TOOLS_RULE_EXAMPLE_H

/* rule_example - the pairs of contracts/rules/examples.txt, one or more for every rule.
 *
 * Lifetime: slices live in the arena and in the text. */
#include "base/arena.h"
#include "base/diag.h"
#include "contracts/contract.h"

struct rule_example {
    struct slice rule, direction;
    struct slice profile; /* "wire" unless another is needed */
    struct slice with;    /* a rule that finds it as well, or empty */
    struct slice frame;   /* what stands around the lines */
    struct slice old, new;
};

/* ABSENT: that was the last.  INPUT: `rest` begins with a line that is none of an example. */
MUST_USE enum err rule_example_next(struct slice *rest, struct arena *a, struct rule_example *out);
/* INPUT: complaints are in `diag`. */
MUST_USE enum err rule_example_contract(const struct rule_example *e, struct slice side, struct diag *diag,
                                        struct contract **out);
/* What the lines are: "the body of a request, as JSON Schema". */
const char *rule_example_frame_words(struct slice frame);

#endif
