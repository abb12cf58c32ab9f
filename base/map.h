#ifndef WEFT_BASE_MAP_H
#define WEFT_BASE_MAP_H

/* map - a hash table keyed by slice, seeded per process.
 *
 * Keys are borrowed: their bytes must live as long as the entry (usually inside
 * the value).  Values are the caller's pointers, never NULL.
 *
 * Lifetime: caller's memory; a zeroed map is empty and ready.
 * Threads:  belongs to one. */
#include "base/slice.h"

struct map_entry {
    const char *key;
    uint32_t len, hash; /* of the key; a hash has 32 bits of its own */
    void *value;        /* NULL: free or deleted */
};

struct map {
    struct map_entry *entries;
    size_t cap; /* power of two, or 0 */
    size_t count;
    size_t used; /* count and the graves */
};

void map_fini(struct map *m);
/* NULL: not there. */
void *map_get(const struct map *m, struct slice key);
/* Puts or replaces; gives back what was there before, or NULL. */
void *map_put(struct map *m, struct slice key, void *value);
/* Puts unless the key is there already; gives back what is there then. */
void *map_keep(struct map *m, struct slice key, void *value);
/* Takes out; NULL when it was not there. */
void *map_del(struct map *m, struct slice key);
/* Walks in no particular order: start with `*at` = 0; NULL at the end.  Deleting the entry
 * just given is allowed while walking, putting is not. */
void *map_next(const struct map *m, size_t *at);

/* SipHash-2-4 under the process seed. */
uint64_t map_hash(struct slice key);
/* SipHash-2-4 under a key of one's own: equal in every process. */
uint64_t map_siphash(const uint64_t key[2], struct slice bytes);

#endif
