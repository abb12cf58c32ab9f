#ifndef WEFT_BROKER_LMDB_JOURNAL_H
#define WEFT_BROKER_LMDB_JOURNAL_H

/* lmdb_journal - what was written since the database was flushed as a whole: one flush makes a batch durable.
 *
 * LMDB needs two flushes for a commit, pages and then the meta page that names them.
 * So its commits are not flushed at all; the rows they wrote go to the end of this
 * file, whose one flush is the acknowledgement.  A checkpoint flushes the database
 * and begins the file anew.
 *
 *     0        4096     8192                                        LMDB_JOURNAL
 *     +--------+--------+-------+-------+-------+--- ... ------------+
 *     | base   | base   | entry | entry | entry |                    |
 *     +--------+--------+-------+-------+-------+--- ... ------------+
 *
 * A base is what the two meta pages of the database said at a checkpoint; the later
 * of the sound ones counts.  After a loss of power the disk may have later meta pages
 * without their pages, so those of the base are put back first, and the entries behind
 * it are played again.  No page that the base needs was written to meanwhile: the
 * writer holds a reader at it.
 *
 * A mark in the database says whose journal this is: a copy of a database has none.
 *
 * Threads: one at a time. */
#include "base/buf.h"

#include <stdint.h>

struct lmdb_journal;

enum { LMDB_JOURNAL = 4 << 20 };

/* Before LMDB opens `database`: puts the base back when there is a journal of it, and makes one otherwise.
 * IO: `*why` says what failed, and the repair. */
MUST_USE enum err lmdb_journal_open(const char *folder, const char *database, struct lmdb_journal **out,
                                    const char **why);
/* NULL is fine. */
void lmdb_journal_close(struct lmdb_journal **j);

/* A row that was put, or deleted, as part of an entry. */
void lmdb_journal_put(struct buf *entry, unsigned table, struct slice key, struct slice value);
void lmdb_journal_del(struct buf *entry, unsigned table, struct slice key);
/* Room for this entry?  If not: a checkpoint first; one that is too large even then is made durable by it. */
bool lmdb_journal_fits(const struct lmdb_journal *j, struct slice entry);
/* Durable when it returns.  0, or errno. */
MUST_USE int lmdb_journal_add(struct lmdb_journal *j, struct slice entry);
/* The database has been flushed as it is: it is the new base.  0, or errno. */
MUST_USE int lmdb_journal_rebase(struct lmdb_journal *j);

/* What is behind the base, in order; false: enough.  `del`: it was deleted. */
typedef bool lmdb_journal_row_fn(void *arg, unsigned table, struct slice key, struct slice value, bool del);
void lmdb_journal_replay(const struct lmdb_journal *j, lmdb_journal_row_fn *fn, void *arg);
/* Bytes behind the base. */
size_t lmdb_journal_held(const struct lmdb_journal *j);

#endif
