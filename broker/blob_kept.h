#ifndef WEFT_BROKER_BLOB_KEPT_H
#define WEFT_BROKER_BLOB_KEPT_H

/* blob_kept - what a session has put on the shelf and no record names yet.
 *
 * Each is held, and charged to whose body it is, until it was named, or for five
 * minutes, or until the session goes.
 *
 * Threads: belongs to the loop. */
#include "broker/blob_verbs.h"

/* Takes over one hold of the shelf and the charge; false: the session keeps too many, and takes nothing. */
bool blob_kept_add(struct api *a, struct session *s, const struct record_blob *blob, struct slice payer);
bool blob_kept_has(const struct session *s, const struct record_blob *blob);
/* One of this content is let go; harmless when there is none. */
void blob_kept_drop(struct api *a, struct session *s, struct slice digest);
void blob_kept_drop_all(struct api *a, struct session *s);

#endif
