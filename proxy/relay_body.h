#ifndef WEFT_PROXY_RELAY_BODY_H
#define WEFT_PROXY_RELAY_BODY_H

/* relay_body - what the body of one of a relay's messages is by its head, and how its lane is set up for that.
 *
 * Threads: belongs to the loop. */
#include "proxy/relay_inside.h"

/* The content type without its parameters. */
struct slice relay_body_media(const struct message *m);
/* Can a plan rewrite the body of this message: JSON, one text or many? */
bool relay_body_is_json(const struct relay *r, const struct message *m, enum rewrite_framing *framing);
/* Can it be read, as far as the plan (NULL: none) and the contract ask for that? */
bool relay_body_reads(const struct relay *r, const struct message *m, const struct plan *plan);
/* Sets the lane up for its plan on the body of this message: one JSON text or many, protobuf, gRPC.  NULL, or why the
 * plan cannot be carried out on it.  PRE: lane_init was called. */
const char *relay_body_frame(const struct relay *r, const struct message *m, struct lane *l);
/* What its body is under; several codings are OTHER. */
enum coding relay_body_coding(const struct message *m);
/* What those of its messages that are compressed are under. */
enum coding relay_body_message_coding(const struct message *m);
/* Has the lane the body of this message held against our contract, if that is asked for? */
void relay_body_check(const struct relay *r, const struct message *m, struct lane *l);

#endif
