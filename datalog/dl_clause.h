#ifndef WEFT_DATALOG_DL_CLAUSE_H
#define WEFT_DATALOG_DL_CLAUSE_H

/* dl_clause - one clause to rules or a fact: slots for variables, words for constants. */
#include "datalog/dl_rule.h"

/* Where names of a clause are looked up, and where what is lowered goes. */
struct dl_clause_scope {
    struct datalog *program;
    const struct dl_texts *texts;
    struct slice prefix;    /* "old." inside `.init old = C` */
    struct dl_rule ***last; /* where the next rule hangs itself */
};

/* The relation a name means here, innermost component first; NULL after a complaint. */
struct dl_relation *dl_clause_relation(const struct dl_clause_scope *s, struct slice name, struct dl_at at);
/* "unknown `what` `name`", with the nearest name there is (or NULL). */
void dl_clause_unknown(const struct dl_clause_scope *s, struct dl_at at, const char *what, struct slice name,
                       const char *nearest);
void dl_clause_lower(struct dl_clause_scope *s, const struct dl_clause *c);

#endif
