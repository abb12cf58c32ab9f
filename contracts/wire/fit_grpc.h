#ifndef WEFT_CONTRACTS_WIRE_FIT_GRPC_H
#define WEFT_CONTRACTS_WIRE_FIT_GRPC_H

/* fit_grpc - do the messages of a gRPC stream fit?  Each is held against its message (fit_pb) as it comes.
 *
 * A message that is compressed is held whole, up to `max_hold`, and so is what it becomes; others are not held.
 *
 * Lifetime: as fit_pb. */
#include "contracts/wire/fit_pb.h"
#include "contracts/wire/rewrite_grpc.h"

/* Without a coding a compressed message is refused. */
struct fit *fit_grpc_new(const struct pbmould_message *message, size_t max_hold,
                         const struct rewrite_grpc_coding *coding);

#endif
