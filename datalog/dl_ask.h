#ifndef WEFT_DATALOG_DL_ASK_H
#define WEFT_DATALOG_DL_ASK_H

/* dl_ask - a tuple that somebody asks about, as a program would write it. */
#include "datalog/dl_join.h"

/* `_` is DL_RULE_UNBOUND.  INPUT: `diag` says what is wrong with it. */
MUST_USE enum err dl_ask_tuple(struct datalog_run *r, const struct datalog_text *question, struct diag *diag, int *rel,
                               datalog_word *columns);

#endif
