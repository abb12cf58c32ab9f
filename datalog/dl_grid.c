#include "datalog/dl_grid.h"

/* No grid is larger, whatever was asked for. */
enum { WIDEST = 40 };

static unsigned width_for(datalog_word low, datalog_word high)
{
    uint64_t most = (uint64_t)high - (uint64_t)low;
    return most ? 64 - (unsigned)__builtin_clzll(most) : 0;
}

static unsigned all_width(const struct dl_grid *g)
{
    unsigned all = 0;
    for (unsigned c = 0; c < g->count; c++)
        all += g->spans[c].width;
    return all;
}

uint64_t dl_grid_places(const struct dl_grid *g)
{
    return UINT64_C(1) << all_width(g);
}

/* Lays the columns side by side, the last one lowest. */
static bool lay_out(struct dl_grid *g, uint64_t most)
{
    unsigned shift = 0;
    if (all_width(g) >= WIDEST || dl_grid_places(g) > most)
        return false;
    for (unsigned c = g->count; c-- > 0; shift += g->spans[c].width)
        g->spans[c].shift = (uint8_t)shift;
    return true;
}

static struct dl_span span_of(const struct dl_tuples *t, unsigned column)
{
    datalog_word low = dl_tuples_at(t, 0, column), high = low;
    for (uint32_t row = 1; row < t->count; row++) {
        datalog_word w = dl_tuples_at(t, row, column);
        low = w < low ? w : low;
        high = w > high ? w : high;
    }
    return (struct dl_span){.low = low, .width = (uint8_t)width_for(low, high)};
}

bool dl_grid_fit(struct dl_grid *g, const struct dl_tuples *t, uint32_t mask, uint64_t most)
{
    *g = (struct dl_grid){0};
    if (t->count == 0 || __builtin_popcount(mask) > DL_GRID_COLUMNS)
        return false;
    for (; mask; mask &= mask - 1)
        g->spans[g->count++] = span_of(t, (unsigned)__builtin_ctz(mask));
    return lay_out(g, most);
}

/* Towards the side where it was left. */
static bool stretch_span(struct dl_span *s, datalog_word w)
{
    datalog_word last = (datalog_word)((uint64_t)s->low + (UINT64_C(1) << s->width) - 1);
    bool below = w < s->low;
    unsigned need = below ? width_for(w, last) : width_for(s->low, w);
    unsigned width = need > s->width ? need : s->width + 1u;
    if (width >= WIDEST)
        return false;
    if (below)
        s->low = (datalog_word)((uint64_t)last - (UINT64_C(1) << width) + 1);
    s->width = (uint8_t)width;
    return true;
}

bool dl_grid_stretch(struct dl_grid *g, const datalog_word *key, uint64_t most)
{
    uint64_t place;
    for (unsigned c = 0; c < g->count; c++) {
        bool outside = ((uint64_t)key[c] - (uint64_t)g->spans[c].low) >> g->spans[c].width != 0;
        if (outside && !stretch_span(&g->spans[c], key[c]))
            return false;
    }
    return lay_out(g, most) && dl_grid_place(g, key, &place);
}
