#ifndef WEFT_CLI_PLAN_FILE_H
#define WEFT_CLI_PLAN_FILE_H

/* plan_file - plans as `weft check --format plan` writes them, several in one file.
 *
 *     # orders 1.0.0 -> 2.0.0
 *     [request create_order]
 *     rename   /   qty -> quantity   lossless
 *
 * A line in brackets names the plan that follows it.  A file without such a line is one plan
 * that has no name.
 *
 * Lifetime: caller's memory; a diag that it filled is shown before plan_file_fini. */
#include "contracts/wire/plan.h"

enum { PLAN_FILE_BYTES = 16 << 20, PLAN_FILE_PLANS = 4096 };

struct plan_file {
    const char *path;
    struct buf text, chosen;
    struct slice *names; /* one of no letters: the file has no names */
    size_t count;
};

/* INPUT: cannot be read, or two plans have one name; `diag` says so. */
MUST_USE enum err plan_file_init(struct plan_file *f, const char *path, struct diag *diag);
void plan_file_fini(struct plan_file *f);
/* The plan of this name, for the caller to unref.  INPUT: it is none; `diag` says where. */
MUST_USE enum err plan_file_plan(struct plan_file *f, struct slice name, struct diag *diag, struct plan **out);

#endif
