#ifndef WEFT_CONTRACTS_WIRE_PBVALUE_H
#define WEFT_CONTRACTS_WIRE_PBVALUE_H

/* pbvalue - one protobuf scalar that becomes another: read, converted exactly or refused, written.
 *
 * Threads: pure. */
#include "contracts/pb/pbtype.h"
#include "contracts/pb/pbwire.h"

enum { PBVALUE_MOST = 10, PBVALUE_DIGITS = 24 };

struct pbvalue {
    enum pbtype_kind kind;
    uint64_t bits;               /* of numbers: signed ones extended, float and double as they are written */
    struct slice text;           /* of strings and bytes */
    char digits[PBVALUE_DIGITS]; /* where a number's text stands */
};

const char *pbvalue_name(enum pbtype_kind kind);
bool pbvalue_kind(struct slice name, enum pbtype_kind *out);
enum pbwire_type pbvalue_wire(enum pbtype_kind kind);
/* May several stand in one run of bytes? */
static inline bool pbvalue_packs(enum pbtype_kind kind)
{
    return kind < PBTYPE_STRING;
}
/* Is there a way at all? */
bool pbvalue_converts(enum pbtype_kind from, enum pbtype_kind to);

/* `word` as it came: a varint, or little endian. */
void pbvalue_set(struct pbvalue *v, enum pbtype_kind kind, uint64_t word);
/* NULL, or half a sentence that says why this value has no like in `to`.  PRE: pbvalue_converts.  The value must stay
 * where it is as long as its text is used. */
const char *pbvalue_convert(struct pbvalue *v, enum pbtype_kind to);
/* Is a whole number from low to high? */
bool pbvalue_within(const struct pbvalue *v, int64_t low, int64_t high);
/* Is it what stands for none? */
bool pbvalue_zero(const struct pbvalue *v);
/* A number as it is written, without its key: how many bytes, at most PBVALUE_MOST. */
size_t pbvalue_write(const struct pbvalue *v, char *at);
/* A value from JSON as protobuf's own JSON has it (64 bits may stand in a string, bytes in base64; enums by number),
 * as it is written, without its key.  false: it is none of this kind. */
bool pbvalue_put_json(enum pbtype_kind kind, struct slice json, struct buf *out);

/* Bytes from base64, with their length.  false: it is none. */
bool pbvalue_put_base64(struct slice text, struct buf *out);

/* How many bytes a varint takes, and the varint itself. */
static inline size_t pbvalue_varint_size(uint64_t n)
{
    return ((size_t)(63 - __builtin_clzll(n | 1)) * 9 + 73) / 64;
}
static inline size_t pbvalue_write_varint(uint64_t n, char *at)
{
    size_t i = 0;
    for (; n >= 0x80; n >>= 7)
        at[i++] = (char)(n | 0x80);
    at[i++] = (char)n;
    return i;
}

#endif
