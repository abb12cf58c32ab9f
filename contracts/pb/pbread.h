#ifndef WEFT_CONTRACTS_PB_PBREAD_H
#define WEFT_CONTRACTS_PB_PBREAD_H

/* pbread - what a reader with these types makes of a message's bytes.
 *
 * As the language has it: what a reader does not know, or knows as written otherwise, it leaves out; of a field that
 * is not repeated, and of a oneof, the last one counts; a message without a required field is none.
 *
 * Lifetime: what was read lives in the arena and points into the bytes. */
#include "contracts/pb/pbtype.h"
#include "contracts/pb/pbwire.h"

struct pbread_message;

struct pbread_value {
    struct pbread_value *next;
    const struct pbtype_field *field;
    uint64_t bits;     /* of numbers, enums and bools: signed ones extended, float and double as they are written */
    struct slice text; /* of strings and bytes */
    struct pbread_message *sub;
};

struct pbread_message {
    const struct pbtype_message *type;
    struct pbread_value *first, *last; /* in the order of the bytes */
};

/* Why nothing could be read; the field is the outermost message's, NULL: none in particular. */
struct pbread_fault {
    const struct pbtype_field *field;
    const char *why;
};

/* False: `fault` says why. */
bool pbread(const struct pbtype_message *type, struct slice bytes, struct arena *arena, struct pbread_message **out,
            struct pbread_fault *fault);

/* The same building blocks for other encodings. */
/* Puts the value where a reader would: in place of an earlier one, of an entry with its key, of its oneof's. */
void pbread_put(struct pbread_message *m, struct pbread_value *v);
/* The last value of the field; NULL: it is absent. */
const struct pbread_value *pbread_find(const struct pbread_message *m, const struct pbtype_field *f);
size_t pbread_count(const struct pbread_message *m, const struct pbtype_field *f);
/* A number as a reader of the kind keeps it, from the words of the wire. */
uint64_t pbread_bits(enum pbtype_kind kind, uint64_t word);
enum pbwire_type pbread_wire(const struct pbtype_field *f);

#endif
