#ifndef WEFT_BROKER_LMDB_WRITER_H
#define WEFT_BROKER_LMDB_WRITER_H

/* lmdb_writer - the thread that runs orders in batches, and says when they are durable.
 *
 * A commit is one flush, of the journal.  `shown` moves on behind it: what a loss of
 * power could undo is neither answered nor read.
 *
 * Threads: start, stop and settle are the loop's. */
#include "broker/lmdb_room.h"

void lmdb_writer_start(struct lmdb_room *s);
/* Everything that waits is written and finished first. */
void lmdb_writer_stop(struct lmdb_room *s);
/* After the stop: what came since, here and now.  false: there was nothing. */
bool lmdb_writer_settle(struct lmdb_room *s);
/* The database is flushed and the journal begins anew.  The writer's, and the loop's before the start and after
 * the stop. */
void lmdb_writer_checkpoint(struct lmdb_room *s);

#endif
