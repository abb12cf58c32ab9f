#ifndef WEFT_CONTRACTS_RULE_NAME_H
#define WEFT_CONTRACTS_RULE_NAME_H

/* rule_name - which rules the embedded files know, so that a misspelt one is no silence. */
#include <stdbool.h>

#include "base/slice.h"

bool rule_name_known(struct slice name);
/* A category or a rule of buf's, without the "buf:". */
bool rule_name_buf(struct slice name);
/* A known one that is spelt nearly so, written into `room`; or NULL. */
const char *rule_name_nearest(struct slice name, char *room, size_t size);

#endif
