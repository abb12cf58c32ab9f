#ifndef WEFT_BROKER_BLOB_SHELF_H
#define WEFT_BROKER_BLOB_SHELF_H

/* blob_shelf - bodies too large for a record: files beside the database, one per content.
 *
 * A blob stays while a record needs it, a change that names it is on its way, or
 * somebody here holds it (who has just written it, or reads it).  Which records need
 * which is said by the store, in the order in which it became durable; nothing is
 * counted twice on disk, so a start counts anew and takes away what nobody needs.
 *
 * Writing, flushing and hashing happen on one thread, reading on another; names are
 * given and taken by the first alone, so they come and go in order.
 *
 * Lifetime: cut every write and read before blob_shelf_close; close the store first.
 * Threads:  belongs to the loop. */
#include "base/hash.h"
#include "base/loop.h"
#include "broker/blob_purse.h"
#include "broker/store.h"

struct blob_shelf;

/* `folder`: made when it is absent.  IO: `*why`. */
MUST_USE enum err blob_shelf_open(struct loop *l, const char *folder, struct blob_shelf **out, const char **why);
/* For store_each_need, and store_watch_needs. */
void blob_shelf_need(void *shelf, const struct store_need *need);
/* After the last need of the start: what nobody needs goes, what is missing is logged. */
struct blob_shelf_count {
    size_t needed, missing, dropped; /* files */
};
void blob_shelf_settle(struct blob_shelf *s, struct blob_shelf_count *out);
void blob_shelf_close(struct blob_shelf **s);

/* Whole, named and flushed? */
bool blob_shelf_has(const struct blob_shelf *s, struct slice digest);
/* Keeps it until released as often; it must be there. */
void blob_shelf_hold(struct blob_shelf *s, struct slice digest);
void blob_shelf_release(struct blob_shelf *s, struct slice digest);

struct blob_shelf_stats {
    size_t blobs;
    uint64_t bytes; /* of them on the disk */
};
void blob_shelf_stats(const struct blob_shelf *s, struct blob_shelf_stats *out);
/* Bytes per caller: of what records need.  Others may add what is on its way. */
struct blob_purse *blob_shelf_purse(struct blob_shelf *s);

/* --- writing --- */
struct blob_write;
struct blob_write_owner {
    /* So many bytes have left memory. */
    void (*wrote)(void *arg, size_t n);
    /* Once, and then it is gone.  OK: it is there and held once for you.  FULL: no room.  IO: the disk is broken. */
    void (*kept)(void *arg, enum err e, const struct hash_digest *digest, uint64_t size);
};
/* `size`: 0 when it is not known; more may not come. */
struct blob_write *blob_shelf_write(struct blob_shelf *s, uint64_t size, const struct blob_write_owner *owner,
                                    void *arg);
/* Copies. */
void blob_shelf_add(struct blob_write *w, struct slice bytes);
/* That was all: `kept` comes. */
void blob_shelf_end(struct blob_write *w);
/* Nothing of it stays, and nobody is told. */
void blob_shelf_cut(struct blob_write **w);

/* --- reading --- */
struct blob_read;
/* Of a piece, in order.  OK: `bytes`, borrowed for the call.  PEER: the file is not what was written; what was
 * read of it so far is worth nothing.  IO, ABSENT: it cannot be read. */
typedef void blob_read_fn(void *arg, enum err e, struct slice bytes);
/* From `at` to `end`; the whole of it is proved against its digest before its last piece is given. */
struct blob_read *blob_shelf_read(struct blob_shelf *s, const struct record_blob *blob, uint64_t at, uint64_t end,
                                  blob_read_fn *fn, void *arg);
/* `n` more, not past the end. */
void blob_shelf_next(struct blob_read *r, size_t n);
void blob_shelf_stop(struct blob_read **r);

#endif
