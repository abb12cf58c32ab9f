#include "contracts/digest.h"

#include <stdlib.h>

static int in_order(const void *a, const void *b)
{
    return fact_cmp(a, b);
}

void digest_sort(struct fact_list *facts)
{
    if (facts->count == 0)
        return;
    qsort(facts->v, facts->count, sizeof(*facts->v), in_order);
    size_t kept = 1;
    for (size_t i = 1; i < facts->count; i++)
        if (fact_cmp(&facts->v[kept - 1], &facts->v[i]) != 0)
            facts->v[kept++] = facts->v[i];
    facts->count = kept;
}

void digest_put(const struct fact_list *facts, struct buf *out)
{
    for (size_t i = 0; i < facts->count; i++) {
        if (facts->v[i].relation == VOCABULARY_AT)
            continue;
        fact_put(&facts->v[i], out);
        buf_put_char(out, '\n');
    }
}
