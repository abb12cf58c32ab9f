#ifndef WEFT_BASE_STAMP_H
#define WEFT_BASE_STAMP_H

/* stamp - a number that is another one when a file on disk is another one.
 *
 * Made of what stat(2) says (device, inode, size, time of change), so looking costs
 * little and a file swapped under a symbolic link is noticed.
 *
 * Threads: pure but for the stat. */
#include <stdint.h>

enum { STAMP_NONE = 0 };

/* `stamp` with one more file or folder in it; one that is not there counts as such. */
uint64_t stamp_file(uint64_t stamp, const char *path);

#endif
