#ifndef WEFT_BROKER_BLOB_GET_H
#define WEFT_BROKER_BLOB_GET_H

/* blob_get - one blob on its way from the shelf to a session.
 *
 * Lifetime: from BlobGet to its last piece, BlobEnd, or the end of its session.
 * Threads:  belongs to the loop. */
#include "broker/blob_verbs.h"

struct blob_get;

struct blob_get_plan {
    uint64_t id, seq;
    struct record_blob blob;
    uint64_t at, end;
    size_t room; /* bytes that may be on their way */
};
/* FULL: too many wait already. */
MUST_USE enum err blob_get_begin(struct api *a, struct session *s, const struct blob_get_plan *plan);
/* NULL: no such. */
struct blob_get *blob_get_find(const struct session *s, uint64_t id);
/* So much was taken in. */
void blob_get_room(struct blob_get *g, uint64_t n);
void blob_get_cut(struct blob_get *g);
void blob_get_cut_all(struct session *s);

#endif
