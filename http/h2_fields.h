#ifndef WEFT_HTTP_H2_FIELDS_H
#define WEFT_HTTP_H2_FIELDS_H

/* h2_fields - HTTP/2 field sections into messages (RFC 9113 section 8.2 and 8.3).
 *
 * Fields come one at a time, already checked for their characters and for the order
 * of pseudo fields by the session; what is left is where each belongs.
 *
 * Lifetime: copies go into the arena of the message's headers.
 * Threads:  pure. */
#include "http/message.h"

/* FULL: past the bounds of headers.h; crumbs of a cookie count each. */
MUST_USE enum err h2_fields_head(struct message *m, struct slice name, struct slice value, bool never_indexed);
MUST_USE enum err h2_fields_trailer(struct message *m, struct slice name, struct slice value, bool never_indexed);
/* After the last of a head: joins cookie crumbs, folds Host into authority, reads the
 * length.  PEER: Host and :authority differ. */
MUST_USE enum err h2_fields_close(struct message *m);
/* May this field not travel over HTTP/2 (section 8.2.2), or is it said by a pseudo field? */
bool h2_fields_barred(const struct header *field);

#endif
