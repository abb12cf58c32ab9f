#ifndef WEFT_BASE_SLICE_H
#define WEFT_BASE_SLICE_H

/* slice - a borrowed run of bytes.
 *
 * Owns nothing; whoever hands one out says how long its bytes live.  `at` may be
 * NULL only when `len` is 0.  Need not be text and is not NUL-terminated.
 *
 * Threads: a plain value. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct slice {
    const char *at;
    size_t len;
};

/* Of a string literal only. */
#define SLICE(literal) ((struct slice){("" literal), sizeof(literal) - 1})
/* For printf: "%.*s", SLICE_FMT(s). */
#define SLICE_FMT(s) (int)(s).len, (s).at

static inline struct slice slice_of(const void *at, size_t len)
{
    return (struct slice){.at = at, .len = len};
}

static inline struct slice slice_str(const char *text)
{
    return text ? (struct slice){.at = text, .len = strlen(text)} : (struct slice){0};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* Everything from byte `n` on, and everything before it; `n` past the end means the end. */
static inline struct slice slice_from(struct slice s, size_t n)
{
    size_t cut = n < s.len ? n : s.len;
    return slice_of(s.at ? s.at + cut : s.at, s.len - cut);
}

static inline struct slice slice_to(struct slice s, size_t n)
{
    return slice_of(s.at, n < s.len ? n : s.len);
}

/* Byte order, shorter first on a tie: <0, 0, >0. */
int slice_cmp(struct slice a, struct slice b);
/* ASCII letters only. */
bool slice_eq_nocase(struct slice a, struct slice b);
bool slice_starts(struct slice s, struct slice prefix);
bool slice_ends(struct slice s, struct slice suffix);
bool slice_has(struct slice s, struct slice needle);
/* Where the needle first begins; false and `*at` untouched when it is not there. */
bool slice_find_text(struct slice s, struct slice needle, size_t *at);
/* First `c`; false and `*at` untouched when there is none. */
bool slice_find(struct slice s, char c, size_t *at);
bool slice_find_last(struct slice s, char c, size_t *at);

/* Cuts the next piece up to `sep` off `*rest`.  "a,,b" gives a, (empty), b; "a," gives
 * a only; "" gives nothing.  false: there was no piece left. */
bool slice_split(struct slice *rest, char sep, struct slice *piece);
/* Without spaces and tabs at both ends. */
struct slice slice_trim(struct slice s);
/* Strict decimal, no sign, no leading blanks, 1 to 20 digits.  INPUT: not that, or over `max`. */
MUST_USE enum err slice_u64(struct slice s, uint64_t max, uint64_t *out);
/* Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates. */
bool slice_utf8(struct slice s);
/* Bytes of the well-formed character at the front; 0: there is none. */
size_t slice_utf8_step(struct slice s);

#endif
