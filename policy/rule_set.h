#ifndef WEFT_POLICY_RULE_SET_H
#define WEFT_POLICY_RULE_SET_H

/* rule_set - a compiled policy: the program, its answers and what it wants to know.
 *
 * Between policy_load, which makes one, and authz, which takes it. */
#include "policy/question.h"

/* A decision may take this many steps; a policy that needs more is no policy but a program. */
enum { RULE_SET_STEPS = 10000, RULE_SET_BYTES = 64 << 10 };

struct rule_set {
    struct datalog *program;
    int allow, deny;
    struct question_wants wants;
    uint64_t count; /* rules that allow or deny */
};

void rule_set_free(struct rule_set **r);
/* A run under the bounds above, with proofs. */
struct datalog_run *rule_set_run(const struct rule_set *r);

#endif
