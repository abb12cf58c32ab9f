#ifndef WEFT_BROKER_BLOB_VERBS_H
#define WEFT_BROKER_BLOB_VERBS_H

/* blob_verbs - bodies over 256 KiB, put and got in pieces: BlobPut, BlobGet, Blob, BlobRoom, BlobEnd.
 *
 * What a session has put is its own to name in a Submit, a Done or a SchedulePut, for
 * five minutes and as long as it lives; others who know the digest may not.
 *
 * Lifetime: of the api; blob_verbs_left before a session goes.
 * Threads:  belongs to the loop. */
#include "broker/answers.h"
#include "broker/submits.h"

/* Sent at once; one that comes may have twice as much. */
enum { BLOB_VERBS_PIECE = 128 << 10, BLOB_VERBS_PIECE_MOST = 256 << 10, BLOB_VERBS_KEPT = 1000 };

/* Of one session; made with its first blob. */
struct blob_seat {
    struct list puts, gets, kept;
    size_t putting, getting, kept_count;
};

void blob_verbs_put(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void blob_verbs_get(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void blob_verbs_piece(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void blob_verbs_room(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void blob_verbs_end(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
/* It has gone, or begins anew: nothing of it moves any more, what it kept is let go. */
void blob_verbs_left(struct api *a, struct session *s);

/* May this session name it?  Or it names none. */
bool blob_verbs_may_name(struct api *a, const struct session *s, const Weft__Bus__V1__BlobName *name);
/* What was asked for is on disk: a blob that it named is the record's now. */
void blob_verbs_named(struct api *a, struct session *s, const struct answers_asker *k);
/* What a record of the bus names; borrowed. */
struct record_blob blob_verbs_blob(const Weft__Bus__V1__BlobName *name);
/* NULL when there is none. */
Weft__Bus__V1__BlobName *blob_verbs_name(struct arena *a, const struct record_blob *blob);

/* For blob_put.c, blob_get.c. */
struct blob_seat *blob_verbs_seat(struct session *s);
void blob_verbs_say_kept(struct api *a, struct session *s, uint64_t re, uint64_t id, const struct record_blob *blob);
/* The other side is told that it has ended, and why. */
void blob_verbs_say_end(struct api *a, struct session *s, uint64_t id, const struct submits_no *why);

#endif
