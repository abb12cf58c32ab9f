#ifndef WEFT_CONTRACTS_PB_PBJSON_H
#define WEFT_CONTRACTS_PB_PBJSON_H

/* pbjson - protobuf's JSON encoding: what a writer writes, and what a reader that leaves out names it does not know
 * makes of it.
 *
 * Messages of google.protobuf, which have a JSON of their own, and message sets are not written. */
#include "contracts/json_value.h"
#include "contracts/pb/pbread.h"

/* False: there is a message in it whose JSON is not known here, or a text that is none. */
bool pbjson_put(const struct pbread_message *m, struct buf *out);
/* False: a reader refuses it, `fault` says why. */
bool pbjson_read(const struct pbtype_message *type, const struct json_value *object, struct arena *arena,
                 struct pbread_message **out, struct pbread_fault *fault);

#endif
