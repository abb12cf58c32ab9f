#ifndef WEFT_DATALOG_DL_READ_H
#define WEFT_DATALOG_DL_READ_H

/* dl_read - clauses, literals and terms out of tokens: the lower half of dl_parse.
 *
 * Every reader gives false after it has complained; the caller then gives up the
 * clause and recovers. */
#include "datalog/dl_ast.h"

struct dl_read {
    const struct dl_texts *texts;
    struct arena *arena;
    struct dl_lex lex;
    struct dl_token now, ahead;
    const char *end;     /* one past the last token taken */
    unsigned depth;      /* of everything that nests */
    unsigned components; /* of these, components */
};

void dl_read_init(struct dl_read *r, const struct dl_texts *texts, uint32_t text, struct arena *arena);
void dl_read_next(struct dl_read *r);
bool dl_read_accept(struct dl_read *r, enum dl_token_kind kind);
bool dl_read_expect(struct dl_read *r, enum dl_token_kind kind);
/* Complains about what stands here; gives false. */
bool dl_read_expected(struct dl_read *r, const char *what);
bool dl_read_fail(struct dl_read *r, struct dl_at at, const char *fix, const char *format, ...) PRINTF_LIKE(4, 5);
/* One level down; false when that is too deep. */
bool dl_read_deeper(struct dl_read *r, struct dl_at at);
/* To behind the next `.`, or to a directive or the end of the component. */
void dl_read_recover(struct dl_read *r);
/* Does the name that stands here open a clause? */
bool dl_read_opens_clause(const struct dl_read *r);

bool dl_read_atom(struct dl_read *r, struct dl_literal **out);
bool dl_read_clause(struct dl_read *r, struct dl_clause *out);

#endif
