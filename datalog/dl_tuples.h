#ifndef WEFT_DATALOG_DL_TUPLES_H
#define WEFT_DATALOG_DL_TUPLES_H

/* dl_tuples - rows of words, one behind the other, in as few bytes as they need.
 *
 * Words are kept in 32 bits until the first that does not fit; from then on all
 * of them take 64.
 *
 * Lifetime: caller's memory; zeroed with its arity set it is empty.
 * Threads:  belongs to one. */
#include "datalog/datalog.h"

struct dl_tuples {
    unsigned arity;
    bool wide; /* cells are int64_t, else int32_t */
    uint32_t count, cap;
    void *cells;
};

void dl_tuples_fini(struct dl_tuples *t);
/* Room for one more row.  true: there was none. */
bool dl_tuples_reserve(struct dl_tuples *t);
/* Appends to reserved room. */
void dl_tuples_put(struct dl_tuples *t, const datalog_word *columns);

static inline datalog_word dl_tuples_cell(const void *cells, bool wide, size_t at)
{
    return wide ? ((const int64_t *)cells)[at] : ((const int32_t *)cells)[at];
}

static inline datalog_word dl_tuples_at(const struct dl_tuples *t, uint32_t row, unsigned column)
{
    return dl_tuples_cell(t->cells, t->wide, (size_t)row * t->arity + column);
}

static inline void dl_tuples_row(const struct dl_tuples *t, uint32_t row, datalog_word *columns)
{
    for (unsigned c = 0; c < t->arity; c++)
        columns[c] = dl_tuples_at(t, row, c);
}

static inline bool dl_tuples_is(const struct dl_tuples *t, uint32_t row, const datalog_word *columns)
{
    for (unsigned c = 0; c < t->arity; c++)
        if (dl_tuples_at(t, row, c) != columns[c])
            return false;
    return true;
}

/* Numbers in tuples may be a peer's choice, so hashes start from the run's seed, which is the
 * process's own: the words alone do not tell which tuples meet. */
static inline uint64_t dl_tuples_mix(uint64_t h, datalog_word word)
{
    h = (h ^ (uint64_t)word) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 29;
    h *= UINT64_C(0xbf58476d1ce4e5b9);
    return h ^ (h >> 32);
}

#endif
