#ifndef WEFT_CONTRACTS_WIRE_REWRITE_GRPC_H
#define WEFT_CONTRACTS_WIRE_REWRITE_GRPC_H

/* rewrite_grpc - the messages of a gRPC stream, each rewritten by the same plan as it becomes whole.
 *
 * A message stands behind a byte that says whether it is compressed, and four with its length; both are known
 * only when the whole message is rewritten, so one message is held, up to `max_hold`.
 *
 * Lifetime: as rewrite. */
#include "contracts/wire/rewrite.h"

/* Undoes a message's compression and does it again; adds to `out`.  PEER: it is none.  FULL: out of proportion. */
struct rewrite_grpc_coding {
    enum err (*undo)(const void *arg, struct slice in, struct buf *out);
    enum err (*redo)(const void *arg, struct slice in, struct buf *out);
    const void *arg;
};

/* How messages stand in a body: behind their lengths; one alone, which is all of it; one a line, of JSON. */
enum rewrite_grpc_framing { REWRITE_GRPC_FRAMED, REWRITE_GRPC_ALONE, REWRITE_GRPC_LINES };
struct rewrite_grpc_ends {
    enum rewrite_grpc_framing in, out;
};

/* Without a coding (NULL) a compressed message is refused; only framed messages are compressed again.  Where one alone
 * goes out, none is refused, and a second one, too. */
struct rewrite *rewrite_grpc_new(struct plan *plan, size_t max_hold, const struct rewrite_grpc_coding *coding,
                                 struct rewrite_grpc_ends ends);

#endif
