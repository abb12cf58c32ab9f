#ifndef WEFT_POLICY_POLICY_LINT_H
#define WEFT_POLICY_POLICY_LINT_H

/* policy_lint - rules that load, and yet do not do what they seem to: they can never hold, say what
 * another rule says already, name what does not exist, or let in more than was meant.
 *
 * It reads the program and asks no request.  What it calls never is never, whatever a
 * request is; what may be meant so is a note. */
#include "policy/policy_load.h"

struct policy_lint_known {
    const char *const *domains; /* trust domains; none: any may be trusted */
    size_t domain_count;
    const char *const *operations; /* of the contract; none: any may exist */
    size_t operation_count;
};

/* `texts` are those that `a` was loaded from.  Findings are warnings and notes of `diag`. */
void policy_lint(const struct authz *a, const struct policy_text *texts, size_t count,
                 const struct policy_lint_known *known, struct diag *diag);

#endif
