#ifndef WEFT_CONTRACTS_WIRE_REWRITE_RECORDS_H
#define WEFT_CONTRACTS_WIRE_REWRITE_RECORDS_H

/* rewrite_records - a body of many JSON texts, each rewritten by the same plan as it comes.
 *
 * Lines: one text a line (NDJSON).  Events: the data lines of server-sent events, one text
 * each; all other lines and all marks between stay as they are.  Empty lines are no texts.
 *
 * Lifetime: as rewrite. */
#include "contracts/wire/rewrite.h"

/* GRPC: messages behind their lengths (rewrite_grpc), none of them compressed; where a plan reads or writes JSON, lines
 * at that end. */
enum rewrite_framing { REWRITE_WHOLE, REWRITE_LINES, REWRITE_EVENTS, REWRITE_GRPC };

/* By the media type, without parameters.  false: it carries no JSON. */
bool rewrite_records_framing(struct slice media, enum rewrite_framing *out);
/* A rewrite for any framing. */
struct rewrite *rewrite_records_new(struct plan *plan, size_t max_hold, enum rewrite_framing framing);

#endif
