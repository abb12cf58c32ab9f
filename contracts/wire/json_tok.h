#ifndef WEFT_CONTRACTS_WIRE_JSON_TOK_H
#define WEFT_CONTRACTS_WIRE_JSON_TOK_H

/* json_tok - the tokens of one JSON text (RFC 8259), read strictly as its bytes arrive.
 *
 * May be stopped and fed again at any byte.  Refused: anything but one value, UTF-8
 * that is not well-formed, lone surrogates in \u escapes, depth over JSON_TOK_DEPTH.
 * Duplicate names are not its business (json_names).
 *
 *     while ((e = json_tok_next(&t, &bytes, &token)) == ERR_OK)
 *         ... token.begin and token.end are offsets in the whole text ...
 *
 * Lifetime: caller's memory.  Memory is constant but for the text that is collected,
 *           at most `max_text`.
 * Threads:  belongs to one; pure. */
#include "base/buf.h"

enum { JSON_TOK_DEPTH = 128 };

enum json_tok_kind {
    JSON_TOK_OBJECT,
    JSON_TOK_OBJECT_END,
    JSON_TOK_ARRAY,
    JSON_TOK_ARRAY_END,
    JSON_TOK_COMMA,
    JSON_TOK_NAME,
    JSON_TOK_STRING,
    JSON_TOK_NUMBER,
    JSON_TOK_TRUE,
    JSON_TOK_FALSE,
    JSON_TOK_NULL,
};

struct json_token {
    enum json_tok_kind kind;
    uint64_t begin, end; /* offsets of the first byte and of the one past the last */
    /* Names always, strings and numbers when `collect` was set: without quotes and escapes.
     * Valid until the next call on this reader or until the bytes given are gone. */
    struct slice text;
};

struct json_tok {
    bool collect; /* the caller's: give the text of strings and numbers too */

    struct buf text;
    bool gathered; /* `text` has the front part of the token */
    enum err stuck;
    const char *fault;
    uint64_t offset; /* in the whole text, of in.at[0] */
    uint64_t begin;  /* of the token under way */
    struct slice in; /* what the call under way was given */
    size_t at, run;  /* in `in`: the next byte; the first byte not gathered yet */
    unsigned want, lex, part, depth;
    bool keep;           /* this token's text is collected */
    const char *word;    /* what is left of true, false or null */
    unsigned left;       /* continuation bytes of a UTF-8 sequence still to come */
    uint8_t low, high;   /* and the bounds of the next of them */
    uint32_t code, lead; /* of a \u escape; the high surrogate before it, or 0 */
    uint64_t in_object[JSON_TOK_DEPTH / 64];
};

void json_tok_init(struct json_tok *t, size_t max_text);
void json_tok_fini(struct json_tok *t);

/* Takes bytes off the front of `*bytes`.  OK: `*token` is the next.  AGAIN: all bytes are used.
 * PEER: not JSON, see json_tok_fault.  FULL: a text is over max_text.  Both last. */
MUST_USE enum err json_tok_next(struct json_tok *t, struct slice *bytes, struct json_token *token);
/* The text has ended.  OK: it was whole.  AGAIN: `*token` is a number that only the end could end;
 * call again.  PEER: too early. */
MUST_USE enum err json_tok_finish(struct json_tok *t, struct json_token *token);

/* After an error: a static sentence, and the offset of the byte that is wrong. */
const char *json_tok_fault(const struct json_tok *t);
uint64_t json_tok_offset(const struct json_tok *t);
unsigned json_tok_depth(const struct json_tok *t);

/* For who reads whole tokens himself (json_fast), inside an object or array.  Is the reader between its tokens, and has
 * it had one? */
bool json_tok_resting(const struct json_tok *t, bool *fresh);
/* Level `depth` from 0, just opened. */
static inline void json_tok_mark(struct json_tok *t, size_t level, bool object)
{
    uint64_t bit = UINT64_C(1) << (level % 64);
    if (object)
        t->in_object[level / 64] |= bit;
    else
        t->in_object[level / 64] &= ~bit;
}
/* So many bytes were read, and so many levels are open now; the innermost is fresh, or has a value behind it. */
void json_tok_jump(struct json_tok *t, size_t bytes, size_t depth, bool fresh);

/* Is `text` one JSON value and no more? */
bool json_tok_whole(struct slice text);

#endif
