#ifndef WEFT_CONTRACTS_WIRE_FIT_PBJSON_H
#define WEFT_CONTRACTS_WIRE_FIT_PBJSON_H

/* fit_pbjson - does a JSON body fit a protobuf message, as protobuf's JSON has it?
 *
 * It fits when transcode_json makes a message of it; nothing of that is kept.  Members that the message does not have
 * pass.
 *
 * Lifetime: as fit; the pbmould outlives it. */
#include "contracts/wire/fit.h"
#include "contracts/wire/pbmould.h"

/* Strings are held, up to `max_hold`. */
struct fit *fit_pbjson_new(struct pbmould *types, const struct pbmould_message *message, size_t max_hold);

#endif
