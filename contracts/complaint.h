#ifndef WEFT_CONTRACTS_COMPLAINT_H
#define WEFT_CONTRACTS_COMPLAINT_H

/* complaint - what is wrong with a contract that is made of sound facts: names that
 * nobody declares, operations without a shape, defaults that do not fit. */
#include "contracts/shape.h"

struct complaint_source {
    const char *file;
    struct slice text; /* for the caret lines */
};

/* `facts` are sorted, `shape` is made of them. */
void complaint_find(const struct fact_list *facts, const struct shape *shape, const struct complaint_source *source,
                    struct diag *diag);

#endif
