#ifndef WEFT_POLICY_POLICY_FILES_H
#define WEFT_POLICY_POLICY_FILES_H

/* policy_files - the texts of a policy, read from files and from folders of *.weft.
 *
 * For start-up, reload and the command line: it blocks.
 *
 * Lifetime: caller's memory; policy_files_fini is safe on a zeroed one.  An authz that was
 *           loaded from the texts must go before them.
 * Threads:  belongs to one. */
#include "policy/policy_load.h"

enum { POLICY_FILES_MOST = 256 };

struct policy_files {
    struct arena arena;
    struct policy_text v[POLICY_FILES_MOST];
    size_t count;
};

/* In the order given, those of a folder by name.  INPUT: complaints are in `diag`. */
MUST_USE enum err policy_files_read(struct policy_files *f, const char *const *paths, size_t count, struct diag *diag);
void policy_files_fini(struct policy_files *f);

/* The names of a folder's policy files, for whoever watches them: `each` gets whole paths, in order. */
void policy_files_list(const char *folder, void (*each)(void *arg, const char *path), void *arg);

#endif
