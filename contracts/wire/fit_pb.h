#ifndef WEFT_CONTRACTS_WIRE_FIT_PB_H
#define WEFT_CONTRACTS_WIRE_FIT_PB_H

/* fit_pb - does a body in protobuf's binary encoding fit its message?
 *
 * Refused is what is no protobuf at all (a varint too long, a length past the end, a group that does not end, depth
 * over 128), a known field that is written as another kind, a string that is no UTF-8 where its file asks for that, a
 * number that a closed enum does not have, and a message without a required field.  Several values may stand in one
 * run or one by one; what is not known passes.
 *
 * Holds a few bytes, whatever comes.
 *
 * Lifetime: as fit; the pbmould outlives it. */
#include "contracts/wire/fit.h"
#include "contracts/wire/pbmould.h"

struct fit *fit_pb_new(const struct pbmould_message *message);
/* After fit_finish: the next message begins. */
void fit_pb_again(struct fit *f);

#endif
