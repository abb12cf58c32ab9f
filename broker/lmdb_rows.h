#ifndef WEFT_BROKER_LMDB_ROWS_H
#define WEFT_BROKER_LMDB_ROWS_H

/* lmdb_rows - rows of a store inside one LMDB transaction.
 *
 * Lifetime: a plain value over a transaction that somebody else begins and ends.
 * Threads:  one at a time. */
#include "broker/lmdb_room.h"

struct lmdb_rows {
    struct lmdb_room *room;
    struct MDB_txn *txn;
    int code;          /* LMDB's, of the last failure */
    struct buf *entry; /* of the journal, for what is put and deleted; NULL: none */
};

/* For order_run, with a struct lmdb_rows as its transaction. */
extern const struct order_rows lmdb_rows_ops;

/* ABSENT: no such row.  The value lives as long as the transaction stands still. */
MUST_USE enum err lmdb_rows_get(struct lmdb_rows *t, enum order_table table, struct slice key, struct slice *value);
/* Up to `most` rows, kept in `arena`: store_ops.walk. */
size_t lmdb_rows_walk(struct lmdb_rows *t, const struct order_walk *what, struct arena *arena, struct order_row *rows,
                      size_t most);
/* Bytes of the pages in use. */
uint64_t lmdb_rows_used(struct lmdb_rows *t);
/* Pages that were looked at count as our memory while they are mapped: lets go of them; the kernel has them all
 * the same.  While the map stays where it is. */
void lmdb_rows_rest(void);

/* OK, FULL or IO for LMDB's code, which is kept. */
MUST_USE enum err lmdb_rows_outcome(struct lmdb_rows *t, int code);
bool lmdb_rows_no_room(int code);
/* Nothing is acknowledged after this: whoever waits for an answer gets none, and asks again. */
_Noreturn void lmdb_rows_broken(const char *doing, int code);

#endif
