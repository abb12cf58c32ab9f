#ifndef WEFT_BASE_MEM_H
#define WEFT_BASE_MEM_H

/* mem - allocate or abort.
 *
 * For small things of our own.  Whatever a peer can make large has a bound and
 * answers ERR_FULL before it gets here (buf, arena).  Every allocation goes
 * through one hook so that tests can count them.
 *
 * Threads: all functions may be called from any thread. */
#include <stddef.h>

#include "base/slice.h"

/* Zeroed; never NULL. */
void *mem_new(size_t size);
void *mem_array(size_t count, size_t size);
/* Grows or shrinks; the grown part is not zeroed. */
void *mem_resize(void *old, size_t count, size_t size);
/* A NUL-terminated copy. */
char *mem_copy(struct slice s);
/* NULL is fine. */
void mem_free(void *p);

/* Whole pages of zeroes, which cost memory only once they are touched. */
void *mem_pages(size_t size);
/* The same at a multiple of `size`, which is a power of two. */
void *mem_aligned_pages(size_t size);
/* They are zeroes again, and cost nothing. */
void mem_pages_forget(void *at, size_t size);
void mem_pages_free(void *pages, size_t size);

/* What is free goes back to the kernel: milliseconds for many megabytes, so not often. */
void mem_give_back(void);

/* The program's own code and constants, and those of its libraries, are in memory no more; what is needed again comes
 * from the page cache, 16 pages with one fault.  After something that is done once: a start needs much that nothing
 * else does. Breakpoints that a debugger has set in them go, too. */
void mem_forget_code(void);

/* How many blocks are alive; tests compare before and after. */
size_t mem_alive(void);

#endif
