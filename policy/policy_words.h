#ifndef WEFT_POLICY_POLICY_WORDS_H
#define WEFT_POLICY_POLICY_WORDS_H

/* policy_words - the names that a policy text uses, with the constant each is asked
 * with, so that a request's headers are given only when a rule wants them and a
 * warning can point at its word.
 *
 * Borrows the text. */
#include "base/slice.h"

struct policy_word {
    struct slice name;
    size_t at;             /* offset in the text */
    bool has_constant;     /* the name is followed by ("constant" */
    struct slice constant; /* without its quotes; it has no escapes */
};

/* The next name at or after `*at` that is in no comment and no string.  false: there is none. */
bool policy_words_next(struct slice text, size_t *at, struct policy_word *word);

#endif
