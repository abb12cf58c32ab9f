#ifndef WEFT_BASE_INDEX_H
#define WEFT_BASE_INDEX_H

/* index - objects found by a key that lies in them: eight bytes a place.
 *
 * For very many; map is easier to use and holds five times as much per entry.  The
 * hash is quick and not keyed: no stranger may choose the keys.
 *
 * Lifetime: caller's memory; a zeroed one with `key_of` set is empty and ready.
 * Threads:  belongs to one. */
#include "base/slice.h"

/* The same as long as the object is in. */
typedef struct slice index_key_fn(const void *object);

struct index {
    index_key_fn *key_of;
    void **places;
    size_t cap; /* power of two, or 0 */
    size_t count;
    size_t used; /* count and the graves */
};

void index_fini(struct index *x);
/* NULL: not there. */
void *index_get(const struct index *x, struct slice key);
/* Room for so many, made at once. */
void index_reserve(struct index *x, size_t count);
/* Its key must be new. */
void index_put(struct index *x, void *object);
/* It must be in. */
void index_del(struct index *x, const void *object);
/* Walks in no particular order: start with `*at` = 0; NULL at the end.  Deleting the one just given is
 * allowed while walking, putting is not. */
void *index_next(const struct index *x, size_t *at);

#endif
