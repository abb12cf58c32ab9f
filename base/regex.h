#ifndef WEFT_BASE_REGEX_H
#define WEFT_BASE_REGEX_H

/* regex - THE PCRE2 room: bounded matching only.
 *
 * A pattern is compiled once; every match runs under a match and depth limit, so
 * a hostile pattern costs a bounded amount.
 *
 * Threads: a compiled regex is immutable and may be shared. */
#include "base/slice.h"

struct regex;

/* Longer text is answered LIMIT without being looked at. */
enum { REGEX_TEXT_MOST = 16 << 10 };

/* INPUT: not a pattern; `*why` (static text or in `room`) and `*at` (byte offset) say what and where. */
MUST_USE enum err regex_new(struct slice pattern, struct regex **out, char why[128], size_t *at);
void regex_free(struct regex **r);
/* The whole of `text` (anchored at both ends).  OK: it matches.  ABSENT: it does not.  LIMIT: too costly. */
MUST_USE enum err regex_whole(const struct regex *r, struct slice text);
/* Anywhere in `text`. */
MUST_USE enum err regex_find(const struct regex *r, struct slice text);

#endif
