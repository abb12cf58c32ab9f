#ifndef WEFT_BROKER_LMDB_COPY_H
#define WEFT_BROKER_LMDB_COPY_H

/* lmdb_copy - a compact copy of an LMDB store: of one that runs for a backup, of one that does not to shrink it.
 *
 * Blocking, for the command line.  Threads: any one. */
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct lmdb_copy {
    uint64_t before, after; /* bytes of the file and of its copy */
    size_t blobs;           /* files that were copied with it */
    uint64_t blob_bytes;
    size_t missing; /* blobs that it needs and nobody has */
};

/* One moment of the store in `folder`, whether a broker runs on it or not, as `to`/data.mdb, flushed.
 * The blobs that it needs are in `to`/blobs.  `to` is made if absent.  EXISTS: it has a database already.  ABSENT:
 * `folder` has none. IO: `*why` is a sentence, valid until the next call. */
MUST_USE enum err lmdb_copy_backup(const char *folder, const char *to, struct lmdb_copy *out, const char **why);
/* The store's file becomes its compact copy, whole or not at all.  FULL: a broker runs on it. */
MUST_USE enum err lmdb_copy_compact(const char *folder, struct lmdb_copy *out, const char **why);

#endif
