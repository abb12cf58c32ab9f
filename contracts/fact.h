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

/* Contracts have millions of facts: a text is one word, which points at its length and then its bytes. */
union fact_value {
    const char *text; /* of a symbol column; NULL: empty */
    int64_t number;   /* of a number column */
};

struct fact {
    union fact_value value[VOCABULARY_COLUMNS];
    enum vocabulary relation;
    unsigned line, column, width; /* where its relation's name stands */
};

/* What stands in a symbol column; a NUL that is not counted follows it. */
static inline struct slice fact_text(const struct fact *f, size_t column)
{
    const char *at = f->value[column].text;
    uint32_t len;
    if (!at)
        return SLICE("");
    memcpy(&len, at, sizeof(len));
    return slice_of(at + sizeof(len), len);
}
/* A copy of a text, for a symbol column. */
const char *fact_keep(struct arena *a, struct slice text);
/* The same, or `before` where that is the same text: most facts are much like the one before. */
const char *fact_keep_again(struct arena *a, struct slice text, const char *before);

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
