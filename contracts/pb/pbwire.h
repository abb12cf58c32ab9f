#ifndef WEFT_CONTRACTS_PB_PBWIRE_H
#define WEFT_CONTRACTS_PB_PBWIRE_H

/* pbwire - the words of protobuf's binary encoding: a field's number, how it is written, and what follows.
 *
 * Lifetime: a word points into the bytes it was read from. */
#include "base/buf.h"

enum pbwire_type { PBWIRE_VARINT, PBWIRE_64, PBWIRE_BYTES, PBWIRE_GROUP, PBWIRE_END, PBWIRE_32 };

struct pbwire_word {
    uint64_t field; /* 1 to 2^29 - 1 */
    enum pbwire_type type;
    uint64_t number;    /* of a varint; little endian of 32 and 64 bits */
    struct slice bytes; /* of PBWIRE_BYTES */
};

/* Cuts a varint of at most 10 bytes off the front; false: there is none. */
bool pbwire_varint(struct slice *s, uint64_t *out);
/* Cuts the next word off the front; a group's words follow its own.  False: there is none, or no whole one. */
bool pbwire_next(struct slice *s, struct pbwire_word *w);

void pbwire_put_varint(struct buf *out, uint64_t n);
void pbwire_put_key(struct buf *out, uint64_t field, enum pbwire_type type);
void pbwire_put_bytes(struct buf *out, struct slice bytes); /* with their length */
void pbwire_put_fixed(struct buf *out, uint64_t n, unsigned bytes);

#endif
