#ifndef WEFT_CONTRACTS_WIRE_PBSCAN_H
#define WEFT_CONTRACTS_WIRE_PBSCAN_H

/* pbscan - one field of protobuf's binary encoding, read strictly from a window that may end anywhere.
 *
 * For who rewrites (rewrite_pb) and who only looks (fit_pb); whoever has a whole message reads words (pbwire).
 *
 * Threads: pure. */
#include "contracts/wire/pbvalue.h"

enum { PBSCAN_KEY_MOST = 5, PBSCAN_LENGTH_MOST = 0x7fffffff };

struct pbscan_field {
    size_t begin, after_key, value, end; /* in the window; end may be past it */
    uint32_t number;
    enum pbwire_type type;
    uint64_t word; /* of a varint, little endian of 32 and 64 bits; a length */
};

/* SHORT: the window ends within the key, the value of a number, or a length. */
enum pbscan { PBSCAN_GOT, PBSCAN_SHORT, PBSCAN_WRONG };

/* A varint of at most ten bytes, which fit in 64 bits. */
static inline enum pbscan pbscan_varint(const char *at, const char *end, uint64_t *word, const char **after)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < PBVALUE_MOST; i++) {
        if (at + i == end)
            return PBSCAN_SHORT;
        uint64_t byte = (unsigned char)at[i];
        value |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *word = value;
            *after = at + i + 1;
            return i < PBVALUE_MOST - 1 || byte <= 1 ? PBSCAN_GOT : PBSCAN_WRONG;
        }
    }
    return PBSCAN_WRONG;
}

static inline uint64_t pbscan_fixed(const char *at, size_t bytes)
{
    uint64_t word = 0;
    for (size_t i = 0; i < bytes; i++)
        word |= (uint64_t)(unsigned char)at[i] << (8 * i);
    return word;
}

static inline enum pbscan pbscan_key(const char *at, const char *end, struct pbscan_field *f, const char **after,
                                     const char **why)
{
    uint64_t key;
    if (at < end && (unsigned char)*at < 0x80) {
        key = (unsigned char)*at;
        *after = at + 1;
    } else {
        enum pbscan got = pbscan_varint(at, end, &key, after);
        f->number = 0;
        *why = "not protobuf: a key of more than 32 bits";
        if (got == PBSCAN_SHORT && end - at < PBSCAN_KEY_MOST)
            return PBSCAN_SHORT;
        if (got != PBSCAN_GOT || *after - at > PBSCAN_KEY_MOST || key > UINT32_MAX)
            return PBSCAN_WRONG;
    }
    f->number = (uint32_t)(key >> 3);
    f->type = (enum pbwire_type)(key & 7);
    if (f->number && (key & 7) <= PBWIRE_32)
        return PBSCAN_GOT;
    *why = f->number ? "not protobuf: wire type 6 or 7" : "not protobuf: field number 0";
    return PBSCAN_WRONG;
}

static inline enum pbscan pbscan_word(const char *at, const char *end, struct pbscan_field *f, const char **after,
                                      const char **why)
{
    if (at < end && (unsigned char)*at < 0x80) {
        f->word = (unsigned char)*at;
        *after = at + 1;
        return PBSCAN_GOT;
    }
    *why = "not protobuf: a varint of more than 64 bits";
    return pbscan_varint(at, end, &f->word, after);
}

/* The field that begins at f->begin, as far as its length or its value; `limit` is where its message ends, or the
 * window.  WRONG: `*why` is half a sentence, and f->number 0 when it is not known. */
static inline enum pbscan pbscan_field(const char *base, size_t limit, struct pbscan_field *f, const char **why)
{
    const char *end = base + limit, *at = base + f->begin, *after;
    enum pbscan got = pbscan_key(at, end, f, &after, why);
    if (got != PBSCAN_GOT)
        return got;
    f->after_key = f->value = f->end = (size_t)(after - base);
    if (f->type == PBWIRE_VARINT || f->type == PBWIRE_BYTES) {
        got = pbscan_word(after, end, f, &at, why);
        if (got != PBSCAN_GOT)
            return got;
        f->end = (size_t)(at - base);
        if (f->type == PBWIRE_VARINT)
            return PBSCAN_GOT;
        f->value = f->end;
        f->end += (size_t)f->word;
        *why = "not protobuf: a length of more than 2147483647";
        return f->word > PBSCAN_LENGTH_MOST ? PBSCAN_WRONG : PBSCAN_GOT;
    }
    if (f->type == PBWIRE_GROUP || f->type == PBWIRE_END)
        return PBSCAN_GOT;
    size_t bytes = f->type == PBWIRE_64 ? 8 : 4;
    f->end = f->value + bytes;
    if ((size_t)(end - after) < bytes)
        return PBSCAN_SHORT;
    f->word = pbscan_fixed(after, bytes);
    return PBSCAN_GOT;
}

/* The next value of a packed run, cut off its front; false: it is cut off. */
static inline bool pbscan_packed(enum pbtype_kind kind, struct slice *run, uint64_t *word)
{
    size_t bytes = pbvalue_wire(kind) == PBWIRE_32 ? 4 : 8;
    const char *after = run->at + bytes;
    if (pbvalue_wire(kind) == PBWIRE_VARINT) {
        if (pbscan_varint(run->at, run->at + run->len, word, &after) != PBSCAN_GOT)
            return false;
    } else {
        if (run->len < bytes)
            return false;
        *word = pbscan_fixed(run->at, bytes);
    }
    *run = slice_from(*run, (size_t)(after - run->at));
    return true;
}

#endif
