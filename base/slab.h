#ifndef WEFT_BASE_SLAB_H
#define WEFT_BASE_SLAB_H

/* slab - very many objects of one size, without an allocator's cost for each.
 *
 * They lie in blocks of 256 KiB; a block whose objects are all free goes back, but
 * for the last one.  Under AddressSanitizer each object is a block of its own, so
 * that use after free is seen.
 *
 * Lifetime: caller's memory; free every object before slab_fini.
 * Threads:  belongs to one. */
#include <stddef.h>

#include "base/list.h"

enum { SLAB_OBJECT_MOST = 4096 };

struct slab {
    size_t size;        /* of an object */
    struct list roomy;  /* blocks with a free object */
    size_t used;        /* objects */
    size_t block_count; /* blocks */
};

void slab_init(struct slab *s, size_t size);
void slab_fini(struct slab *s);
/* Zeroed, aligned for anything; never NULL. */
void *slab_new(struct slab *s);
void slab_free(struct slab *s, void *object);

#endif
