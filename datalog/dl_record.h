#ifndef WEFT_DATALOG_DL_RECORD_H
#define WEFT_DATALOG_DL_RECORD_H

/* dl_record - records and variants as symbols: equal ones have equal ids.
 *
 * The text of one says by itself what is in it: a name if it is a variant's, and
 * the class and word of each field.  nil is the empty text. */
#include "datalog/dl_ast.h"
#include "datalog/dl_sym.h"

/* Begins the text of a record in `out`, which is emptied; `name` is empty or a branch's. */
void dl_record_begin(struct buf *out, struct slice name);
/* FULL: longer than a symbol may be. */
MUST_USE enum err dl_record_add(struct buf *out, enum datalog_type type, datalog_word w);

/* Is it of this branch, or with no name a record that is not nil? */
bool dl_record_is(struct slice text, struct slice name);
/* ABSENT: it is nil, or of another branch. */
MUST_USE enum err dl_record_field(struct slice text, struct slice name, unsigned field, datalog_word *out);

/* <0, 0, >0: nil first, then by branch, then field by field. */
int dl_record_order(const struct dl_sym *symbols, struct slice a, struct slice b);
/* "[1, nil]", "$Leaf(2)"; symbols in it are quoted or plain.  After `most` bytes, and at the latest after 16 MiB,
 * comes "...": what is small in memory may be very large when it is written out. */
void dl_record_put(const struct dl_sym *symbols, struct slice text, bool quoted, size_t most, struct buf *out);

#endif
