#ifndef WEFT_DATALOG_DL_INDEX_H
#define WEFT_DATALOG_DL_INDEX_H

/* dl_index - the tuples that have a key.
 *
 * A *chain* grows with its tuples and lists the newest first.  A *pack* is made once
 * of tuples that come no more: behind each key the columns that are needed, side by
 * side and without most of the repetitions.
 *
 * Keys whose values stand close together are places in a grid; all others are
 * hashed.
 *
 * Lifetime: caller's memory; zeroed with its mask, need and seed it is empty.
 * Threads:  belongs to one. */
#include "datalog/dl_set.h"

struct dl_index {
    uint32_t mask; /* of the key's columns */
    uint32_t need; /* of a pack: the columns it keeps */
    bool packed;
    bool direct; /* heads go by the key's place */
    struct dl_grid grid;
    uint64_t seed;
    uint32_t rows;     /* indexed so far */
    uint32_t cap;      /* of heads; a power of two, or 0 */
    uint32_t *heads;   /* a chain: row + 1 of the newest; a pack: 1 + its group; 0: none */
    uint32_t next_cap; /* of a chain */
    uint32_t *next;    /* by row: row + 1 of the one before */
    uint32_t *keys;    /* of a hashed pack: a row of each group */
    uint32_t *ends;    /* of a pack, by group: where its cells begin (in tuples of `need`), and where they end */
    unsigned width;    /* of a pack: columns kept */
    bool wide;         /* of its cells */
    void *cells;
};

void dl_index_fini(struct dl_index *i);
/* Takes in the rows it has not seen; a pack is made anew. */
void dl_index_update(struct dl_index *i, const struct dl_tuples *t);
/* Before the rows from `keep` on go. */
void dl_index_cut(struct dl_index *i, const struct dl_tuples *t, uint32_t keep);

/* Of a chain: the newest tuple below `end` with this key (columns in order), or DL_SET_NONE. */
uint32_t dl_index_first(const struct dl_index *i, const struct dl_tuples *t, const datalog_word *key, uint32_t end);
uint32_t dl_index_after(const struct dl_index *i, const struct dl_tuples *t, const datalog_word *key, uint32_t row);

/* Of a pack: [from, to) of its cells. */
struct dl_pack_range {
    uint32_t from, to;
};
struct dl_pack_range dl_index_pack(const struct dl_index *i, const struct dl_tuples *t, const datalog_word *key);

static inline datalog_word dl_index_cell(const struct dl_index *i, uint32_t entry, unsigned kept)
{
    return dl_tuples_cell(i->cells, i->wide, (size_t)entry * i->width + kept);
}

#endif
