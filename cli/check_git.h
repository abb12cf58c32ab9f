#ifndef WEFT_CLI_CHECK_GIT_H
#define WEFT_CLI_CHECK_GIT_H

/* check_git - files and folders as they stand in a revision: git itself is asked.
 *
 * An object is "REV:PATH"; PATH is from the top, or from here when it begins with "./".  What git
 * complains of goes to our standard error. */
#include "base/buf.h"

enum check_git_kind { CHECK_GIT_NOTHING, CHECK_GIT_FILE, CHECK_GIT_FOLDER };

/* IO: git cannot be run. */
MUST_USE enum err check_git_kind(const char *object, enum check_git_kind *out);
/* A file's bytes.  ABSENT: git does not have it.  FULL: over out's bound. */
MUST_USE enum err check_git_show(const char *object, struct buf *out);
/* The names of all files below a folder, each with a NUL behind it.  Outcomes as above. */
MUST_USE enum err check_git_list(const char *object, struct buf *out);

#endif
