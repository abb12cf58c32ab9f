#include "datalog/dl_tuples.h"

#include "base/mem.h"

enum { FIRST_ROWS = 16 };

static size_t cells_of(const struct dl_tuples *t)
{
    return (size_t)t->cap * t->arity + 1;
}

bool dl_tuples_reserve(struct dl_tuples *t)
{
    if (t->count < t->cap)
        return false;
    t->cap = t->cap ? t->cap * 2 : FIRST_ROWS;
    t->cells = mem_resize(t->cells, cells_of(t), t->wide ? sizeof(int64_t) : sizeof(int32_t));
    return true;
}

static void widen(struct dl_tuples *t)
{
    t->cells = mem_resize(t->cells, cells_of(t), sizeof(int64_t));
    const int32_t *narrow = t->cells;
    int64_t *wide = t->cells;
    for (size_t i = (size_t)t->count * t->arity; i-- > 0;) {
        int32_t cell;
        memcpy(&cell, (const char *)narrow + i * sizeof(cell), sizeof(cell));
        wide[i] = cell;
    }
    t->wide = true;
}

static bool fits(const struct dl_tuples *t, const datalog_word *columns)
{
    for (unsigned c = 0; c < t->arity && !t->wide; c++)
        if (columns[c] != (int32_t)columns[c])
            return false;
    return true;
}

void dl_tuples_put(struct dl_tuples *t, const datalog_word *columns)
{
    if (!fits(t, columns))
        widen(t);
    size_t at = (size_t)t->count++ * t->arity;
    for (unsigned c = 0; c < t->arity; c++, at++) {
        if (t->wide)
            ((int64_t *)t->cells)[at] = columns[c];
        else
            ((int32_t *)t->cells)[at] = (int32_t)columns[c];
    }
}

void dl_tuples_fini(struct dl_tuples *t)
{
    mem_free(t->cells);
    *t = (struct dl_tuples){0};
}
