#ifndef WEFT_CONTRACTS_PB_PBMAKE_H
#define WEFT_CONTRACTS_PB_PBMAKE_H

/* pbmake - bytes that a writer with these types surely writes: least messages, and values that are worth trying. */
#include "contracts/pb/pbtype.h"
#include "contracts/pb/pbwire.h"

/* Puts the required fields.  False: there is no end of them. */
bool pbmake_least(const struct pbtype_message *m, struct buf *out);
/* The same without one field, which somebody else puts. */
bool pbmake_least_but(const struct pbtype_message *m, const struct pbtype_field *but, struct buf *out);

/* Puts a field with the value number `i`, from 0; of messages 0 is the least one and others have one field more.
 * False: there are no more. */
bool pbmake_field(const struct pbtype_field *f, unsigned i, struct buf *out);
/* Puts a field that is this message. */
void pbmake_sub(const struct pbtype_field *f, struct slice message, struct buf *out);
/* Puts a field that is this number; the field is an enum. */
void pbmake_symbol(const struct pbtype_field *f, int64_t number, struct buf *out);

#endif
