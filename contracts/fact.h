#ifndef WEFT_CONTRACTS_FACT_H
#define WEFT_CONTRACTS_FACT_H

/* fact - one sentence of a contract, and the reader of texts made of them.
 *
 *     field("Order", "qty", "int32", "required").   // a comment
 *
 * Only facts: rules and directives are refused with a place.  Strings are UTF-8
 * with the escapes \" \\ \n \r \t; numbers are decimal and fit in 64 bits.
 *
 * Lifetime: facts live in the arena they were read into. */
#include "base/diag.h"
#include "contracts/vocabulary.h"

/* Contracts have millions of facts, so a column takes the room of a text whichever it is. */
union fact_number {
    int64_t n;
    struct slice room;
};

struct fact {
    union {
        struct slice text[VOCABULARY_COLUMNS];        /* of symbol columns */
        union fact_number number[VOCABULARY_COLUMNS]; /* of number columns */
    };
    enum vocabulary relation;
    unsigned line, column, width; /* where its relation's name stands */
};

struct fact_list {
    struct fact *v;
    size_t count, room;
};
/* One behind the last; NULL when there is none, for there may be no list at all. */
static inline struct fact *fact_list_end(const struct fact_list *l)
{
    return l->count ? l->v + l->count : l->v;
}
struct fact *fact_list_add(struct fact_list *l);
void fact_list_fini(struct fact_list *l);

/* Reads all that can be read; what cannot is in `diag`.  FULL: more than `most` facts, the rest is not read. */
MUST_USE enum err fact_read(struct slice text, const char *file, size_t most, struct arena *arena, struct diag *diag,
                            struct fact_list *out);

/* By relation, then column by column; places do not matter. */
int fact_cmp(const struct fact *a, const struct fact *b);
/* The first fact of a sorted list with this relation and first column; NULL: there is none.  The others follow it. */
const struct fact *fact_list_find(const struct fact_list *l, enum vocabulary relation, struct slice first);
/* As it is written, with the full stop, without a line end. */
void fact_put(const struct fact *f, struct buf *out);

#endif
