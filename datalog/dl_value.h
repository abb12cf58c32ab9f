#ifndef WEFT_DATALOG_DL_VALUE_H
#define WEFT_DATALOG_DL_VALUE_H

/* dl_value - values as files hold them: symbols without quotes, -7, 1.5. */
#include "datalog/dl_join.h"

/* INPUT: the text is no value of this column. */
MUST_USE enum err dl_value_read(struct datalog_run *r, const struct dl_relation *rel, unsigned column,
                                struct slice text, datalog_word *out);
void dl_value_put(const struct datalog_run *r, enum datalog_type type, datalog_word w, struct buf *out);

#endif
