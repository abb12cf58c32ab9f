#ifndef WEFT_CONTRACTS_JUDGE_H
#define WEFT_CONTRACTS_JUDGE_H

/* judge - what an evaluated run means: the level and the plans of each operation, and the findings. */
#include "contracts/profile.h"
#include "contracts/verdict.h"
#include "datalog/datalog.h"

struct judge {
    struct contract *consumer, *provider;
    const struct profile *profile;
    size_t bridged_proofs;                /* findings that break nothing get so many proofs and bodies */
    struct datalog_run *run;              /* evaluated */
    struct arena *keep;                   /* what findings point to */
    struct verdict_operation *operations; /* the consumer's; levels and plans are set */
    size_t operation_count;
    struct verdict_finding *findings; /* set, worst first */
    size_t finding_count;
};

void judge_run(struct judge *j);

#endif
