#ifndef WEFT_BASE_DIAG_H
#define WEFT_BASE_DIAG_H

/* diag - what a person must mend: every complaint with its place, all of them at once.
 *
 * Printed as
 *     orders.weft:3:18: error: unknown relation `feild`
 *       feild("Order", "qty", "int32", "required").
 *       ^~~~~
 *       did you mean `field`?
 *
 * Lifetime: caller's memory; diag_fini frees the complaints.  Strings are copied.
 * Threads:  belongs to one. */
#include "base/arena.h"
#include "base/buf.h"

enum diag_level { DIAG_NOTE, DIAG_WARNING, DIAG_ERROR };

struct diag_place {
    const char *file;  /* NULL: no file; "-" is standard input */
    struct slice text; /* the whole text, for the caret line; may be empty */
    unsigned line;     /* 1-based; 0: the file as a whole */
    unsigned column;   /* 1-based, in bytes */
    unsigned width;    /* bytes to underline; 0 is 1 */
};

struct diag_entry {
    struct diag_entry *next;
    enum diag_level level;
    struct slice file;
    unsigned line, column, width;
    struct slice source;  /* the line itself or, when it is long, the part around the place; or empty */
    unsigned source_from; /* the column `source` begins at: its leading blanks are left out */
    struct slice message;
    struct slice fix; /* how to mend it, or empty */
};

struct diag {
    struct arena arena;
    struct diag_entry *first, *last;
    unsigned errors, warnings;
    unsigned most; /* entries kept; more are only counted */
    unsigned seen; /* entries added */
};

void diag_init(struct diag *d);
void diag_fini(struct diag *d);
/* `fix` may be NULL. */
void diag_add(struct diag *d, enum diag_level level, const struct diag_place *place, const char *fix,
              const char *format, ...) PRINTF_LIKE(5, 6);
/* In order of being added. */
void diag_print(const struct diag *d, struct buf *out);

/* The candidate nearest to `word` (edit distance at most 2), or NULL: for "did you mean". */
const char *diag_nearest(struct slice word, const char *const *candidates, size_t count);

#endif
