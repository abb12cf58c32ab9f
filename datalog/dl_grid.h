#ifndef WEFT_DATALOG_DL_GRID_H
#define WEFT_DATALOG_DL_GRID_H

/* dl_grid - a place of its own for every key that there could be, where the values
 * of its columns stand close together.
 *
 * Each column has a span of a power of two; a place is the columns' offsets side by
 * side.
 *
 * Lifetime: a plain value. */
#include "datalog/dl_tuples.h"

enum { DL_GRID_COLUMNS = 4 };

/* The values that have a place: [low, low + 2^width). */
struct dl_span {
    datalog_word low;
    uint8_t width, shift;
};

struct dl_grid {
    unsigned count; /* of columns */
    struct dl_span spans[DL_GRID_COLUMNS];
};

/* Spans that hold these columns of all rows.  false: that takes more than `most` places. */
bool dl_grid_fit(struct dl_grid *g, const struct dl_tuples *t, uint32_t mask, uint64_t most);
/* Makes room for a key: a span that it leaves gets twice as wide at least, so this happens no more often
 * than a span can double.  false: more than `most` places. */
bool dl_grid_stretch(struct dl_grid *g, const datalog_word *key, uint64_t most);
uint64_t dl_grid_places(const struct dl_grid *g);

/* false: there is none. */
static inline bool dl_grid_place(const struct dl_grid *g, const datalog_word *key, uint64_t *place)
{
    uint64_t at = 0;
    for (unsigned c = 0; c < g->count; c++) {
        uint64_t off = (uint64_t)key[c] - (uint64_t)g->spans[c].low;
        if (off >> g->spans[c].width)
            return false;
        at |= off << g->spans[c].shift;
    }
    *place = at;
    return true;
}

#endif
