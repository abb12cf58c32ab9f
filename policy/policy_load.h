#ifndef WEFT_POLICY_POLICY_LOAD_H
#define WEFT_POLICY_POLICY_LOAD_H

/* policy_load - policy texts to a compiled rule set, all errors at once. */
#include "policy/authz.h"

struct policy_text {
    const char *file;
    struct slice text;
};
/* `count` 0: no policy; then every peer of a trusted domain is allowed.
 * INPUT: all errors are in `diag`. */
MUST_USE enum err policy_load(const struct policy_text *texts, size_t count, struct diag *diag, struct authz **out);

#endif
