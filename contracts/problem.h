#ifndef WEFT_CONTRACTS_PROBLEM_H
#define WEFT_CONTRACTS_PROBLEM_H

/* problem - a finding as application/problem+json (RFC 9457): what a refused caller reads. */
#include "contracts/verdict.h"

/* type, title, status, detail, operation, rule, where, witness, fix, proof. */
void problem_put(const struct verdict *v, struct slice operation, const struct verdict_finding *f, struct buf *out);

#endif
