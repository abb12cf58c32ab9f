#ifndef WEFT_BASE_FILE_H
#define WEFT_BASE_FILE_H

/* file - whole small files: read, written so that they are whole or not there.
 *
 * Blocking: for start-up, reload and the command line, never on the loop's path. */
#include "base/buf.h"

/* Adds the bytes of `path` ("-": standard input) to `out`.  ABSENT: no such file.  FULL: over out's bound.
 * IO: errno says why. */
MUST_USE enum err file_read(const char *path, struct buf *out);
/* A temporary beside it, fsync, rename: the old one or the whole new one. */
MUST_USE enum err file_write(const char *path, struct slice bytes, unsigned mode);
bool file_exists(const char *path);

#endif
