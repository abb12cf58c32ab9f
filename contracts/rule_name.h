#ifndef WEFT_CONTRACTS_RULE_NAME_H
#define WEFT_CONTRACTS_RULE_NAME_H

/* rule_name - which names of rules there are, ours and foreign ones, so that a misspelt one is no silence. */
#include <stdbool.h>

#include "contracts/nearest.h"

/* One of ours, one that a rule of ours goes by elsewhere ("oasdiff:...", "buf:..."), or a category of those. */
bool rule_name_known(struct slice name);
/* Is it a category of another tool's, "buf:WIRE", to which this name belongs? */
bool rule_name_in(struct slice name, struct slice category);
/* Offers all names of the same tool. */
void rule_name_offer(struct nearest *n);
/* Puts "did you mean A, B or C?", or nothing when no name is near. */
void rule_name_put_nearest(struct slice name, struct buf *out);

#endif
