#ifndef WEFT_CONTRACTS_WIRE_JSON_NAMES_H
#define WEFT_CONTRACTS_WIRE_JSON_NAMES_H

/* json_names - which names the open objects of one JSON text have had, so that none
 * comes twice.
 *
 * Lifetime: caller's memory; a zeroed one is empty and ready.
 * Threads:  belongs to one. */
#include "base/slice.h"

/* The most names of one object, of all open objects, and the most bytes of those. */
enum { JSON_NAMES_OBJECT = 4096, JSON_NAMES_ALL = 1 << 16, JSON_NAMES_BYTES = 4 << 20 };

struct json_names_entry {
    uint64_t key;     /* hash of the name and its object */
    uint32_t at, len; /* in `bytes` */
};

struct json_names {
    struct json_names_entry *live; /* oldest first */
    size_t count, room;
    uint32_t *table; /* open addressing: 1 + a place in `live`; 0 is free */
    size_t cap;
    char *bytes;
    size_t used, bytes_room;
    uint64_t serial;
};

/* An open object; the one opened last is closed first. */
struct json_names_object {
    size_t first; /* in `live` */
    size_t bytes; /* used before it */
    uint64_t salt;
};

/* Fast, and seeded per process so that nobody outside can choose names that collide. */
uint64_t json_names_hash(struct slice name);

void json_names_fini(struct json_names *n);
struct json_names_object json_names_open(struct json_names *n);
/* `hash` is json_names_hash of `name`.  OK.  EXISTS: the object has had this name.
 * FULL: past one of the bounds above. */
MUST_USE enum err json_names_add(struct json_names *n, const struct json_names_object *o, struct slice name,
                                 uint64_t hash);
void json_names_close(struct json_names *n, const struct json_names_object *o);

#endif
