#ifndef WEFT_BROKER_STORE_LMDB_H
#define WEFT_BROKER_STORE_LMDB_H

/* store_lmdb - THE LMDB room: one writer thread, group commit, one folder.
 *
 * What has come while one batch was flushed, `batch` changes at most, is the next: one
 * transaction and one flush.  A failed flush stops the process: docs/decisions/lmdb-one-flush.md. */
#include "broker/store.h"

struct store_lmdb_conf {
    const char *folder;    /* made if absent; belongs to one broker at a time */
    uint64_t map_size;     /* bytes to begin with; 0: 64 MiB */
    uint64_t max_map_size; /* it doubles up to this; 0: 64 GiB */
    size_t batch;          /* 0: 1024 */
    size_t checkpoint;     /* commits until the database is flushed as a whole; 0: 512 */
};

/* IO: `*why` is a sentence for the operator ("another broker uses this folder"), valid until the next call. */
MUST_USE enum err store_lmdb_open(struct loop *l, const struct store_lmdb_conf *conf, struct store **out,
                                  const char **why);

/* A folder that was left by a kill or a loss of power becomes one database again, with nothing in its journal.
 * For tools, while no broker runs on it; IO as above. */
MUST_USE enum err store_lmdb_mend(const char *folder, const char **why);

#endif
