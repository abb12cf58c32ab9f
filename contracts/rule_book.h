#ifndef WEFT_CONTRACTS_RULE_BOOK_H
#define WEFT_CONTRACTS_RULE_BOOK_H

/* rule_book - the facts about rules that no rule reads: what a finding is in words, profiles, foreign names.
 *
 * They stand in files of their own beside the rules and are read in place, so that
 * judging a pair does not pay for loading them.
 *
 * Lifetime: columns point into the program itself. */
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum { RULE_BOOK_COLUMNS = 8 };

struct rule_book_row {
    struct slice column[RULE_BOOK_COLUMNS];
    size_t count;
};

/* Begin with a zeroed one. */
struct rule_book_cursor {
    size_t file;
    struct slice rest;
};

/* The next fact of the relation, in the order of the files; false: that was all. */
bool rule_book_next(struct rule_book_cursor *c, const char *relation, struct rule_book_row *row);
/* Is this embedded file one of the book? */
bool rule_book_has(const char *file);

#endif
