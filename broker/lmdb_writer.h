#ifndef WEFT_BROKER_LMDB_WRITER_H
#define WEFT_BROKER_LMDB_WRITER_H

/* lmdb_writer - the thread that runs orders in batches, and says when they are durable.
 *
 * A commit is one flush: of its pages, and with them of the meta page that the commit
 * before it wrote.  So an order is finished when the next batch is committed, or after
 * a flush of its own when nothing follows.  `shown` moves on at the same moment: what
 * a loss of power could undo is neither answered nor read.
 *
 * Threads: start, stop and settle are the loop's. */
#include "broker/lmdb_room.h"

void lmdb_writer_start(struct lmdb_room *s);
/* Everything that waits is written and finished first. */
void lmdb_writer_stop(struct lmdb_room *s);
/* After the stop: what came since, here and now.  false: there was nothing. */
bool lmdb_writer_settle(struct lmdb_room *s);

#endif
