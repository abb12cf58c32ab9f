#include "policy/rule_set.h"

#include "base/mem.h"

void rule_set_free(struct rule_set **r)
{
    struct rule_set *rules = *r;
    *r = NULL;
    if (!rules)
        return;
    question_wants_fini(&rules->wants);
    datalog_free(&rules->program);
    mem_free(rules);
}

struct datalog_run *rule_set_run(const struct rule_set *r)
{
    const struct datalog_limits limits = {.max_tuples = RULE_SET_STEPS + datalog_fact_count(r->program),
                                          .max_steps = RULE_SET_STEPS,
                                          .max_bytes = RULE_SET_BYTES,
                                          .proofs = true};
    return datalog_run_new(r->program, &limits);
}
