#ifndef WEFT_TOOLS_DOCS_RULES_H
#define WEFT_TOOLS_DOCS_RULES_H

/* docs_rules - the page of every rule: its level in each profile, a pair that it finds, the repair, foreign names. */
#include "base/buf.h"

/* Reads contracts/rules/examples.txt from the folder where it runs; ends the process when it is not there. */
void docs_rules(struct buf *out);

#endif
