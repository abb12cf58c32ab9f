#ifndef WEFT_DATALOG_DL_REL_H
#define WEFT_DATALOG_DL_REL_H

/* dl_rel - one relation of a run: its tuples, each once, in the order they came,
 * and indexes on the columns that were asked for.
 *
 * A tuple's number is its place in that order, so "what is new" is a range of
 * numbers.
 *
 * Lifetime: caller's memory; made by dl_rel_init.
 * Threads:  belongs to one. */
#include "datalog/dl_index.h"

#define DL_REL_NONE DL_SET_NONE

/* Why a tuple is there; kept only for proofs. */
struct dl_origin {
    uint32_t rule;    /* number of the rule, or DL_REL_NONE: a fact */
    uint32_t height;  /* 0: a fact */
    const char *file; /* of a fact; NULL: not known */
    uint32_t line;
};

/* The same as it is kept: few tuples are facts of a file. */
struct dl_why {
    uint32_t rule, height;
};
struct dl_place {
    const char *file;
    uint32_t line;
};

struct dl_rel {
    struct dl_tuples tuples;
    struct dl_set set;
    struct dl_index *indexes;
    unsigned index_count;
    uint32_t base;             /* tuples of the program itself, which a reset keeps */
    bool in_rounds;            /* else all tuples count as old, and no more come */
    uint32_t old_end, new_end; /* the news of this round are [old_end, new_end) */
    bool with_origins;
    uint32_t origin_cap, place_cap;
    struct dl_why *whys;     /* by row */
    struct dl_place *places; /* of facts, by row; NULL: none has one */
};

void dl_rel_init(struct dl_rel *r, unsigned arity, uint64_t seed, bool with_origins);
void dl_rel_fini(struct dl_rel *r);
/* Takes away all but the first `keep` tuples, at a cost of what goes. */
void dl_rel_cut(struct dl_rel *r, uint32_t keep);

/* true: it was not there before. */
bool dl_rel_put(struct dl_rel *r, const datalog_word *columns, const struct dl_origin *origin);
bool dl_rel_has(const struct dl_rel *r, const datalog_word *columns);
/* Needs with_origins. */
struct dl_origin dl_rel_origin(const struct dl_rel *r, uint32_t row);
/* Its number, or DL_REL_NONE; needs with_origins. */
uint32_t dl_rel_find(const struct dl_rel *r, const datalog_word *columns);

/* Brings the chain on these columns up to date; made when there is none. */
void dl_rel_chain(struct dl_rel *r, uint32_t mask);
/* The same for a pack, where that is worth it; else a chain. */
void dl_rel_pack(struct dl_rel *r, uint32_t mask, uint32_t need);
/* What those two have made; a pack only if `need` is one's. */
const struct dl_index *dl_rel_index(const struct dl_rel *r, uint32_t mask, uint32_t need, bool packed);

#endif
