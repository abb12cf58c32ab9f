#ifndef WEFT_DATALOG_DL_REL_H
#define WEFT_DATALOG_DL_REL_H

/* dl_rel - one relation of a run: its tuples, each once, in the order they came,
 * and indexes on the columns that were asked for.
 *
 * A tuple's number is its place in that order, so "what is new" is a range of
 * numbers, and an index lists the newest first.
 *
 * Lifetime: caller's memory; a zeroed relation with its arity set is empty.
 * Threads:  belongs to one. */
#include "datalog/datalog.h"

/* No tuple, no rule. */
#define DL_REL_NONE UINT32_MAX

struct dl_index {
    uint32_t mask; /* of its columns */
    uint32_t rows; /* indexed so far */
    uint32_t cap;  /* of heads; power of two, or 0 */
    uint32_t next_cap;
    uint32_t *heads; /* by hash of the key: row + 1 of the newest; 0: none */
    uint32_t *next;  /* by row: row + 1 of the one before with that hash */
};

/* Why a tuple is there; kept only for proofs. */
struct dl_origin {
    uint32_t rule;    /* number of the rule, or DL_REL_NONE: a fact */
    uint32_t height;  /* 0: a fact */
    const char *file; /* of a fact; NULL: not known */
    uint32_t line;
};

struct dl_rel {
    unsigned arity;
    uint64_t seed; /* of all its hashes */
    uint32_t count;
    uint32_t cap;
    uint32_t base; /* tuples of the program itself, which a reset keeps */
    uint32_t slot_cap;
    bool in_rounds;            /* else all tuples count as old */
    uint32_t old_end, new_end; /* the news of this round are [old_end, new_end) */
    datalog_word *words;
    uint64_t *slots; /* upper half of the hash, row + 1; 0: free */
    struct dl_index *indexes;
    unsigned index_count;
    bool with_origins;
    struct dl_origin *origins;
};

void dl_rel_fini(struct dl_rel *r);
/* Takes away all but the first `keep` tuples, at a cost of what goes. */
void dl_rel_cut(struct dl_rel *r, uint32_t keep);

/* true: it was not there before. */
bool dl_rel_put(struct dl_rel *r, const datalog_word *columns, const struct dl_origin *origin);
/* Its number, or DL_REL_NONE. */
uint32_t dl_rel_find(const struct dl_rel *r, const datalog_word *columns);

static inline const datalog_word *dl_rel_row(const struct dl_rel *r, uint32_t row)
{
    return r->words + (size_t)row * r->arity;
}

/* The index on these columns with every tuple in it, made when there is none. */
const struct dl_index *dl_rel_index(struct dl_rel *r, uint32_t mask);
/* The newest tuple below `end` with this key (columns in order), or DL_REL_NONE. */
uint32_t dl_rel_first(const struct dl_rel *r, const struct dl_index *i, const datalog_word *key, uint32_t end);
uint32_t dl_rel_after(const struct dl_rel *r, const struct dl_index *i, const datalog_word *key, uint32_t row);
/* The index that is there already, or NULL. */
const struct dl_index *dl_rel_has_index(const struct dl_rel *r, uint32_t mask);

#endif
