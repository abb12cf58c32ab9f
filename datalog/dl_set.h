#ifndef WEFT_DATALOG_DL_SET_H
#define WEFT_DATALOG_DL_SET_H

/* dl_set - which tuples are there.
 *
 * Where the columns' values stand close together, a bit for every tuple that there
 * could be: no more memory than a hash table, and no search.  Else open addressing;
 * a slot is 32 bits, a row's number below and as much of the hash as there is room
 * for above.
 *
 * Lifetime: caller's memory; zeroed with a seed it is empty.
 * Threads:  belongs to one. */
#include "datalog/dl_grid.h"

/* No tuple, no rule. */
#define DL_SET_NONE UINT32_MAX

struct dl_set {
    uint64_t seed;
    bool by_row;       /* must know the row of a tuple, so bits will not do */
    unsigned row_bits; /* of a slot */
    uint32_t slot_cap; /* power of two, or 0 */
    uint32_t *slots;   /* 0: free */
    uint64_t *bits;    /* by place in the grid; or NULL */
    struct dl_grid grid;
};

void dl_set_fini(struct dl_set *s);
bool dl_set_has(const struct dl_set *s, const struct dl_tuples *t, const datalog_word *columns);
/* Its row, or DL_SET_NONE; needs by_row. */
uint32_t dl_set_find(const struct dl_set *s, const struct dl_tuples *t, const datalog_word *columns);
/* Notes a tuple that will be the next row of `t`.  false: it is there already. */
bool dl_set_add(struct dl_set *s, const struct dl_tuples *t, const datalog_word *columns);
/* After `t` made more room. */
void dl_set_grow(struct dl_set *s, const struct dl_tuples *t);
/* Forgets the last row of `t`. */
void dl_set_drop_last(struct dl_set *s, const struct dl_tuples *t);

/* Tuples that differ in one column only, looked up by that column alone. */
struct dl_set_row {
    const uint64_t *bits;
    uint64_t place; /* of the tuple with the least value there */
    struct dl_span span;
};

/* false: not without a search. */
static inline bool dl_set_row(const struct dl_set *s, datalog_word *columns, unsigned varying, struct dl_set_row *row)
{
    if (!s->bits)
        return false;
    row->bits = s->bits;
    row->span = s->grid.spans[varying];
    columns[varying] = row->span.low;
    return dl_grid_place(&s->grid, columns, &row->place);
}

static inline bool dl_set_row_has(const struct dl_set_row *row, datalog_word value)
{
    uint64_t off = (uint64_t)value - (uint64_t)row->span.low;
    uint64_t bit = row->place | off << row->span.shift;
    return off >> row->span.width == 0 && (row->bits[bit / 64] >> (bit % 64) & 1);
}

#endif
