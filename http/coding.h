#ifndef WEFT_HTTP_CODING_H
#define WEFT_HTTP_CODING_H

/* coding - content codings (RFC 9110 section 8.4): undone for who must read a body, and done again.
 *
 * THE zlib room.  A body that grows out of proportion is an attack on who reads it: past CODING_FREE bytes it may be at
 * most CODING_TIMES as long as what came.
 *
 * Lifetime: new/free.
 * Threads:  belongs to one; pure. */
#include "base/buf.h"

enum coding { CODING_IDENTITY, CODING_GZIP, CODING_DEFLATE, CODING_OTHER };
enum { CODING_TIMES = 200, CODING_FREE = 1 << 20, CODING_PIECE = 16 << 10 };

/* Of a content-encoding field; empty is identity, and more than one coding is OTHER. */
enum coding coding_of(struct slice field);
const char *coding_name(enum coding c);

struct coding_undo;
struct coding_redo;

/* PRE: GZIP or DEFLATE. */
struct coding_undo *coding_undo_new(enum coding c);
void coding_undo_free(struct coding_undo **u);
/* Takes bytes off the front of `*in` and adds to `out`, at most CODING_PIECE at a time: call again while `*in` has some
 * or the answer is AGAIN.  OK: all is used.  PEER: not that coding.  FULL: out of proportion. */
MUST_USE enum err coding_undo(struct coding_undo *u, struct slice *in, struct buf *out);
/* PEER: it has ended too early. */
MUST_USE enum err coding_undo_end(const struct coding_undo *u);

struct coding_redo *coding_redo_new(enum coding c);
void coding_redo_free(struct coding_redo **r);
/* FULL: `out` is at its bound.  With `flush` everything that came so far can be read by now. */
MUST_USE enum err coding_redo(struct coding_redo *r, struct slice in, bool flush, struct buf *out);
MUST_USE enum err coding_redo_end(struct coding_redo *r, struct buf *out);

#endif
