#ifndef WEFT_BASE_JSON_LINE_H
#define WEFT_BASE_JSON_LINE_H

/* json_line - pieces of JSON written straight into room that is known to be enough.
 *
 * For lines that are made for every exchange, where json_out counts what it may write
 * piece by piece.  Each function writes at `at` and returns where it stopped; how much
 * room a piece needs at most is said here, and finding that much is for the caller.
 *
 * Threads: pure. */
#include "base/slice.h"

enum { JSON_LINE_WORST = 6 /* bytes that one byte of a text becomes at most: \u001f */, JSON_LINE_DIGITS = 20 };

/* Bytes at the front that stand in a string as they are: ASCII, but for what RFC 8259 section 7 escapes. */
size_t json_line_plain(struct slice text);

/* Of our own bytes, as they are. */
static inline char *json_line_put(char *at, struct slice piece)
{
    memcpy(at, piece.at, piece.len);
    return at + piece.len;
}

/* What stands between the quotes: escaped, and U+FFFD for each byte that is not UTF-8 (RFC 3629).
 * JSON_LINE_WORST bytes each. */
char *json_line_text(char *at, struct slice text);
/* JSON_LINE_DIGITS bytes. */
char *json_line_u64(char *at, uint64_t n);

#endif
