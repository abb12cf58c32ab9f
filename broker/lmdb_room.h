#ifndef WEFT_BROKER_LMDB_ROOM_H
#define WEFT_BROKER_LMDB_ROOM_H

/* lmdb_room - what the files of the LMDB store share.
 *
 * Private to lmdb_*.c and store_lmdb.c.
 * Threads: as each part says. */
#include <pthread.h>

#include "broker/lmdb_journal.h"
#include "broker/order.h"
#include "broker/store_lmdb.h"

struct MDB_env;
struct MDB_txn;

/* Bytes kept free by submits for leases and completions, and of those for deletes: even they write pages
 * before they free any. */
#define LMDB_ROOM_RESERVE (UINT64_C(8) << 20)
#define LMDB_ROOM_LAST_RESERVE (UINT64_C(1) << 20)
/* A quarter of the reserve: no batch is too big for it. */
#define LMDB_ROOM_BATCH (UINT64_C(2) << 20)
/* When the file has grown by so much, a checkpoint lets go of the pages that the base has kept. */
enum { LMDB_ROOM_PAGES = 4096 };

struct lmdb_room {
    struct store base;
    struct store_lmdb_conf conf;
    int lock_fd;
    struct MDB_env *env;
    unsigned dbi[ORDER_TABLES];
    /* Over the size of the map, which must not move while somebody reads, and over `shown`. */
    pthread_mutex_t map_lock;
    struct MDB_txn *shown; /* what is read: the latest state that a loss of power cannot undo */
    struct loop_wake *wake;
    struct loop_task kick; /* tells the writer at the end of the turn: what came in one is one batch */
    pthread_t writer;
    pthread_mutex_t lock; /* over all that follows */
    pthread_cond_t more;
    struct list waiting, finished;
    size_t waiting_count, waiting_bytes;
    bool ending;
    struct store_stats stats;
    /* The writer's alone. */
    struct lmdb_journal *journal;
    struct MDB_txn *anchor; /* what the journal begins at: its pages stay as they are */
    struct buf entry;       /* rows that the batch at hand has written */
    uint64_t page_size, map_size, used, on_disk;
    uint64_t last_commit, base_commit; /* their numbers */
    uint64_t base_pages;               /* of the file, when it was the base */
    struct lmdb_room_last {
        size_t len;
        char key[ORDER_EVENT_KEY];
    } last[ORDER_TABLES]; /* the greatest key that was put */
};

#endif
