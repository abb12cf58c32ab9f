#ifndef WEFT_BROKER_BLOB_PUT_H
#define WEFT_BROKER_BLOB_PUT_H

/* blob_put - one blob on its way from a session to the shelf.
 *
 * Lifetime: from BlobPut to BlobKept, BlobEnd, or the end of its session.
 * Threads:  belongs to the loop. */
#include "broker/blob_verbs.h"

struct blob_put;

/* What is to come, and who pays for it. */
struct blob_put_plan {
    uint64_t id, seq;
    uint64_t size; /* 0: not known */
    struct slice payer;
};
/* FULL: too many wait already. */
MUST_USE enum err blob_put_begin(struct api *a, struct session *s, const struct blob_put_plan *plan);
/* NULL: no such. */
struct blob_put *blob_put_find(const struct session *s, uint64_t id);
void blob_put_take(struct blob_put *p, uint64_t seq, const Weft__Bus__V1__Blob *piece);
/* Nothing of it stays. */
void blob_put_cut(struct blob_put *p);
void blob_put_cut_all(struct session *s);

#endif
