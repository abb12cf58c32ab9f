#ifndef WEFT_CONTRACTS_WIRE_JSON_NAMES_H
#define WEFT_CONTRACTS_WIRE_JSON_NAMES_H

/* json_names - which names the open objects of one JSON text have had, so that none
 * comes twice.
 *
 * Names are known by their keyed 64-bit hash alone: two different names of one object
 * pass for the same once in 2^40 objects of the largest size, nobody outside can
 * find such a pair, and the mistake would refuse a body, never pass one.
 *
 * Lifetime: caller's memory; a zeroed one is empty and ready.
 * Threads:  belongs to one. */
#include "base/slice.h"

enum { JSON_NAMES_OBJECT = 4096, JSON_NAMES_ALL = 1 << 16 };

struct json_names {
    uint64_t *table; /* open addressing; 0 is free */
    size_t cap;
    uint64_t *live; /* the same keys, oldest first */
    size_t count, room;
    uint64_t serial;
};

/* An open object; the one opened last is closed first. */
struct json_names_object {
    size_t first; /* in `live` */
    uint64_t salt;
};

void json_names_fini(struct json_names *n);
struct json_names_object json_names_open(struct json_names *n);
/* OK.  EXISTS: the object has had this name.  FULL: more names than the bounds above allow. */
MUST_USE enum err json_names_add(struct json_names *n, const struct json_names_object *o, struct slice name);
void json_names_close(struct json_names *n, const struct json_names_object *o);

#endif
