#ifndef WEFT_CLI_CHECK_DEPLOY_H
#define WEFT_CLI_CHECK_DEPLOY_H

/* check_deploy - which of a folder of deployed contracts talk to each other.
 *
 * A contract is what somebody provides, unless it is what somebody consumes: its file is called
 * NAME.consumes.weft (.yaml, .json ...) or it says about("role", "consumer").  A consumer talks to every
 * provider of a contract of the same name. */
#include "cli/check_input.h"
#include "cli/check_report.h"

enum check_role { CHECK_ROLE_BY_ITSELF, CHECK_ROLE_PROVIDER, CHECK_ROLE_CONSUMER };

/* Adds every pair that talks.  With `candidate`, what may go out: only pairs that it is part of, as `role`; what is
 * deployed of the same name and role is left aside when it is a provider, for the candidate replaces it.
 * INPUT: complaints are in `diag` (a consumer whom nobody provides for). */
MUST_USE enum err check_deploy_add(struct check_report *r, const struct check_input *deployed,
                                   const struct check_input *candidate, enum check_role role, struct diag *diag);

#endif
