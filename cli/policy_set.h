#ifndef WEFT_CLI_POLICY_SET_H
#define WEFT_CLI_POLICY_SET_H

/* policy_set - a policy from where a person says it is, and the contract it is about.
 *
 * Lifetime: caller's memory; policy_set_fini is safe on a zeroed one. */
#include "contracts/contract.h"
#include "policy/policy_files.h"

struct policy_set {
    struct policy_files files;
    struct authz *authz;
    struct contract *contract; /* or NULL */
};

/* `paths` are files and folders; `contract` may be NULL.  INPUT: complaints are in `diag`. */
MUST_USE enum err policy_set_open(struct policy_set *s, const char *const *paths, size_t count, const char *contract,
                                  struct diag *diag);
void policy_set_fini(struct policy_set *s);

#endif
