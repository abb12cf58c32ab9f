#ifndef WEFT_CONTRACTS_WIRE_JSON_FAST_H
#define WEFT_CONTRACTS_WIRE_JSON_FAST_H

/* json_fast - whole tokens of JSON, taken at a glance where they lie within one chunk.
 *
 * As strict as json_tok, and less able: what is broken, escaped in a rare way or goes on in the
 * next chunk is answered NULL, and json_tok reads it from its first byte.  So whoever uses this
 * gets the same answers and faults, only sooner.
 *
 * Everywhere `at` is in [begin, end) and the answer is a place behind it, at most `end`.
 *
 * Threads: pure. */
#include "base/slice.h"

static inline const char *json_fast_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

enum { JSON_FAST_WIDTH = 16 };

#ifdef __SSE2__
#include <emmintrin.h>
/* A bit for each of 16 bytes that does not stand for itself in a string: quotes, backslashes, control characters and
 * what is not ASCII.  As signed bytes the latter two are below a blank. */
static inline unsigned json_fast_stops(const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    __m128i escape = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    __m128i below = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, escape), below));
}
#else
static inline unsigned json_fast_stops(const char *at)
{
    unsigned stops = 0;
    for (unsigned i = 0; i < JSON_FAST_WIDTH; i++)
        stops |= (unsigned)((signed char)at[i] < ' ' || at[i] == '"' || at[i] == '\\') << i;
    return stops;
}
#endif

/* The first byte that does not stand for itself, or `end`. */
static inline const char *json_fast_plain(const char *at, const char *end)
{
    for (; end - at >= JSON_FAST_WIDTH; at += JSON_FAST_WIDTH) {
        unsigned stops = json_fast_stops(at);
        if (stops)
            return at + __builtin_ctz(stops);
    }
    while (at < end && (signed char)*at >= ' ' && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* `at` is behind the opening quote.  The closing quote of a name without escapes. */
static inline const char *json_fast_name(const char *at, const char *end)
{
    at = json_fast_plain(at, end);
    return at < end && *at == '"' ? at : NULL;
}

/* Past an escape or a character that is not ASCII. */
const char *json_fast_odd(const char *at, const char *end);

/* `at` is behind the opening quote.  Behind the closing one. */
static inline const char *json_fast_string(const char *at, const char *end)
{
    for (;;) {
        at = json_fast_plain(at, end);
        if (at == end)
            return NULL;
        if (*at == '"')
            return at + 1;
        at = json_fast_odd(at, end);
        if (!at)
            return NULL;
    }
}

static inline bool json_fast_is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static inline const char *json_fast_digits(const char *at, const char *end)
{
    while (at < end && json_fast_is_digit(*at))
        at++;
    return at;
}

/* What follows the whole part of a number. */
const char *json_fast_fraction(const char *at, const char *end);

/* NULL also when it ends with the chunk, for it may go on. */
static inline const char *json_fast_number(const char *at, const char *end)
{
    at += *at == '-';
    if (at == end || !json_fast_is_digit(*at))
        return NULL;
    bool zero = *at == '0';
    at = zero ? at + 1 : json_fast_digits(at + 1, end);
    if (at == end || (zero && json_fast_is_digit(*at)))
        return NULL;
    return *at == '.' || (*at | 0x20) == 'e' ? json_fast_fraction(at, end) : at;
}

static inline const char *json_fast_word(const char *at, const char *end, const char *word, size_t len)
{
    return (size_t)(end - at) >= len && memcmp(at, word, len) == 0 ? at + len : NULL;
}

static inline bool json_fast_is_nest(char c)
{
    return c == '{' || c == '[';
}

/* A value that is neither object nor array; of those the opening bracket alone. */
static inline const char *json_fast_value(const char *at, const char *end)
{
    switch (*at) {
    case '"':
        return json_fast_string(at + 1, end);
    case '{':
    case '[':
        return at + 1;
    case 't':
        return json_fast_word(at, end, "true", 4);
    case 'f':
        return json_fast_word(at, end, "false", 5);
    case 'n':
        return json_fast_word(at, end, "null", 4);
    default:
        return *at == '-' || json_fast_is_digit(*at) ? json_fast_number(at, end) : NULL;
    }
}

#endif
